//! The vectors of outputs: every kind of output and loss, with its model, its data and what `PyTorch` makes of them.

use super::{Vectors, vectors};
use lstm_core::network::definition::{At, Cell, DirectionTensors, LayerDefinition, Merge, ModelDefinition, OutputKind};
use lstm_core::network::parameters::Layout;
use lstm_core::network::targets::{NO_CLASS, TargetValues, Targets};
use lstm_core::reference::{
    Batch, DirectionWeights, Masks, RowLoss, Scalar, StepPooling, direction, linear, pool_steps, weighted_loss,
};
use lstm_core::training::loss_options::{LossKind, LossOptions};
use std::collections::BTreeMap;

pub(crate) const OUTPUTS: [&str; 27] = [
    "output-merge-sum",
    "output-merge-mean",
    "output-merge-mean-each",
    "output-residual",
    "output-residual-each",
    "output-residual-pooled",
    "output-classes-each-projected",
    "output-values-attention-projected",
    "output-labels-projected",
    "output-classes-weighted",
    "output-classes-smoothed",
    "output-classes-each",
    "output-classes-each-steps",
    "output-classes-each-samples",
    "output-classes-many",
    "output-classes-attention",
    "output-classes-mean",
    "output-labels",
    "output-labels-mean",
    "output-labels-each",
    "output-labels-max",
    "output-values",
    "output-values-max",
    "output-values-each",
    "output-values-attention",
    "output-quantiles",
    "output-quantiles-each",
];

/// One of [`OUTPUTS`].
pub(crate) struct OutputCase {
    pub(crate) vectors: Vectors,
    pub(crate) definition: ModelDefinition,
    pub(crate) loss: Option<LossOptions>,
    pub(crate) lengths: Vec<u32>,
    pub(crate) steps: usize,
    classes: Option<Vec<u32>>,
    numbers: Option<Vec<f32>>,
    weights: Option<Vec<f32>>,
}

impl OutputCase {
    pub(crate) fn read(name: &str) -> Self {
        let vectors = vectors(name);
        let definition = ModelDefinition::from_json(&vectors.case()["definition"].to_string()).unwrap();
        let is_classes = definition.output.kind() == OutputKind::Classes;
        let class = |&class: &f64| u32::try_from(class as i64).unwrap_or(NO_CLASS);
        Self {
            loss: vectors.case().get("loss").map(|loss| serde_json::from_value(loss.clone()).unwrap()),
            lengths: vectors.indices("lengths").iter().map(|&length| length as u32).collect(),
            steps: vectors.shape("x")[1],
            classes: is_classes.then(|| vectors.get("targets").iter().map(class).collect()),
            numbers: (!is_classes).then(|| vectors.f32("targets")),
            weights: vectors.has("weights").then(|| vectors.f32("weights")),
            definition,
            vectors,
        }
    }

