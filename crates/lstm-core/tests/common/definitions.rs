//! Random definitions with a batch for each, which shrink: to fewer layers, fewer options, smaller sizes, shorter sequences.
//!
//! Everything is drawn apart from the rest, so that proptest can shrink each draw by itself; then [`fitted`] leaves out what
//! does not go together, as a projection of a GRU or a residual layer that cannot be as wide as its input.

use super::network::{NetworkCase, WeightsOf};
use lstm_core::network::definition::{
    Activation, At, Cell, GateActivation, InitialisationDefinition, InitialisationKind, InitialisationRule,
    InitialisationScheme, InputDefinition, LayerDefinition, Merge, ModelDefinition, OutputDefinition, OutputKind,
    Reset, Scaling, StaticsAs, Zoneout,
};
use lstm_core::training::loss_options::{LossKind, LossOptions};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

/// Random networks with their batches.
pub(crate) fn networks() -> impl Strategy<Value = NetworkCase> {
    let batch = (vec(1..=7_u32, 1..=9), 0..=1_usize, weights_of(), any::<u32>().no_shrink());
    let parts = (vec(layer(), 1..=3), input(), output(), loss(), batch);
    parts.prop_map(|(layers, input, output, loss, (lengths, padding, of, seed))| {
        let mut definition = fitted(ModelDefinition { input, layers, output, seed, initialisation: None });
        definition.initialisation = initialisation(&definition);
        definition.validate().unwrap_or_else(|error| panic!("{definition:?}: {error}"));
        let steps = *lengths.iter().max().unwrap() as usize + padding;
        let mut case = NetworkCase::random(&definition, &lengths, steps, of, seed);
        case.loss = loss.fitted(&definition.output);
        if definition.input.scaling == Scaling::Standard && seed % 2 == 0 {
            // As before the first run, which fits the scaling.
            for tensor in ["input.deviation", "statics.deviation"] {
                case.parameters.get_mut(tensor).into_iter().for_each(|tensor| tensor.fill(0.0));
            }
        }
        case
    })
}

/// How a model's own weights start, before those of the case replace them. Of the seed, so that it shrinks with nothing else.
fn initialisation(definition: &ModelDefinition) -> Option<InitialisationDefinition> {
    use InitialisationKind::{Chrono, Constant, HeNormal, Normal, Orthogonal, Pytorch, Uniform};
    let first = &definition.layers[0];
    let gated = first.bias && first.cell != Cell::Rnn;
    let forgets = gated && first.cell == Cell::Lstm && !first.coupled_gates;
    let seed = definition.seed;
    let rule = |names: &str, kind: InitialisationKind| InitialisationRule {
        value: (kind == Constant).then_some(0.5),
        bound: (kind == Uniform).then_some(0.25),
        deviation: (kind == Normal).then_some(0.1),
        longest: (kind == Chrono).then_some(9),
        gain: kind.takes_gain().then_some(0.5),
        ..InitialisationRule::new(&[names], kind)
    };
    let biases = if gated && seed.is_multiple_of(3) { Chrono } else { Pytorch };
    let forget_bias = (forgets && biases != Chrono).then_some(1.0);
    let rules = match seed % 16 {
        0 => vec![],
        1 if first.bias => {
            vec![rule("*.weight_ih*", HeNormal), rule("output.bias", Constant), rule("layers.0.bias_ih*", biases)]
        }
        2 => vec![rule("*.weight_hh*", Orthogonal), rule("output.bias", Uniform)],
        3 => vec![rule("*", Normal)],
        _ => return None,
    };
    Some(InitialisationDefinition { scheme: InitialisationScheme::Pytorch, forget_bias, rules })
}

fn weights_of() -> impl Strategy<Value = WeightsOf> {
    select(vec![WeightsOf::Nothing, WeightsOf::Sequences, WeightsOf::Steps])
}

/// False, and true one time in so many.
fn seldom(times: u32) -> impl Strategy<Value = bool> {
    prop::bool::weighted(1.0 / f64::from(times))
}

/// 0, and one time in four a part that is dropped or kept.
fn rate() -> impl Strategy<Value = f32> {
    weighted(0.25, select(vec![0.125_f32, 0.25, 0.5])).prop_map(|rate| rate.unwrap_or(0.0))
}

/// The first of some values, or sometimes another of them.
fn choice<T: Clone + std::fmt::Debug + 'static>(values: Vec<T>) -> impl Strategy<Value = T> {
    let first = values[0].clone();
    weighted(0.3, select(values)).prop_map(move |value| value.unwrap_or_else(|| first.clone()))
}

