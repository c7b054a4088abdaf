//! Which steps of which sequences a training step runs over, and from which states: truncated back-propagation (Williams and
//! Peng 1990), and states that are carried from batch to batch.

use super::dataset::Dataset;
use super::options::TrainingOptions;
use crate::network::definition::{At, ModelDefinition};
use crate::network::samples::Window;
use crate::network::stack::Stack;
use crate::network::states::InitialStates;
use crate::{Error, ErrorCode, Result};

/// How batches are cut into spans of steps, and what is carried from one to the next.
pub(super) struct Spans {
    /// Steps of a span; all of them where nothing is truncated.
    steps: Option<usize>,
    stateful: bool,
    state_size: usize,
    /// [batch, S]: the states that each sequence of the batch has come to.
    carried: Vec<f32>,
    /// The sequences of the batch that reach into the span.
    chosen: Vec<Chosen>,
    /// The span.
    window: Window,
}

/// A sequence of a batch.
struct Chosen {
    /// Its place in the batch.
    place: u32,
    /// Which of the data set's it is.
    sample: u32,
}

impl Spans {
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
        let window = Window::all(0);
        Ok(Self { steps, stateful: options.stateful, state_size, carried: Vec::new(), chosen: Vec::new(), window })
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

    /// Fails where data that comes in chunks could not be walked through: chunks may differ in their steps, and states belong to
    /// the sequences of one.
    pub(super) fn check_chunked(&self) -> Result<()> {
        match self.steps.map(|_| "backpropagationSteps").or(self.stateful.then_some("stateful")) {
            Some(field) => {
                let message = "this takes all data at once, not chunk by chunk: leave it out, or give the data itself";
                refuse(field, message.to_owned())
            }
            None => Ok(()),
        }
    }

    /// Whether a span can begin with step `first`.
    pub(super) fn begins_at(&self, first: usize) -> bool {
        self.steps.map_or(first == 0, |each| first.is_multiple_of(each))
    }

    /// How many spans sequences of up to `steps` steps are cut into.
    pub(super) fn count(&self, steps: usize) -> usize {
        self.steps.map_or(1, |each| steps.div_ceil(each))
    }

    /// Chooses of the samples of a batch those that reach into the span that begins with step `first`.
    pub(super) fn choose(&mut self, data: &Dataset, batch: impl Iterator<Item = u32>, first: usize) {
        self.window = Window { first, steps: self.steps.unwrap_or(data.steps()).min(data.steps() - first) };
        self.chosen.clear();
        let mut size = 0;
        for (place, sample) in (0..).zip(batch) {
            size += self.state_size;
            if data.length(sample as usize) > first {
                self.chosen.push(Chosen { place, sample });
            }
        }
        if self.carries() && self.carried.len() < size {
            self.carried.resize(size, 0.0);
        }
    }

    /// The span that was chosen last.
    pub(super) fn window(&self) -> Window {
        self.window
    }

    /// How many sequences were chosen.
    pub(super) fn sequences(&self) -> usize {
        self.chosen.len()
    }

    /// Which sample the s-th of them is.
    pub(super) fn sample(&self, s: usize) -> usize {
        self.chosen[s].sample as usize
    }

    /// The place in the batch of the s-th of them.
    pub(super) fn place(&self, s: usize) -> usize {
        self.chosen[s].place as usize
    }

    /// What was carried to this span of the batch that begins with sample `start`, if it goes on from anything. `place` is
    /// [`place`](Self::place).
    pub(super) fn carried<'a>(
        &'a self,
        start: usize,
        place: &'a (dyn Fn(usize) -> usize + Sync),
    ) -> Option<InitialStates<'a>> {
        let goes_on = self.window.first > 0 || self.stateful && start > 0;
        goes_on.then_some(InitialStates { values: &self.carried, row: place })
    }

    /// Carries on what those have come to that were chosen.
    pub(super) fn carry(&mut self, stack: &Stack) {
        if self.carries() {
            let Self { carried, chosen, .. } = self;
            stack.final_states(|s| chosen[s].place as usize, carried);
        }
    }

    /// [sequences of a batch, S]: what is carried, to be kept and to be put back.
    pub(super) fn states(&mut self) -> &mut Vec<f32> {
        &mut self.carried
    }

    /// The step that the batch's next span begins with, if any sequence reaches there.
    pub(super) fn next(&self, data: &Dataset) -> Option<usize> {
        let first = self.window.first + self.window.steps;
        self.chosen.iter().any(|chosen| data.length(chosen.sample as usize) > first).then_some(first)
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
