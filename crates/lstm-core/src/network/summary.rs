//! What a model consists of, as people know it from other frameworks: layers, shapes, parameters, multiply-adds a step, and the
//! memory that training takes.

use serde::Serialize;

use super::definition::{At, LayerDefinition, Merge, ModelDefinition, OutputKind, Scaling};
use super::parameters::Layout;
use crate::cells::recurrence::Shape;

/// A model as a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct ModelSummary {
    /// What data goes through, from the input upwards.
    pub rows: Vec<SummaryRow>,
    /// How many numbers are trained.
    pub parameters: u32,
    /// Multiplications with an addition for one step of one sequence, the output's among them.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub multiply_adds: u64,
    /// What training takes beside the data.
    pub training: TrainingMemory,
}

/// One thing that data goes through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct SummaryRow {
    /// The prefix of its tensors' names: `"layers.0"`.
    pub name: String,
    /// What it is: `"bidirectional lstm, sum"`.
    pub kind: String,
    /// Whether something leaves it at each step, and not once a sequence.
    pub each: bool,
    /// How many numbers leave it.
    pub outputs: u32,
    /// How many numbers are trained in it.
    pub parameters: u32,
    /// Multiplications with an addition for one step of one sequence, or once a sequence.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub multiply_adds: u64,
    /// How a recurrent layer is computed: `"fused"` if its gates, its states and all of its options are, forward and backward,
    /// in one time loop of kernels, while their products are in registers or cache; `"general"` if step by step from separate
    /// operations, which no layer is. Null for what has no time loop.
    pub path: Option<&'static str>,
}

/// What training takes for batches of a size, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct TrainingMemory {
    /// Sequences a batch.
    pub batch_size: u32,
    /// Steps of each.
    pub steps: u32,
    /// Weights, their gradients, and what the optimiser keeps of each: Adam's two moments.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub parameters: u64,
    /// The weights once more, in the order in which the kernels read them.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub packed: u64,
    /// What the forward pass keeps for the backward pass, and the gradients of it.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub activations: u64,
}

/// The table of a definition, input first.
pub(crate) fn rows(definition: &ModelDefinition, layout: &Layout) -> Vec<SummaryRow> {
    let trained = |prefix: &str| {
        let of_it = layout.tensors().iter().filter(|tensor| tensor.trained && tensor.name.starts_with(prefix));
        of_it.map(|tensor| tensor.length as u32).sum()
    };
    let row = |name: &str, kind: String, each: bool, outputs: usize, multiply_adds: usize| SummaryRow {
        name: name.to_owned(),
        kind,
        each,
        outputs: outputs as u32,
        parameters: trained(&format!("{name}.")),
        multiply_adds: multiply_adds as u64,
        path: None,
    };
    let ModelDefinition { input, layers, output, .. } = definition;
    let scaled = if input.scaling == Scaling::None { "" } else { "scaled" };
    let mut rows = vec![row("input", scaled.to_owned(), true, input.size(), 0)];
    if let Some(tokens) = input.tokens {
        rows.push(row("embedding", format!("of {tokens} tokens"), true, input.embedding(), 0));
    }
    if input.statics_as_states() > 0 {
        let (states, statics) = (definition.state_size(), input.statics_as_states());
        rows.push(row("initial", "states".to_owned(), false, states, states * statics));
    }
    let mut inputs = input.size();
    for (index, layer) in layers.iter().enumerate() {
        let each = index + 1 < layers.len() || output.at != At::Last;
        let name = format!("layers.{index}");
        let path = Some("fused");
        rows.push(SummaryRow { path, ..row(&name, kind(layer), each, layer.outputs(), multiply_adds(layer, inputs)) });
        inputs = layer.outputs();
    }
    if let Some(units) = output.attention(inputs) {
        rows.push(row("attention", String::new(), false, inputs, units * (inputs + 1)));
    }
    let kind = match output.kind() {
        OutputKind::Classes => "softmax",
        OutputKind::Labels => "sigmoid",
        OutputKind::Values => "linear",
    };
    let norm = if output.norm { ", norm" } else { "" };
    let tied = if output.tied { ", tied" } else { "" };
    rows.push(row(
        "output",
        format!("{kind}{norm}{tied}"),
        output.at == At::Each,
        output.size(),
        inputs * output.size(),
    ));
    rows
}

/// What a layer is, and what of its options changes its shape or its work.
fn kind(layer: &LayerDefinition) -> String {
    let mut kind = String::new();
    if layer.bidirectional {
        kind += "bidirectional ";
    }
    kind += layer.cell.name();
    let options = [
        (layer.merge == Merge::Sum, "sum"),
        (layer.merge == Merge::Mean, "mean"),
        (layer.residual, "residual"),
        (layer.input_norm, "input norm"),
        (layer.projection.is_some(), "projection"),
        (layer.peepholes, "peepholes"),
        (layer.layer_norm, "layer norm"),
        (layer.coupled_gates, "coupled gates"),
    ];
    for (_, name) in options.into_iter().filter(|&(set, _)| set) {
        kind = kind + ", " + name;
    }
    kind
}

/// Those of a step's products, in all directions: two operations each.
fn multiply_adds(layer: &LayerDefinition, inputs: usize) -> usize {
    layer.directions() * Shape::new(layer, inputs, 1).operations() / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiply_adds_are_counted_by_hand() {
        let text = r#"{"input":{"features":5},"layers":[{"cell":"gru","units":4,"bidirectional":true,"merge":"sum"},
            {"cell":"lstm","units":6,"projection":3,"inputNorm":true}],
            "output":{"values":2,"at":"attention","attentionUnits":7,"norm":true}}"#;
        let definition = ModelDefinition::from_json(text).unwrap();
        let rows = rows(&definition, &Layout::of(&definition));
        let found: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.outputs, row.multiply_adds)).collect();
        let expected = [
            ("input", 5, 0),
            ("layers.0", 4, 2 * 12 * 9),
            ("layers.1", 3, 24 * 7 + 18),
            ("attention", 3, 7 * 4),
            ("output", 2, 6),
        ];
        assert_eq!(found, expected);
        assert_eq!(rows.iter().map(|row| u64::from(row.parameters)).sum::<u64>(), definition.parameters());
        assert_eq!(
            (rows[1].kind.as_str(), rows[1].path, rows[4].path),
            ("bidirectional gru, sum", Some("fused"), None)
        );
        assert_eq!((rows[2].kind.as_str(), rows[4].kind.as_str()), ("lstm, input norm, projection", "linear, norm"));
        assert_eq!((rows[2].parameters, rows[4].parameters), (24 * (4 + 3 + 2) + 18 + 2 * 4, 2 * 4 + 2 * 3));
    }
}
