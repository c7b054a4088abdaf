//! The whole network, from sequences to rows of outputs, as its definition says. Knows the tensors' names; nothing of a step
//! (`cells`), of time (`layer`), of what outputs are held to (`objective`).
//!
//! Layer l reads rₗ\[n, t\], says yₗ\[n, t\] and gives rₗ₊₁\[n, t\]; r₁ and the initial states come from `inputs`:
//!
//! ```text
//! r̂ = gain ⊙ norm(r[n, t]) + bias              `inputNorm`, over the numbers of a step (Ba et al. 2016); else r[n, t]
//! x = d[n, t] ⊙ e[n] ⊙ r̂                       what goes into the cells; d: `dropout`, e: `inputDropout`, 1 where there is none
//! →h, ←h = the cell over x, forward and in reverse, with W_hh ⊙ m; m: `weightDropout`
//! y = [→h | ←h], →h + ←h or (→h + ←h) / 2      `merge`; →h alone in one direction
//! r[next layer] = y, or y + r                  `residual`
//! ```
//!
//! Above the last layer, with a its rows: the final states (merged; residual: plus what was read at the last valid step), every
//! valid step, or these pooled:
//!
//! ```text
//! â       = gain ⊙ norm(a) + bias              the output's `norm`; else a
//! outputs = W (o ⊙ â) + b                      o: the output's `dropout`; W: the embedding if it is `tied`
//! ```

use std::collections::BTreeMap;

use super::cells::norm;
use super::head::linear;
use super::inputs::{first_reads, initial_states};
use super::layer::{Batch, DirectionOutput, DirectionWeights, Masks, direction};
use super::pooling::{StepPooling, pool_steps};
use super::scalar::Scalar;
use crate::network::definition::{At, DirectionTensors, LayerDefinition, Merge, ModelDefinition};

/// The tensors of a network by the names that files have for them, row-major.
pub type Parameters<S> = BTreeMap<String, Vec<S>>;

/// Sequences for a network. What lies beyond their lengths is never read.
#[derive(Debug, Clone, Copy)]
pub struct NetworkBatch<'a, S> {
    /// \[n, steps, features\]; empty where the input has none, as the next two.
    pub x: &'a [S],
    /// \[n, steps\]
    pub tokens: &'a [usize],
    /// \[n, statics\]
    pub statics: &'a [S],
    /// \[n\]
    pub lengths: &'a [usize],
    /// Steps of the longest sequence, or more.
    pub steps: usize,
    /// \[n, S\]: the states to begin with, as [`NetworkOutput::states`] has them, instead of the definition's own.
    pub initial: Option<&'a [S]>,
}

/// The random factors of training, given. The default stands for prediction, and any empty mask for no dropout.
#[derive(Debug, Clone, Default)]
pub struct NetworkMasks {
    /// One a layer, or none.
    pub layers: Vec<LayerMasks>,
    /// \[rows of outputs, D\]: over what the head reads.
    pub output: Vec<f64>,
}

/// Those of a layer that reads I numbers a step.
#[derive(Debug, Clone, Default)]
pub struct LayerMasks {
    /// \[n, steps, I\]
    pub dropout: Vec<f64>,
    /// \[n, I\]
    pub input_dropout: Vec<f64>,
    /// `[G·H, R]` a direction: over the recurrent weights.
    pub weights: Vec<Vec<f64>>,
    /// A direction's states.
    pub states: Vec<Masks>,
}

/// What a network computes.
#[derive(Debug, Clone)]
pub struct NetworkOutput<S> {
    /// \[rows, K\] before any probabilities: a row a sequence, or one for each of its valid steps.
    pub outputs: Vec<S>,
    /// \[n, S\] final states: layer by layer, direction by direction, hidden then cell.
    pub states: Vec<S>,
}

/// The network over a batch.
///
/// # Panics
/// Where shapes do not fit, a tensor is missing or a token is none.
pub fn network<S: Scalar>(
    definition: &ModelDefinition,
    parameters: &Parameters<S>,
    masks: &NetworkMasks,
    batch: NetworkBatch<S>,
) -> NetworkOutput<S> {
    let n = batch.lengths.len();
    let initial = initial_states(definition, parameters, &batch);
    let mut states = vec![Vec::new(); n];
    let mut reads = first_reads(&definition.input, parameters, &batch);
    let mut last = Vec::new();
    let none = LayerMasks::default();
    for (k, layer) in definition.layers.iter().enumerate() {
        let begun = states.first().map_or(0, Vec::len);
        let initial: Vec<&[S]> = initial.iter().map(|all| &all[begun..][..layer.state_size()]).collect();
        let network = Place { layer, prefix: format!("layers.{k}."), parameters, batch: &batch };
        let output = network.run(masks.layers.get(k).unwrap_or(&none), &reads, &initial);
        for (all, own) in states.iter_mut().zip(output.states) {
            all.extend(own);
        }
        (reads, last) = (output.gives, output.last);
    }
    let tensor = |name: &str| parameters[name].as_slice();
    let rows = match definition.output.at {
        At::Last => last,
        At::Each => valid_steps(&reads, batch.lengths, batch.steps),
        At::Mean => pool_steps(StepPooling::Mean, &reads, batch.lengths, batch.steps),
        At::Max => pool_steps(StepPooling::Max, &reads, batch.lengths, batch.steps),
        At::Attention => {
            let [weight, bias, score] = ["attention.weight", "attention.bias", "attention.score"].map(tensor);
            pool_steps(StepPooling::Attention(weight, bias, score), &reads, batch.lengths, batch.steps)
        }
    };
    let rows = if definition.output.norm { normalised(parameters, "output.", &rows) } else { rows };
    let weight = tensor(if definition.output.tied { "embedding.weight" } else { "output.weight" });
    let outputs = linear(weight, tensor("output.bias"), &masked(&rows, &masks.output));
    NetworkOutput { outputs, states: states.concat() }
}

