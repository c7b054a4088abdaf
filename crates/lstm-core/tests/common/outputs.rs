//! The vectors of outputs: every kind of output and loss, with its model, its data and what `PyTorch` makes of them.

use super::network::NetworkCase;
use super::{Vectors, vectors};
use lstm_core::network::definition::{ModelDefinition, OutputKind};
use lstm_core::network::targets::NO_CLASS;
use lstm_core::reference::parameter_shapes;

pub(crate) const OUTPUTS: [&str; 31] = [
    "output-merge-sum",
    "output-merge-mean",
    "output-merge-mean-each",
    "output-residual",
    "output-residual-each",
    "output-residual-pooled",
    // `inputNorm` of the first and of the second layer, `norm` of the output, and all of them under residual layers.
    "output-norm-first",
    "output-norm-between",
    "output-norm-head",
    "output-norm-each",
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
    pub(crate) network: NetworkCase,
}

impl OutputCase {
    pub(crate) fn read(name: &str) -> Self {
        let vectors = vectors(name);
        let definition = ModelDefinition::from_json(&vectors.case()["definition"].to_string()).unwrap();
        let is_classes = definition.output.kind() == OutputKind::Classes;
        let class = |&class: &f64| u32::try_from(class as i64).unwrap_or(NO_CLASS);
        let network = NetworkCase {
            loss: vectors.case().get("loss").map(|loss| serde_json::from_value(loss.clone()).unwrap()),
            lengths: vectors.indices("lengths").iter().map(|&length| length as u32).collect(),
            steps: vectors.shape("x")[1],
            x: vectors.f32("x"),
            tokens: Vec::new(),
            statics: Vec::new(),
            classes: is_classes.then(|| vectors.get("targets").iter().map(class).collect()),
            numbers: (!is_classes).then(|| vectors.f32("targets")),
            weights: vectors.has("weights").then(|| vectors.f32("weights")),
            initial: Vec::new(),
            parameters: parameter_shapes(&definition)
                .into_iter()
                .map(|(name, _)| (name.clone(), vectors.get(&name).to_vec()))
                .collect(),
            definition,
        };
        Self { vectors, network }
    }
}