    pub(crate) fn targets(&self) -> Targets<'_> {
        Targets::of(self.classes.as_deref(), self.numbers.as_deref(), self.weights.as_deref()).unwrap()
    }

    /// The parameters as one flat vector.
    pub(crate) fn weights(&self) -> Vec<f32> {
        Layout::of(&self.definition).tensors().iter().flat_map(|tensor| self.vectors.f32(&tensor.name)).collect()
    }

    /// Every parameter by its name.
    pub(crate) fn parameters(&self) -> BTreeMap<String, Vec<f64>> {
        let layout = Layout::of(&self.definition);
        let named = |name: &String| (name.clone(), self.vectors.get(name).to_vec());
        layout.tensors().iter().map(|tensor| named(&tensor.name)).collect()
    }

    /// The oracle's outputs [rows, K], before any probabilities: a row a sample, or a valid step of a sample.
    pub(crate) fn outputs<S: Scalar>(&self, parameters: &BTreeMap<String, Vec<S>>) -> Vec<S> {
        let lengths: Vec<usize> = self.lengths.iter().map(|&length| length as usize).collect();
        let mut x: Vec<S> = self.vectors.get("x").iter().map(|&x| S::from(x)).collect();
        let mut last = Vec::new();
        for (k, layer) in self.definition.layers.iter().enumerate() {
            let inputs = x.len() / (lengths.len() * self.steps);
            let both: Vec<_> = [("", false), ("_reverse", true)][..layer.directions()]
                .iter()
                .map(|&(suffix, reverse)| {
                    let weights = direction_weights(parameters, layer, inputs, &format!("layers.{k}"), suffix);
                    let [h0, c0] = [layer.hidden_size(), layer.units as usize]
                        .map(|size| vec![S::from(0.0); lengths.len() * size]);
                    let c0 = if layer.cell == Cell::Lstm { &c0[..] } else { &[] };
                    let batch = Batch { x: &x, lengths: &lengths, steps: self.steps, h0: &h0, c0 };
                    direction(layer, &weights, &Masks::default(), batch, reverse)
                })
                .collect();
            let units = layer.hidden_size();
            let below = x.clone();
            let join = |of: fn(&lstm_core::reference::DirectionOutput<S>) -> &Vec<S>| -> Vec<S> {
                let rows = of(&both[0]).len() / units;
                let row = |row: usize| {
                    let parts = both.iter().map(move |b| of(b)[row * units..][..units].to_vec());
                    match layer.merge {
                        Merge::Concat => parts.flatten().collect::<Vec<_>>(),
                        merge => {
                            let sum = parts.reduce(|a, b| a.into_iter().zip(b).map(|(a, b)| a + b).collect()).unwrap();
                            let part = S::from(if merge == Merge::Mean { 0.5 } else { 1.0 });
                            sum.into_iter().map(|value| value * part).collect()
                        }
                    }
                };
                (0..rows).flat_map(row).collect()
            };
            (x, last) = (join(|output| &output.hidden), join(|output| &output.h_n));
            if layer.residual {
                let add = |value: &mut S, below: S| *value = *value + below;
                x.iter_mut().zip(&below).for_each(|(value, &below)| add(value, below));
                for (sample, &length) in lengths.iter().enumerate().filter(|_| !layer.bidirectional) {
                    let width = layer.outputs();
                    let row = &below[(sample * self.steps + length - 1) * width..][..width];
                    last[sample * width..].iter_mut().zip(row).for_each(|(value, &below)| add(value, below));
                }
            }
        }
        let tensor = |name: &str| parameters[name].as_slice();
        let rows = match self.definition.output.at {
            At::Last => last,
            At::Mean => pool_steps(StepPooling::Mean, &x, &lengths, self.steps),
            At::Max => pool_steps(StepPooling::Max, &x, &lengths, self.steps),
            At::Attention => {
                let [weight, bias, score] =
                    ["weight", "bias", "score"].map(|name| tensor(&format!("attention.{name}")));
                pool_steps(StepPooling::Attention(weight, bias, score), &x, &lengths, self.steps)
            }
            At::Each => {
                let size = x.len() / (lengths.len() * self.steps);
                self.rows().flat_map(|row| x[row * size..][..size].to_vec()).collect()
            }
        };
        linear(tensor("output.weight"), tensor("output.bias"), &rows)
    }

    /// The places of the rows of outputs among the targets.
    fn rows(&self) -> impl Iterator<Item = usize> {
        let each = self.definition.output.at == At::Each;
        let per_sample = if each { self.steps } else { 1 };
        let of_sample = move |(sample, &length): (usize, &u32)| {
            (0..if each { length as usize } else { 1 }).map(move |step| sample * per_sample + step)
        };
        self.lengths.iter().enumerate().flat_map(of_sample)
    }

    /// The oracle's loss.
    pub(crate) fn loss<S: Scalar>(&self, outputs: &[S]) -> S {
        let output = &self.definition.output;
        let numbers = output.targets();
        let (mut targets, mut weights) = (Vec::new(), Vec::new());
        let per_sample = if output.at == At::Each { self.steps } else { 1 };
        for row in self.rows() {
            let given = self.weights.as_deref();
            let weight =
                given.map_or(1.0, |given| given[if given.len() > self.lengths.len() { row } else { row / per_sample }]);
            match self.targets().values {
                TargetValues::Classes(classes) => {
                    let has_none = classes[row] == NO_CLASS;
                    targets.push(if has_none { 0.0 } else { f64::from(classes[row]) });
                    weights.push(if has_none { 0.0 } else { f64::from(weight) });
                }
                TargetValues::Numbers(values) => {
                    targets.extend(values[row * numbers..][..numbers].iter().copied().map(f64::from));
                    weights.push(f64::from(weight));
                }
            }
        }
        let options = self.loss.as_ref();
        let by_name = |given: Option<&BTreeMap<String, f32>>| -> Vec<f64> {
            let weight = |name| f64::from(given.and_then(|given| given.get(name)).copied().unwrap_or(1.0));
            output.names().iter().map(weight).collect()
        };
        let class_weights = by_name(options.and_then(|options| options.class_weights.as_ref()));
        let positive_weights = by_name(options.and_then(|options| options.positive_weights.as_ref()));
        let smoothing = options.and_then(|options| options.label_smoothing).unwrap_or(0.0);
        let quantiles: Vec<f64> = output.quantiles.iter().flatten().copied().map(f64::from).collect();
        let loss = match (output.kind(), options.map(|options| options.kind)) {
            (OutputKind::Classes, _) => RowLoss::CrossEntropy(&class_weights, f64::from(smoothing)),
            (OutputKind::Labels, _) => RowLoss::BinaryCrossEntropy(&positive_weights),
            (OutputKind::Values, _) if !quantiles.is_empty() => RowLoss::Pinball(&quantiles),
            (OutputKind::Values, Some(LossKind::Mae)) => RowLoss::Absolute,
            (OutputKind::Values, Some(LossKind::Huber)) => {
                RowLoss::Huber(f64::from(options.and_then(|options| options.delta).unwrap()))
            }
            (OutputKind::Values, _) => RowLoss::Squared,
        };
        weighted_loss(loss, outputs, &targets, &weights)
    }
}

fn direction_weights<S: Scalar>(
    parameters: &BTreeMap<String, Vec<S>>,
    layer: &LayerDefinition,
    inputs: usize,
    prefix: &str,
    suffix: &str,
) -> DirectionWeights<S> {
    let mut tensors = BTreeMap::new();
    DirectionTensors::shapes(layer, inputs).map_named(|name, _| {
        tensors.insert(name, parameters[&format!("{prefix}.{name}_l0{suffix}")].clone());
    });
    DirectionWeights { tensors }
}