/// The shapes of a network's tensors by their names; those that are fitted, not trained, come last.
#[must_use]
pub fn parameter_shapes(definition: &ModelDefinition) -> Vec<(String, Vec<usize>)> {
    let ModelDefinition { input, layers, output, .. } = definition;
    let mut shapes = Vec::new();
    let mut add = |name: &str, shape: &[usize]| shapes.push((name.to_owned(), shape.to_vec()));
    if let Some(tokens) = input.tokens {
        add("embedding.weight", &[tokens as usize, input.embedding()]);
    }
    if input.statics_as_states() > 0 {
        add("initial.weight", &[definition.state_size(), input.statics()]);
        add("initial.bias", &[definition.state_size()]);
    }
    let mut inputs = input.size();
    for (k, layer) in layers.iter().enumerate() {
        if layer.input_norm {
            add(&format!("layers.{k}.norm.weight"), &[inputs]);
            add(&format!("layers.{k}.norm.bias"), &[inputs]);
        }
        for suffix in suffixes(layer) {
            for (name, shape) in DirectionTensors::shapes(layer, inputs).named() {
                add(&format!("layers.{k}.{name}_l0{suffix}"), &shape);
            }
        }
        inputs = layer.outputs();
    }
    if let Some(units) = output.attention(inputs) {
        add("attention.weight", &[units, inputs]);
        add("attention.bias", &[units]);
        add("attention.score", &[units]);
    }
    if output.norm {
        add("output.norm.weight", &[inputs]);
        add("output.norm.bias", &[inputs]);
    }
    if !output.tied {
        add("output.weight", &[output.size(), inputs]);
    }
    add("output.bias", &[output.size()]);
    for (what, size) in super::inputs::scaled(input) {
        add(&format!("{what}.mean"), &[size]);
        add(&format!("{what}.deviation"), &[size]);
    }
    shapes
}

/// A layer in its network.
struct Place<'a, S> {
    layer: &'a LayerDefinition,
    prefix: String,
    parameters: &'a Parameters<S>,
    batch: &'a NetworkBatch<'a, S>,
}

/// What a layer of a network computes.
struct LayerOutput<S> {
    /// \[n, steps, D\]; zero beyond a sequence's length.
    gives: Vec<S>,
    /// The same after the whole sequence \[n, D\].
    last: Vec<S>,
    /// Each sequence's final states, direction by direction, hidden then cell.
    states: Vec<Vec<S>>,
}

