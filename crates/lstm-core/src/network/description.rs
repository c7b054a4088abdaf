//! What a model and its machine tell about themselves: plain data that crosses as JSON.

use serde::Serialize;

use super::{
    definition::{LayerDefinition, ModelDefinition},
    parameters::Tensor,
};

/// A model as it stands: what it is, what it runs on, and what its weights are.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct ModelDescription {
    /// The definition, with every default filled in but those of a layer's and the output's options.
    pub definition: ModelDefinition,
    /// The instruction set that this model's kernels run on.
    pub isa: String,
    /// Threads that work on a batch.
    pub threads: u32,
    /// Every tensor, in the order of the flat vector of weights.
    pub tensors: Vec<Tensor>,
    /// How many of the numbers in them are trained.
    pub parameters: u32,
    /// Where the hidden and cell states of one sequence lie, one after the other: layer by layer, direction by direction.
    pub states: Vec<StateDescription>,
    /// What the model's file holds of its preprocessing, as it stands there; null if nothing.
    pub preprocessing: Option<String>,
}

/// The states of one direction of a layer among all of a sequence's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct StateDescription {
    /// Counted from the input.
    pub layer: u32,
    /// Where the hidden state begins.
    pub offset: u32,
    /// Numbers of the hidden state.
    pub hidden: u32,
    /// Numbers of the cell state, which follows: 0 unless the layer is an LSTM.
    pub cell: u32,
}

impl StateDescription {
    /// Those of every direction.
    #[must_use]
    pub fn all(definition: &ModelDefinition) -> Vec<Self> {
        let mut offset = 0;
        let directions = definition
            .layers
            .iter()
            .enumerate()
            .flat_map(|(index, layer)| (0..layer.directions()).map(move |_| (index, layer)));
        let state = |(index, layer): (usize, &LayerDefinition)| {
            let (hidden, cell) = (layer.hidden_size() as u32, layer.cell_size() as u32);
            let state = Self { layer: index as u32, offset, hidden, cell };
            offset += hidden + cell;
            state
        };
        directions.map(state).collect()
    }
}

/// A layer by itself as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct LayerDescription {
    /// The definition, with every default filled in but those of the options.
    pub definition: LayerDefinition,
    /// Numbers a step that go in.
    pub inputs: u32,
    /// 1, or 2 for a bidirectional layer.
    pub directions: u32,
    /// Numbers of a direction's hidden state.
    pub hidden_size: u32,
    /// Numbers of a direction's cell state; 0 unless the layer is an LSTM.
    pub cell_size: u32,
    /// The instruction set that this layer's kernels run on.
    pub isa: String,
    /// Threads that work on a batch.
    pub threads: u32,
    /// Every tensor, in the order of the flat vector of weights.
    pub tensors: Vec<Tensor>,
    /// How many numbers are in them.
    pub parameters: u32,
}

/// What this build finds on the machine it runs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct MachineDescription {
    /// The instruction set that kernels run on: the best of all, unless another is forced.
    pub isa: String,
    /// Every instruction set that this build has kernels for and this machine can run.
    pub instruction_sets: Vec<String>,
    /// Threads that are used unless `MachineOptions` says otherwise.
    pub threads: u32,
}
