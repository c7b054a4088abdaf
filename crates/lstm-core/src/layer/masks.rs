//! What a pass of a layer by itself does with what training drops and keeps at random, and whether given masks are the layer's.

use crate::network::definition::LayerDefinition;
use crate::network::layer::{LayerMasks, StateMasks};
use crate::network::padded::Place;
use crate::network::samples::Samples;
use crate::random::RandomStream;
use crate::{Error, ErrorCode, Result};

use super::arrays::{check_finite, check_length, check_steps, part_of};

/// Where a forward pass has the random factors of its layer's options from: recurrent dropout, zoneout, `DropConnect`.
#[derive(Debug, Clone, Copy, Default)]
pub enum Dropping<'a> {
    /// Prediction: nothing is dropped, and zoneout keeps the part that it keeps on average.
    #[default]
    Expected,
    /// Training: masks are drawn from the stream of the layer's seed, as a model of this one layer draws them.
    Drawn,
    /// Training under these masks.
    Given(TrainingMasks<'a>),
}

/// The masks of one training pass: n sequences of T steps; D directions of R hidden states, C cell states and G gates of H
/// units. There has to be one for each option of the layer that takes one, and no other. What those of steps hold beyond a
/// sequence's length does not matter.
#[derive(Debug, Clone, Copy, Default)]
pub struct TrainingMasks<'a> {
    /// [D, n, R]: what the hidden state is multiplied with on its way into the gates (`recurrentDropout`): 0, or 1 / (1 − rate).
    pub recurrent: Option<&'a [f32]>,
    /// [n, T, D·R]: the part, 0 or 1, of the hidden state that is kept of the step before (`zoneout.hidden`).
    pub keep_hidden: Option<&'a [f32]>,
    /// [n, T, D·C]: the same of the cell state (`zoneout.cell`).
    pub keep_cell: Option<&'a [f32]>,
    /// [D, G·H, R]: what `weight_hh` is multiplied with (`weightDropout`): 0, or 1 / (1 − rate).
    pub weight: Option<&'a [f32]>,
}

impl<'a> Dropping<'a> {
    /// By its name, `"expected"`, `"drawn"` or `"given"`, as bindings say it.
    pub fn named(name: &str, masks: TrainingMasks<'a>) -> Result<Self> {
        match name {
            "expected" => Ok(Self::Expected),
            "drawn" => Ok(Self::Drawn),
            "given" => Ok(Self::Given(masks)),
            _ => {
                let message = format!("`{name}` is no way to drop: use `expected`, `drawn` or `given`");
                Err(Error::new(ErrorCode::InvalidOption, "dropping", message))
            }
        }
    }

    /// The masks of the states for direction `which` of `directions`.
    pub(super) fn of_states<'b>(
        &self,
        which: usize,
        directions: usize,
        sizes: [usize; 2],
        random: &'b mut RandomStream,
    ) -> StateMasks<'b>
    where
        'a: 'b,
    {
        match *self {
            Self::Expected => StateMasks::Expected,
            Self::Drawn => StateMasks::Drawn(random),
            Self::Given(TrainingMasks { recurrent, keep_hidden, keep_cell, .. }) => {
                let masks = LayerMasks {
                    recurrent: part_of(recurrent, which, directions).unwrap_or_default(),
                    keep_hidden: keep_hidden.unwrap_or_default(),
                    keep_cell: keep_cell.unwrap_or_default(),
                };
                StateMasks::Given(masks, sizes.map(|size| Place { first: which * size, stride: directions * size }))
            }
        }
    }

    /// The mask of a direction's recurrent weights, if one is given.
    pub(super) fn of_weights(&self, which: usize, directions: usize) -> Option<&'a [f32]> {
        match self {
            Self::Given(masks) => part_of(masks.weight, which, directions),
            _ => None,
        }
    }
}

impl TrainingMasks<'_> {
    /// Fails unless these are the masks that the layer takes for these sequences.
    pub(super) fn check(&self, layer: &LayerDefinition, samples: &Samples, cells: usize) -> Result<()> {
        let (directions, states) = (layer.directions(), layer.hidden_size());
        let (n, steps) = (samples.count(), samples.steps());
        if wanted("masks.recurrent", self.recurrent, "recurrentDropout", layer.recurrent_dropout)?.is_some() {
            check_finite("masks.recurrent", self.recurrent, [directions, n, states])?;
        }
        for (name, mask, option, rate, size) in [
            ("masks.keepHidden", self.keep_hidden, "zoneout.hidden", layer.zoneout.hidden, states),
            ("masks.keepCell", self.keep_cell, "zoneout.cell", layer.zoneout.cell, cells),
        ] {
            if let Some(mask) = wanted(name, mask, option, rate)? {
                check_length(name, mask, [n, steps, directions * size])?;
                check_steps(name, mask, |sample| samples.length(sample), [n, steps, directions * size])?;
            }
        }
        if wanted("masks.weight", self.weight, "weightDropout", layer.weight_dropout)?.is_some() {
            check_finite("masks.weight", self.weight, [directions, layer.gates() * layer.units as usize, states])?;
        }
        Ok(())
    }
}

/// The mask of an option, which has to be there where the option is, and nowhere else.
fn wanted<'a>(name: &str, mask: Option<&'a [f32]>, option: &str, rate: f32) -> Result<Option<&'a [f32]>> {
    let message = match (mask.is_some(), rate > 0.0) {
        (true, false) => format!("this layer has no {option}: leave {name} out"),
        (false, true) => format!("this layer has {option} and other masks are given: give {name} too"),
        _ => return Ok(mask),
    };
    Err(Error::new(ErrorCode::ShapeMismatch, name, message))
}
