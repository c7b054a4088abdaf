//! Samples and their targets, copied once into memory that outlives the call that brought them.

use std::sync::OnceLock;

use super::fingerprint::fingerprint;
use crate::network::definition::{ModelDefinition, OutputDefinition};
use crate::network::samples::{Inputs, Samples, Window};
use crate::network::targets::{TargetRows, TargetValues, Targets};
use crate::{Error, ErrorCode, Result};

/// A set of sequences with their targets.
pub(crate) struct Dataset {
    x: Option<Vec<f32>>,
    tokens: Option<Vec<u32>>,
    statics: Option<Vec<f32>>,
    steps: usize,
    features: usize,
    lengths: Option<Vec<u32>>,
    output: OutputDefinition,
    values: OwnedValues,
    weights: Option<Vec<f32>>,
    count: usize,
    fingerprint: OnceLock<u64>,
}

enum OwnedValues {
    Classes(Vec<u32>),
    Numbers(Vec<f32>),
}

impl Dataset {
    /// Checks and copies what a model reads, n sequences of `steps` steps, `lengths` `[n]` and the targets of its output.
    pub(crate) fn new(
        inputs: Inputs,
        steps: usize,
        lengths: Option<&[u32]>,
        targets: Targets,
        ModelDefinition { input, output, .. }: &ModelDefinition,
    ) -> Result<Self> {
        let samples = Samples::of(inputs, steps, lengths, input)?;
        let rows = TargetRows::new(targets, output, samples.count(), steps, |sample| samples.length(sample))?;
        if rows.weight_of(samples.count(), |sample| (sample, samples.length(sample))) == 0.0 {
            let message = "no target has a weight: give at least one that counts";
            return Err(Error::new(ErrorCode::EmptyData, "targets", message));
        }
        Ok(Self {
            x: inputs.x.map(<[f32]>::to_vec),
            tokens: inputs.tokens.map(<[u32]>::to_vec),
            statics: inputs.statics.map(<[f32]>::to_vec),
            steps,
            features: input.features(),
            lengths: lengths.map(<[u32]>::to_vec),
            output: output.clone(),
            values: match targets.values {
                TargetValues::Classes(classes) => OwnedValues::Classes(classes.to_vec()),
                TargetValues::Numbers(numbers) => OwnedValues::Numbers(numbers.to_vec()),
            },
            weights: targets.weights.map(<[f32]>::to_vec),
            count: samples.count(),
            fingerprint: OnceLock::new(),
        })
    }

    /// The sequences.
    pub(crate) fn samples(&self) -> Samples<'_> {
        Samples::checked(self.inputs(), self.steps, self.features, self.lengths.as_deref())
    }

    /// Steps of the padded array.
    pub(crate) fn steps(&self) -> usize {
        self.steps
    }

    /// Valid steps of a sequence.
    pub(crate) fn length(&self, sample: usize) -> usize {
        self.lengths.as_ref().map_or(self.steps, |lengths| lengths[sample] as usize)
    }

    /// Sequences and targets of which only these steps are there.
    pub(crate) fn within(&self, window: Window) -> (Samples<'_>, TargetRows<'_>) {
        (self.samples().within(window), self.targets().within(window, self.lengths.as_deref()))
    }

    /// What tells this data from other data: the same in every run. Reads all of it when first asked.
    pub(crate) fn fingerprint(&self) -> u64 {
        *self
            .fingerprint
            .get_or_init(|| fingerprint(self.inputs(), &self.samples(), self.given_targets(), &self.targets()))
    }

    /// Sequences.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The targets.
    pub(crate) fn targets(&self) -> TargetRows<'_> {
        TargetRows::checked(self.given_targets(), &self.output, self.count, self.steps)
    }

    fn inputs(&self) -> Inputs<'_> {
        Inputs { x: self.x.as_deref(), tokens: self.tokens.as_deref(), statics: self.statics.as_deref() }
    }

    fn given_targets(&self) -> Targets<'_> {
        let values = match &self.values {
            OwnedValues::Classes(classes) => TargetValues::Classes(classes),
            OwnedValues::Numbers(numbers) => TargetValues::Numbers(numbers),
        };
        Targets { values, weights: self.weights.as_deref() }
    }
}