/// A layer with options of any cell.
fn layer() -> impl Strategy<Value = LayerDefinition> {
    use GateActivation::{HardSigmoid, HardSigmoidFifth, Sigmoid};
    let shape = (
        select(vec![Cell::Lstm, Cell::Gru, Cell::Rnn]),
        1..=19_u32,
        weighted(0.25, 1..=18_u32),
        seldom(3),
        choice(vec![Merge::Concat, Merge::Sum, Merge::Mean]),
        seldom(3),
        prop::bool::weighted(0.2).prop_map(|none| !none),
        seldom(3),
    );
    let options = (
        seldom(4),
        seldom(4),
        seldom(4),
        weighted(0.25, select(vec![0.125_f32, 0.5, 1.0])),
        choice(vec![Sigmoid, HardSigmoid, HardSigmoidFifth]),
        choice(vec![Reset::After, Reset::Before]),
        choice(vec![Activation::Tanh, Activation::Relu]),
    );
    let rates = (rate(), rate(), rate(), rate(), rate(), rate());
    (shape, options, rates).prop_map(|(shape, options, rates)| {
        let (cell, units, projection, bidirectional, merge, residual, bias, input_norm) = shape;
        let (peepholes, layer_norm, coupled_gates, cell_clip, gate_activation, reset, activation) = options;
        let (dropout, input_dropout, recurrent_dropout, weight_dropout, hidden, of_cell) = rates;
        LayerDefinition {
            cell,
            units,
            bidirectional,
            merge,
            residual,
            input_norm,
            dropout,
            input_dropout,
            bias,
            projection,
            peepholes,
            layer_norm,
            coupled_gates,
            cell_clip,
            gate_activation,
            reset,
            activation,
            recurrent_dropout,
            weight_dropout,
            zoneout: Zoneout { hidden, cell: of_cell },
        }
    })
}

fn input() -> impl Strategy<Value = InputDefinition> {
    let tokens = (weighted(0.4, 2..=7_u32), 1..=9_u32, weighted(0.4, 0..=6_u32), any::<bool>());
    let statics = (weighted(0.4, 1..=5_u32), choice(vec![StaticsAs::Steps, StaticsAs::States]));
    (1..=17_u32, seldom(2), tokens, statics, seldom(3)).prop_map(|(features, alone, tokens, statics, scaled)| {
        let (tokens, embedding, padding, sparse) = tokens;
        InputDefinition {
            features: (tokens.is_none() || !alone).then_some(features),
            tokens,
            embedding: tokens.and(Some(embedding)),
            padding: tokens.and(padding),
            sparse: tokens.is_some() && sparse,
            statics: statics.0,
            statics_as: statics.1,
            scaling: if scaled { Scaling::Standard } else { Scaling::None },
        }
    })
}

/// An output with the options of every kind.
fn output() -> impl Strategy<Value = OutputDefinition> {
    let names = |size: u32| (0..size).map(|name| name.to_string()).collect::<Vec<_>>();
    let at = choice(vec![At::Last, At::Each, At::Mean, At::Max, At::Attention]);
    let quantiles = select(vec![vec![0.5_f32], vec![0.25, 0.75], vec![0.1, 0.5, 0.9]]);
    let options = (weighted(0.3, 1..=3_u32), weighted(0.3, quantiles), weighted(0.5, 1..=9_u32));
    let options = (options, seldom(3), seldom(3), rate());
    let kind = select(vec![OutputKind::Values, OutputKind::Classes, OutputKind::Labels]);
    (kind, 1..=18_u32, at, options).prop_map(move |(kind, size, at, options)| {
        let ((steps, quantiles, attention_units), tied, norm, dropout) = options;
        let (is_values, is_classes) = (kind == OutputKind::Values, kind == OutputKind::Classes);
        OutputDefinition {
            classes: is_classes.then(|| names(size + 1)),
            labels: (kind == OutputKind::Labels).then(|| names(size)),
            values: is_values.then_some(size),
            steps: steps.filter(|_| is_values),
            quantiles: quantiles.filter(|_| is_values),
            at,
            attention_units: attention_units.filter(|_| at == At::Attention),
            tied: is_classes && tied,
            norm,
            dropout,
        }
    })
}

/// Options of a loss of any kind.
#[derive(Debug, Clone)]
struct Loss {
    given: bool,
    values: LossKind,
    delta: Option<f32>,
    /// Of classes and of labels where they are there.
    weights: Option<Vec<f32>>,
    smoothing: Option<f32>,
}