impl<S: Scalar> Place<'_, S> {
    /// From what the layer reads \[n, steps, I\] and each sequence's initial states.
    fn run(&self, masks: &LayerMasks, reads: &[S], initial: &[&[S]]) -> LayerOutput<S> {
        let Self { layer, batch, .. } = self;
        let (lengths, steps) = (batch.lengths, batch.steps);
        let inputs = reads.len() / (lengths.len() * steps);
        let same_at_every_step: Vec<f64> =
            masks.input_dropout.chunks(inputs).flat_map(|mask| mask.repeat(steps)).collect();
        let x = masked(&masked(&self.normal(reads), &masks.dropout), &same_at_every_step);
        let run = |(which, suffix): (usize, &&str)| {
            let weights = self.weights(inputs, suffix, masks.weights.get(which));
            let [h0, c0] = self.states_of(which, initial);
            let states = masks.states.get(which).cloned().unwrap_or_default();
            let batch = Batch { x: &x, lengths, steps, h0: &h0, c0: &c0 };
            direction(layer, &weights, &states, batch, which == 1)
        };
        let directions: Vec<DirectionOutput<S>> = suffixes(layer).iter().enumerate().map(run).collect();
        let mut gives = self.merged(directions.iter().map(|direction| &direction.hidden[..]).collect());
        let mut last = self.merged(directions.iter().map(|direction| &direction.h_n[..]).collect());
        if layer.residual {
            for (n, &length) in lengths.iter().enumerate() {
                let read = |step: usize| &reads[(n * steps + step) * inputs..][..inputs];
                for step in 0..length {
                    add(&mut gives[(n * steps + step) * inputs..][..inputs], read(step));
                }
                add(&mut last[n * inputs..][..inputs], read(length - 1));
            }
        }
        let (hidden, cells) = (layer.hidden_size(), layer.cell_size());
        let of = |n: usize| {
            let of = |direction: &DirectionOutput<S>| {
                [&direction.h_n[n * hidden..][..hidden], &direction.c_n[n * cells..][..cells]].concat()
            };
            directions.iter().flat_map(of).collect()
        };
        LayerOutput { gives, last, states: (0..lengths.len()).map(of).collect() }
    }

    /// What the layer reads \[n, steps, I\] as it goes into the cells; zero beyond a sequence's length.
    fn normal(&self, reads: &[S]) -> Vec<S> {
        if !self.layer.input_norm {
            return reads.to_vec();
        }
        let sequences = reads.chunks(reads.len() / self.batch.lengths.len()).zip(self.batch.lengths);
        let of = |(reads, &length): (&[S], &usize)| {
            let valid = reads.len() / self.batch.steps * length;
            [normalised(self.parameters, &self.prefix, &reads[..valid]), reads[valid..].to_vec()].concat()
        };
        sequences.flat_map(of).collect()
    }

    /// One direction's tensors, its recurrent weights under a mask.
    fn weights(&self, inputs: usize, suffix: &str, mask: Option<&Vec<f64>>) -> DirectionWeights<S> {
        let named = DirectionTensors::shapes(self.layer, inputs).named().into_iter().map(|(name, _)| {
            let tensor = &self.parameters[&format!("{}{name}_l0{suffix}", self.prefix)];
            (name, if name == "weight_hh" { masked(tensor, mask.map_or(&[], |mask| mask)) } else { tensor.clone() })
        });
        DirectionWeights { tensors: named.collect() }
    }

    /// One direction's initial hidden \[n, R\] and cell states \[n, H\].
    fn states_of(&self, which: usize, initial: &[&[S]]) -> [Vec<S>; 2] {
        let (hidden, cells) = (self.layer.hidden_size(), self.layer.cell_size());
        let of = |skip: usize, size: usize| {
            initial.iter().flat_map(|states| states[which * (hidden + cells) + skip..][..size].to_vec()).collect()
        };
        [of(0, hidden), of(hidden, cells)]
    }

    /// Rows of R numbers, those of both directions made one.
    fn merged(&self, directions: Vec<&[S]>) -> Vec<S> {
        let [forward, reverse] = directions[..] else { return directions.concat() };
        let size = self.layer.hidden_size();
        let both = forward.iter().zip(reverse);
        match self.layer.merge {
            Merge::Concat => {
                forward.chunks(size).zip(reverse.chunks(size)).flat_map(|(f, r)| [f, r].concat()).collect()
            }
            Merge::Sum => both.map(|(&f, &r)| f + r).collect(),
            Merge::Mean => both.map(|(&f, &r)| (f + r) / S::from(2.0)).collect(),
        }
    }
}

/// What the names of each direction's tensors end with.
fn suffixes(layer: &LayerDefinition) -> &'static [&'static str] {
    &["", "_reverse"][..layer.directions()]
}

/// The rows of valid steps, sequence by sequence.
fn valid_steps<S: Scalar>(values: &[S], lengths: &[usize], steps: usize) -> Vec<S> {
    let size = values.len() / (lengths.len() * steps);
    let sequences = values.chunks(steps * size).zip(lengths);
    sequences.flat_map(|(values, &length)| values[..length * size].to_vec()).collect()
}

/// gain ⊙ norm(v) + bias of each row v: `nn.LayerNorm` in `PyTorch`.
fn normalised<S: Scalar>(parameters: &Parameters<S>, prefix: &str, rows: &[S]) -> Vec<S> {
    let [gain, bias] = ["weight", "bias"].map(|name| &parameters[&format!("{prefix}norm.{name}")]);
    let row = |row: &[S]| {
        let numbers = norm(row).into_iter().zip(gain).zip(bias);
        numbers.map(|((v, &gain), &bias)| gain * v + bias).collect::<Vec<_>>()
    };
    rows.chunks(gain.len()).flat_map(row).collect()
}

/// Values times their mask; as they are where it is empty.
fn masked<S: Scalar>(values: &[S], mask: &[f64]) -> Vec<S> {
    if mask.is_empty() {
        return values.to_vec();
    }
    assert_eq!(values.len(), mask.len(), "a mask has a number for each value");
    values.iter().zip(mask).map(|(&value, &mask)| value * S::from(mask)).collect()
}

fn add<S: Scalar>(to: &mut [S], from: &[S]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = *to + from;
    }
}
