//! What each tensor is to its network, as far as its first numbers depend on it. Knows nothing of the numbers.

use std::ops::Range;

use crate::network::{
    definition::{Cell, DirectionTensors},
    parameters::{LayerRanges, Layout, NormRanges, Tensor},
};

/// One trained tensor.
#[derive(Debug, Clone)]
pub(super) struct Parameter<'a> {
    pub(super) name: &'a str,
    pub(super) range: Range<usize>,
    pub(super) role: Role,
    /// What `PyTorch`'s own bound ±1/√n has as its n; none where `PyTorch` has no such tensor, or another law for it.
    pub(super) pytorch: Option<usize>,
}

/// What a tensor's numbers do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    /// A row of `size` numbers for each token: a map of tokens as one number each, of which one is 1.
    Table { tokens: usize, size: usize, padding: Option<u32> },
    /// Maps `[outputs, inputs]`, one after the other: those of an LSTM's gates are four.
    Maps { maps: usize, outputs: usize, inputs: usize, recurrent: bool },
    /// Biases of gates, `units` each.
    GateBiases(GateBiases),
    /// What is added elsewhere, and peepholes: what a network may begin without.
    Offsets,
    /// What is multiplied with.
    Gains,
}

/// The biases of the gates of one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GateBiases {
    pub(super) units: usize,
    /// The gate by which a unit keeps its state.
    pub(super) keeps: Option<usize>,
    /// The gate by which it takes something new.
    pub(super) takes: Option<usize>,
    /// Whether they are `bias_ih`, not `bias_hh`: only their sum counts.
    pub(super) of_input: bool,
}

impl GateBiases {
    /// An LSTM's forget gate: it keeps, and another gate takes.
    pub(super) fn forget(&self) -> Option<usize> {
        self.keeps.filter(|_| self.of_input && self.takes.is_some())
    }
}

impl Role {
    /// Numbers that go into one of the maps and come out of it.
    pub(super) fn fans(&self) -> Option<(usize, usize)> {
        match *self {
            Self::Table { tokens, size, .. } => Some((tokens, size)),
            Self::Maps { outputs, inputs, .. } => Some((inputs, outputs)),
            _ => None,
        }
    }
}

/// A tensor's place, its role and the n of `PyTorch`'s bound.
type Described = (Range<usize>, Role, Option<usize>);

/// Every trained tensor of a model, in the order of the layout.
pub(super) fn of_model(layout: &Layout) -> Vec<Parameter<'_>> {
    let mut all = Vec::new();
    if let Some(table) = layout.embedding() {
        let role = Role::Table { tokens: table.tokens, size: table.size, padding: table.padding };
        all.push((table.weight.clone(), role, None));
    }
    if let Some(initial) = layout.initial() {
        all.extend(linear(&initial.weight, Some(&initial.bias), initial.statics, initial.size));
    }
    all.extend(layout.layers().iter().flat_map(layer));
    let head = layout.head();
    if let Some(attention) = layout.attention() {
        all.extend(linear(&attention.weight, Some(&attention.bias), head.units, attention.units));
        all.extend(linear(&attention.score, None, attention.units, 1));
    }
    all.extend(layout.output_norm().into_iter().flat_map(norm));
    let tied = layout.embedding().is_some_and(|embedding| embedding.tied);
    all.extend(linear(&head.weight, Some(&head.bias), head.units, head.size).into_iter().skip(usize::from(tied)));
    named(layout.tensors(), all)
}

/// Every tensor of a layer by itself.
pub(super) fn of_layer<'a>(tensors: &'a [Tensor], ranges: &LayerRanges) -> Vec<Parameter<'a>> {
    named(tensors, layer(ranges))
}

fn named(tensors: &[Tensor], all: Vec<Described>) -> Vec<Parameter<'_>> {
    let named = tensors.iter().zip(all).map(|(tensor, (range, role, pytorch))| {
        debug_assert_eq!(tensor.range(), range, "{}", tensor.name);
        Parameter { name: &tensor.name, range, role, pytorch }
    });
    named.collect()
}

fn linear(weight: &Range<usize>, bias: Option<&Range<usize>>, inputs: usize, outputs: usize) -> Vec<Described> {
    let map = Role::Maps { maps: 1, outputs, inputs, recurrent: false };
    let weight = (weight.clone(), map, Some(inputs));
    std::iter::once(weight).chain(bias.map(|bias| (bias.clone(), Role::Offsets, Some(inputs)))).collect()
}

fn layer(layer: &LayerRanges) -> Vec<Described> {
    let directions = layer.directions.iter().flat_map(|ranges| direction(layer, ranges));
    layer.norm.iter().flat_map(norm).chain(directions).collect()
}

/// `PyTorch` too begins with ones and zeros.
fn norm(ranges: &NormRanges) -> [Described; 2] {
    [(ranges.weight.clone(), Role::Gains, None), (ranges.bias.clone(), Role::Offsets, None)]
}

fn direction(layer: &LayerRanges, ranges: &DirectionTensors<Range<usize>>) -> Vec<Described> {
    let (units, gates, hidden) = (layer.units, layer.definition.gates(), layer.definition.hidden_size());
    // Gate order: i, f, g, o; with coupled gates i, g, o; of a GRU r, z, n, where z keeps.
    let (keeps, takes) = match layer.definition.cell {
        Cell::Lstm if layer.definition.coupled_gates => (None, Some(0)),
        Cell::Lstm => (Some(1), Some(0)),
        Cell::Gru => (Some(1), None),
        Cell::Rnn => (None, None),
    };
    let maps = |maps, outputs, inputs, recurrent| Role::Maps { maps, outputs, inputs, recurrent };
    let biases = |of_input| Role::GateBiases(GateBiases { units, keeps, takes, of_input });
    let bound = Some(units);
    let roles = DirectionTensors {
        weight_ih: (maps(gates, units, layer.input_size, false), bound),
        weight_hh: (maps(gates, units, hidden, true), bound),
        bias_ih: (biases(true), bound),
        bias_hh: (biases(false), bound),
        weight_hr: (maps(1, hidden, units, false), bound),
        weight_peephole: (Role::Offsets, None),
        gain_gates: (Role::Gains, None),
        gain_cell: (Role::Gains, None),
        bias_cell: (Role::Offsets, None),
    };
    let all = ranges.iter().zip(roles.iter()).filter(|(range, _)| !range.is_empty());
    all.map(|(range, (role, bound))| (range.clone(), role.clone(), *bound)).collect()
}