fn loss() -> impl Strategy<Value = Loss> {
    let kinds = select(vec![LossKind::Mse, LossKind::Mae, LossKind::Huber]);
    let weights = weighted(0.4, vec(select(vec![1.0_f32, 0.0, 0.5, 2.5]), 1..=4));
    (seldom(2), kinds, weighted(0.5, select(vec![0.25_f32, 2.0])), weights, weighted(0.3, select(vec![0.125_f32, 0.5])))
        .prop_map(|(given, values, delta, weights, smoothing)| Loss { given, values, delta, weights, smoothing })
}

impl Loss {
    /// Those of its options that the output has.
    fn fitted(self, output: &OutputDefinition) -> Option<LossOptions> {
        if !self.given || output.quantiles.is_some() {
            return None;
        }
        let weights = self.weights.map(|weights| output.names().iter().cloned().zip(weights).collect());
        Some(match output.kind() {
            OutputKind::Classes => LossOptions {
                class_weights: weights,
                label_smoothing: self.smoothing,
                ..LossOptions::new(LossKind::CrossEntropy)
            },
            OutputKind::Labels => {
                LossOptions { positive_weights: weights, ..LossOptions::new(LossKind::BinaryCrossEntropy) }
            }
            OutputKind::Values => LossOptions {
                delta: self.delta.filter(|_| self.values == LossKind::Huber),
                ..LossOptions::new(self.values)
            },
        })
    }
}

/// The definition without what does not go together, and with widths that do.
fn fitted(mut definition: ModelDefinition) -> ModelDefinition {
    fit_input(&mut definition.input);
    let mut inputs = definition.input.size();
    let count = definition.layers.len();
    for (index, layer) in definition.layers.iter_mut().enumerate() {
        fit_layer(layer);
        let ends_apart = layer.bidirectional && index + 1 == count && definition.output.at == At::Last;
        layer.residual = layer.residual && !ends_apart && widen(layer, inputs);
        inputs = layer.outputs();
    }
    let (input, output) = (&mut definition.input, &mut definition.output);
    let top = definition.layers.last_mut().expect("there is a layer");
    let can_tie = output.tied && input.tokens.is_some() && !top.residual;
    output.tied = can_tie && widen(top, input.embedding());
    if output.tied {
        input.sparse = false;
        output.classes = Some((0..input.tokens.unwrap_or(0)).map(|name| name.to_string()).collect());
    }
    // Two normalised numbers are 1 and −1 whatever they were, so that the gradient is a difference of equal terms; of five there is
    // something to learn.
    let mut inputs = input.size();
    for layer in &mut definition.layers {
        layer.layer_norm = layer.layer_norm && layer.units >= 5;
        layer.input_norm = layer.input_norm && inputs >= 5;
        inputs = layer.outputs();
    }
    output.norm = output.norm && inputs >= 5;
    definition
}

fn fit_input(input: &mut InputDefinition) {
    input.padding = input.padding.filter(|&padding| Some(padding) < input.tokens);
    if input.statics.is_none() {
        input.statics_as = StaticsAs::Steps;
    }
    if input.features() + input.statics() == 0 {
        input.scaling = Scaling::None;
    }
}

/// Leaves out the options of other cells.
fn fit_layer(layer: &mut LayerDefinition) {
    let plain = LayerDefinition::new(layer.cell, layer.units);
    if layer.cell != Cell::Lstm {
        layer.projection = plain.projection;
        (layer.peepholes, layer.layer_norm, layer.coupled_gates) = (false, false, false);
        layer.cell_clip = plain.cell_clip;
        layer.gate_activation = plain.gate_activation;
        layer.zoneout.cell = 0.0;
    }
    if layer.cell != Cell::Gru {
        layer.reset = plain.reset;
    }
    if layer.cell != Cell::Rnn {
        layer.activation = plain.activation;
    }
    layer.projection = layer.projection.filter(|&projection| projection < layer.units);
    if !layer.bidirectional {
        layer.merge = Merge::Concat;
    }
}

/// Makes a layer give so many numbers, if it can.
fn widen(layer: &mut LayerDefinition, outputs: usize) -> bool {
    let sides = if layer.merge == Merge::Concat { layer.directions() } else { 1 };
    if !outputs.is_multiple_of(sides) {
        return false;
    }
    let hidden = (outputs / sides) as u32;
    layer.units = if layer.projection.is_some() { hidden + 2 } else { hidden };
    layer.projection = layer.projection.and(Some(hidden));
    true
}
