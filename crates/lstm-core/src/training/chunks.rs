//! Which steps of which sequences a training step runs over, and from which states: truncated back-propagation (Williams and
//! Peng 1990), and states that are carried from batch to batch.

use super::options::TrainingOptions;
use crate::network::definition::{At, ModelDefinition};
use crate::network::samples::Window;
use crate::network::stack::Stack;
use crate::network::states::InitialStates;
use crate::{Error, ErrorCode, Result};

/// How batches are cut into chunks of steps, and what is carried from one to the next.
pub(super) struct Chunks {
    /// Steps of a chunk; all of them where nothing is truncated.
    steps: Option<usize>,
    stateful: bool,
    state_size: usize,
    /// [batch, S]: the states that each sequence of the batch has come to.
    carried: Vec<f32>,
    /// The places in the batch of the sequences that reach into the chunk.
    active: Vec<u32>,
}

impl Chunks {
    /// Fails where the network needs whole sequences, or nothing could be carried on.
    pub(super) fn new(definition: &ModelDefinition, options: &TrainingOptions) -> Result<Self> {
        let steps = options.backpropagation_steps.map(|steps| steps as usize);
        if let Some(field) = steps.map(|_| "backpropagationSteps").or(options.stateful.then_some("stateful")) {
            check(definition, field)?;
        }
        if options.stateful && options.shuffle {
            let message = "each batch goes on where the one before has ended: say `shuffle: false`";
            return refuse("stateful", message.to_owned());
        }
        let state_size = definition.state_size();
        Ok(Self { steps, stateful: options.stateful, state_size, carried: Vec::new(), active: Vec::new() })
    }

    /// Whether so many sequences make whole batches, which states can be carried through.
    pub(super) fn check_count(&self, sequences: usize, batch_size: usize) -> Result<()> {
        if self.stateful && !sequences.is_multiple_of(batch_size) {
            let message = format!(
                "{sequences} sequences are no whole number of batches of {batch_size}, and every batch goes on where the one \
                 before has ended: give a batch size that divides their number"
            );
            return refuse("batchSize", message);
        }
        Ok(())
    }

    /// How many chunks sequences of up to `steps` steps are cut into.
    pub(super) fn count(&self, steps: usize) -> usize {
        self.steps.map_or(1, |each| steps.div_ceil(each))
    }

    /// The chunk that begins with step `first` of `steps`.
    pub(super) fn window(&self, first: usize, steps: usize) -> Window {
        Window { first, steps: self.steps.unwrap_or(steps).min(steps - first) }
    }

    /// Chooses those of a batch whose `length(place)` reaches into the chunk.
    pub(super) fn choose(&mut self, batch: usize, window: Window, length: impl Fn(usize) -> usize) {
        self.active.clear();
        self.active.extend((0..batch as u32).filter(|&place| length(place as usize) > window.first));
        if self.carries() && self.carried.len() < batch * self.state_size {
            self.carried.resize(batch * self.state_size, 0.0);
        }
    }

    /// The places in the batch of those that were chosen.
    pub(super) fn chosen(&self) -> &[u32] {
        &self.active
    }

    /// Whether a chunk of the batch that begins with sample `start` goes on from what was carried.
    pub(super) fn goes_on(&self, start: usize, window: Window) -> bool {
        window.first > 0 || self.stateful && start > 0
    }

    /// What was carried, for those that were chosen; `row` gives their places.
    pub(super) fn carried<'a>(&'a self, row: &'a (dyn Fn(usize) -> usize + Sync)) -> InitialStates<'a> {
        InitialStates { values: &self.carried, row }
    }

    /// Carries on what those have come to that were chosen.
    pub(super) fn carry(&mut self, stack: &Stack) {
        if self.carries() {
            let Self { carried, active, .. } = self;
            stack.final_states(|sample| active[sample] as usize, carried);
        }
    }

    fn carries(&self) -> bool {
        self.steps.is_some() || self.stateful
    }
}

/// Whether the network can go on from states in the middle of a sequence.
fn check(definition: &ModelDefinition, field: &str) -> Result<()> {
    if let Some(layer) = definition.layers.iter().position(|layer| layer.bidirectional) {
        let message =
            format!("layers[{layer}] is bidirectional and reads sequences from their end, which is not there yet");
        return refuse(field, format!("{message}: leave this out, or use one direction"));
    }
    if !matches!(definition.output.at, At::Last | At::Each) {
        let message = "the output pools all steps of a sequence, which are not together: leave this out, or read the last \
                       step or each";
        return refuse(field, message.to_owned());
    }
    Ok(())
}

fn refuse<T>(field: &str, message: String) -> Result<T> {
    Err(Error::new(ErrorCode::InvalidOption, field, message))
}
