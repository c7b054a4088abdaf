//! What a model is, as data: the JSON that users write, that validates, and that every model file holds.
//! What depends on the machine (backend, threads) is no part of it.

use serde::{Deserialize, Serialize};

/// A network: what goes in, the recurrent layers from the input upwards, what comes out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub struct ModelDefinition {
    /// What a step of a sequence looks like.
    pub input: InputDefinition,
    /// The recurrent layers, the one nearest to the input first.
    pub layers: Vec<LayerDefinition>,
    /// What the model predicts.
    pub output: OutputDefinition,
    /// Every random number of this model comes from this seed. 0 unless given.
    #[serde(default)]
    #[cfg_attr(feature = "schema", ts(as = "Option<u32>", optional))]
    pub seed: u32,
}

/// What a step of a sequence looks like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub struct InputDefinition {
    /// Numbers a step.
    pub features: u32,
    /// How numbers are scaled before the first layer. `"none"` unless given.
    #[serde(default)]
    #[cfg_attr(feature = "schema", ts(as = "Option<Scaling>", optional))]
    pub scaling: Scaling,
}

/// How the input's numbers are scaled. What is fitted is saved with the model and applied wherever data enters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub enum Scaling {
    /// As they come.
    #[default]
    None,
    /// Each feature minus its mean, over its standard deviation: both taken from the training data's valid steps
    /// when `fit` first runs, and kept from then on.
    Standard,
}

/// One recurrent layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub struct LayerDefinition {
    /// The recurrence.
    pub cell: Cell,
    /// Hidden units, at least 1.
    pub units: u32,
}

/// The recurrence of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub enum Cell {
    /// Long short-term memory (Hochreiter and Schmidhuber 1997) with a forget gate (Gers et al. 2000).
    Lstm,
}

/// What the model predicts, from the last valid step of each sequence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub struct OutputDefinition {
    /// The classes' names, at least two, no two alike. With two classes, the second is the positive one in reports.
    pub classes: Vec<String>,
}
