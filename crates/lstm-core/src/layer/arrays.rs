//! The arrays of a layer's passes, and whether they are what the layer expects.

use super::masks::Dropping;
use crate::finite::first_not_finite;
use crate::{Error, ErrorCode, Result};

/// What a forward pass reads: n sequences of T steps; D directions of H hidden units and, in an LSTM, C cell states.
#[derive(Debug, Clone, Copy)]
pub struct LayerInput<'a> {
    /// [n, T, I]; what lies beyond a sequence's length is not read.
    pub x: &'a [f32],
    /// T
    pub steps: usize,
    /// `[n]`: how many steps of each sequence count; all of them unless given.
    pub lengths: Option<&'a [u32]>,
    /// [D, n, H]; zero unless given.
    pub initial_hidden: Option<&'a [f32]>,
    /// [D, n, C]; zero unless given.
    pub initial_cell: Option<&'a [f32]>,
    /// Whether this is a training step, which drops and keeps states at random where the layer has such options.
    pub dropping: Dropping<'a>,
}

/// Where a forward pass puts its states.
#[derive(Debug)]
pub struct LayerStates<'a> {
    /// [n, T, D·H]: the hidden state after each step, both directions side by side; zero beyond a sequence's length.
    pub hidden: &'a mut [f32],
    /// [D, n, H]: after the step that each sequence ends with: its last valid one, in reverse its first.
    pub final_hidden: &'a mut [f32],
    /// [D, n, C], likewise.
    pub final_cell: &'a mut [f32],
}

/// What a backward pass starts from: gradients of some of the [`LayerStates`]; those that are left out are zero.
#[derive(Debug, Clone, Copy, Default)]
pub struct StateGradients<'a> {
    /// [n, T, D·H]; what lies beyond a sequence's length is not read.
    pub hidden: Option<&'a [f32]>,
    /// [D, n, H]
    pub final_hidden: Option<&'a [f32]>,
    /// [D, n, C]
    pub final_cell: Option<&'a [f32]>,
}

/// Where a backward pass puts the gradients of all that the forward pass read.
#[derive(Debug)]
pub struct InputGradients<'a> {
    /// [n, T, I]; zero beyond a sequence's length.
    pub x: &'a mut [f32],
    /// Every tensor, one after the other, as [`Layer::describe`](super::Layer::describe) lists them.
    pub weights: &'a mut [f32],
    /// [D, n, H]
    pub initial_hidden: &'a mut [f32],
    /// [D, n, C]
    pub initial_cell: &'a mut [f32],
}

/// Direction `which`'s part of what holds those of all directions one after the other, if anything does.
pub(super) fn part_of(values: Option<&[f32]>, which: usize, directions: usize) -> Option<&[f32]> {
    let values = values?;
    let length = values.len() / directions;
    Some(&values[which * length..][..length])
}

/// Every direction's part, of which there may be nothing.
pub(super) fn parts_of_mut(values: &mut [f32], directions: usize) -> impl Iterator<Item = &mut [f32]> {
    let length = values.len() / directions;
    let mut rest = values;
    (0..directions).map(move |_| {
        let (part, after) = std::mem::take(&mut rest).split_at_mut(length);
        rest = after;
        part
    })
}

pub(super) fn check_length(name: &str, values: &[f32], shape: [usize; 3]) -> Result<()> {
    let length: usize = shape.iter().product();
    if values.len() == length {
        return Ok(());
    }
    let message = format!("{name} has {} numbers, the layer expects {length}: {shape:?}", values.len());
    Err(Error::new(ErrorCode::ShapeMismatch, name, message))
}

/// States of this shape, every number finite, if there are any.
pub(super) fn check_finite(name: &str, values: Option<&[f32]>, shape: [usize; 3]) -> Result<()> {
    let Some(values) = values else { return Ok(()) };
    check_length(name, values, shape)?;
    first_not_finite(values).map_or(Ok(()), |index| not_finite(name, values[index], index, [shape[1], shape[2]]))
}

/// [n, steps, width], every number of a valid step finite; `length` says how many steps of a sequence are.
pub(super) fn check_steps(
    name: &str,
    values: &[f32],
    length: impl Fn(usize) -> usize,
    [n, steps, width]: [usize; 3],
) -> Result<()> {
    for sample in 0..n {
        let start = sample * steps * width;
        if let Some(index) = first_not_finite(&values[start..][..length(sample) * width]) {
            return not_finite(name, values[start + index], start + index, [steps, width]);
        }
    }
    Ok(())
}

fn not_finite(name: &str, value: f32, index: usize, [rows, columns]: [usize; 2]) -> Result<()> {
    let path = format!("{name}[{}][{}][{}]", index / columns / rows, index / columns % rows, index % columns);
    let message = format!("{path} is {value}: states, gradients and masks have to be finite where they count");
    Err(Error::new(ErrorCode::NotFinite, path, message))
}
