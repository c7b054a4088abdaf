//! The vectors of inputs: tokens, statics and numbers, each with its model, its data and what `PyTorch` makes of them.

use super::network::NetworkCase;
use super::{Vectors, vectors};
use lstm_core::network::definition::{At, ModelDefinition, OutputKind};
use lstm_core::network::parameters::Layout;
use lstm_core::network::samples::Inputs;
use lstm_core::network::targets::Targets;
use lstm_core::reference::parameter_shapes;

pub(crate) const INPUTS: [&str; 10] = [
    "input-tokens",
    "input-tokens-features-padding",
    "input-tied",
    "input-statics-steps",
    "input-all-steps",
    "input-statics-states",
    "input-statics-states-gru",
    "input-adam",
    "input-adam-sparse",
    "input-adam-tied",
];

/// One of [`INPUTS`]: all batches of its data, one after the other.
pub(crate) struct InputCase {
    pub(crate) vectors: Vectors,
    pub(crate) definition: ModelDefinition,
    x: Option<Vec<f32>>,
    tokens: Option<Vec<u32>>,
    statics: Option<Vec<f32>>,
    pub(crate) lengths: Vec<u32>,
    /// Sequences of a batch.
    pub(crate) batch: usize,
    pub(crate) steps: usize,
    classes: Option<Vec<u32>>,
    numbers: Option<Vec<f32>>,
}

impl InputCase {
    pub(crate) fn read(name: &str) -> Self {
        let vectors = vectors(name);
        let definition = ModelDefinition::from_json(&vectors.case()["definition"].to_string()).unwrap();
        let whole = |name: &str| vectors.indices(name).into_iter().map(|index| index as u32).collect::<Vec<_>>();
        let shape = vectors.shape(if vectors.has("x") { "x" } else { "tokens" });
        let steps = if vectors.has("x") { shape[shape.len() - 2] } else { shape[shape.len() - 1] };
        let is_classes = definition.output.kind() == OutputKind::Classes;
        let lengths = whole("lengths");
        let batches = if vectors.has("norms") { shape[0] } else { 1 };
        Self {
            x: vectors.has("x").then(|| vectors.f32("x")),
            tokens: vectors.has("tokens").then(|| whole("tokens")),
            statics: vectors.has("statics").then(|| vectors.f32("statics")),
            batch: lengths.len(),
            lengths: lengths.repeat(batches),
            steps,
            classes: is_classes.then(|| whole("targets")),
            numbers: (!is_classes).then(|| vectors.f32("targets")),
            definition,
            vectors,
        }
    }

    pub(crate) fn inputs(&self) -> Inputs<'_> {
        Inputs { x: self.x.as_deref(), tokens: self.tokens.as_deref(), statics: self.statics.as_deref() }
    }

    /// The numbers, the token and the statics of one step of one sequence.
    pub(crate) fn step(&self, sample: usize, step: usize) -> (Inputs<'_>, Option<&[f32]>) {
        let (place, input) = (sample * self.steps + step, &self.definition.input);
        let x = self.x.as_ref().map(|x| &x[place * input.features()..][..input.features()]);
        let tokens = self.tokens.as_ref().map(|tokens| &tokens[place..=place]);
        let statics = self.statics.as_ref().map(|statics| &statics[sample * input.statics()..][..input.statics()]);
        (Inputs { x, tokens, statics: None }, statics)
    }

    /// The inputs of the first batch.
    pub(crate) fn first_batch(&self) -> Inputs<'_> {
        fn first<T>(all: Option<&[T]>, length: usize) -> Option<&[T]> {
            all.map(|all| &all[..length])
        }
        let (input, rows) = (&self.definition.input, self.batch * self.steps);
        Inputs {
            x: first(self.x.as_deref(), rows * input.features()),
            tokens: first(self.tokens.as_deref(), rows),
            statics: first(self.statics.as_deref(), self.batch * input.statics()),
        }
    }

    pub(crate) fn targets(&self) -> Targets<'_> {
        Targets::of(self.classes.as_deref(), self.numbers.as_deref(), None).unwrap()
    }

    /// The parameters as one flat vector.
    pub(crate) fn weights(&self) -> Vec<f32> {
        Layout::of(&self.definition).tensors().iter().flat_map(|tensor| self.vectors.f32(&tensor.name)).collect()
    }

    /// The first batch, for the oracle.
    pub(crate) fn network(&self) -> NetworkCase {
        let Inputs { x, tokens, statics } = self.first_batch();
        let output = &self.definition.output;
        let targets = output.targets() * self.batch * if output.at == At::Each { self.steps } else { 1 };
        let tensors = parameter_shapes(&self.definition).into_iter();
        NetworkCase {
            definition: self.definition.clone(),
            loss: None,
            steps: self.steps,
            lengths: self.lengths[..self.batch].to_vec(),
            x: x.unwrap_or_default().to_vec(),
            tokens: tokens.unwrap_or_default().to_vec(),
            statics: statics.unwrap_or_default().to_vec(),
            classes: self.classes.as_ref().map(|classes| classes[..targets].to_vec()),
            numbers: self.numbers.as_ref().map(|numbers| numbers[..targets].to_vec()),
            weights: None,
            initial: Vec::new(),
            parameters: tensors.map(|(name, _)| (name.clone(), self.vectors.get(&name).to_vec())).collect(),
        }
    }

    /// Numbers of a sequence's predictions.
    pub(crate) fn size(&self) -> usize {
        let output = &self.definition.output;
        output.size() * if output.at == At::Each { self.steps } else { 1 }
    }
}
