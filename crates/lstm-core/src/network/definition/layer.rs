//! One recurrent layer as data: its recurrence, and the options of it.

use serde::{Deserialize, Serialize};

use super::{DirectionTensors, in_range, invalid, is_default};
use crate::{Result, json};

/// Most hidden units a layer.
pub const MAX_UNITS: u32 = 4_096;

/// One recurrent layer. Without options it is the plain layer, whose numbers are PyTorch's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema), ts(optional_fields))]
pub struct LayerDefinition {
    /// The recurrence.
    pub cell: Cell,
    /// Hidden units: 1 to 4,096.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = MAX_UNITS)))]
    pub units: u32,
    /// Whether a second set of the same units reads each sequence backwards, from its own last step to its first. The
    /// layer gives both directions' states side by side. False unless given.
    #[serde(default)]
    #[cfg_attr(feature = "schema", ts(as = "Option<bool>", optional))]
    pub bidirectional: bool,
    /// Whether the layer has biases. True unless given.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    #[cfg_attr(feature = "schema", ts(as = "Option<bool>", optional))]
    pub bias: bool,
    /// LSTM: whether the forget gate is 1 less the input gate (Greff et al. 2017). False unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", ts(as = "Option<bool>", optional))]
    pub coupled_gates: bool,
    /// LSTM: the size, above 0, that no number of the cell state grows beyond. No limit unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("exclusiveMinimum" = 0)))]
    pub cell_clip: Option<f32>,
    /// LSTM: the function of the input, forget and output gates. `"sigmoid"` unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", ts(as = "Option<GateActivation>", optional))]
    pub gate_activation: GateActivation,
    /// Simple RNN: the function of the hidden state. `"tanh"` unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", ts(as = "Option<Activation>", optional))]
    pub activation: Activation,
}

/// The recurrence of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub enum Cell {
    /// Long short-term memory (Hochreiter and Schmidhuber 1997) with a forget gate (Gers et al. 2000).
    Lstm,
    /// Gated recurrent unit (Cho et al. 2014).
    Gru,
    /// The simple recurrent network (Elman 1990): `h = tanh(W x + b + U h)`.
    Rnn,
}

impl Cell {
    /// Its name in definitions.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lstm => "lstm",
            Self::Gru => "gru",
            Self::Rnn => "rnn",
        }
    }
}

/// The function of an LSTM's input, forget and output gates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub enum GateActivation {
    /// 1 / (1 + e⁻ˣ)
    #[default]
    Sigmoid,
    /// x / 6 + 1/2, between 0 and 1: `hard_sigmoid` in Keras 3 and in PyTorch.
    HardSigmoid,
    /// x / 5 + 1/2, between 0 and 1: `hard_sigmoid` in Keras 2, and ONNX's default.
    HardSigmoidFifth,
}

/// The function of a simple RNN's hidden state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub enum Activation {
    /// (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)
    #[default]
    Tanh,
    /// max(x, 0)
    Relu,
}

impl LayerDefinition {
    /// A plain layer: every option as if left out.
    #[must_use]
    pub fn new(cell: Cell, units: u32) -> Self {
        Self {
            cell,
            units,
            bidirectional: false,
            bias: true,
            coupled_gates: false,
            cell_clip: None,
            gate_activation: GateActivation::Sigmoid,
            activation: Activation::Tanh,
        }
    }

    /// 1, or 2 for a bidirectional layer.
    #[must_use]
    pub fn directions(&self) -> usize {
        1 + usize::from(self.bidirectional)
    }

    /// Numbers a step that the layer gives.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.directions() * self.units as usize
    }

    /// Blocks of H rows in `weight_ih`: an LSTM's i, f, g, o (i, g, o with coupled gates), a GRU's r, z, n, one of an RNN.
    #[must_use]
    pub fn gates(&self) -> usize {
        match self.cell {
            Cell::Lstm => 4 - usize::from(self.coupled_gates),
            Cell::Gru => 3,
            Cell::Rnn => 1,
        }
    }

    /// Trained numbers of the layer over `inputs` numbers a step.
    #[must_use]
    pub fn parameters(&self, inputs: usize) -> u64 {
        let numbers = |(_, shape): (_, Vec<usize>)| shape.iter().map(|&size| size as u64).product::<u64>();
        self.directions() as u64 * DirectionTensors::shapes(self, inputs).named().into_iter().map(numbers).sum::<u64>()
    }

    /// Checks what the types cannot say of the layer at `path`.
    pub(crate) fn validate(&self, path: &str) -> Result<()> {
        let at = |field: &str| format!("{path}.{field}");
        in_range(self.units, MAX_UNITS, || at("units"))?;
        self.check_cell(&at)?;
        if let Some(limit) = self.cell_clip
            && !(limit > 0.0 && limit.is_finite())
        {
            return invalid(at("cellClip"), format!("{limit} is no limit: give a number above 0"));
        }
        Ok(())
    }

    /// Whether every option that is set is one of its cell's.
    fn check_cell(&self, at: &impl Fn(&str) -> String) -> Result<()> {
        let options = [
            ("coupledGates", Cell::Lstm, self.coupled_gates),
            ("cellClip", Cell::Lstm, self.cell_clip.is_some()),
            ("gateActivation", Cell::Lstm, self.gate_activation != GateActivation::Sigmoid),
            ("activation", Cell::Rnn, self.activation != Activation::Tanh),
        ];
        match options.into_iter().find(|&(_, cell, set)| set && cell != self.cell) {
            None => Ok(()),
            Some((field, cell, _)) => {
                let message =
                    format!("this belongs to `{}` layers, and this one is `{}`", cell.name(), self.cell.name());
                invalid(at(field), message)
            }
        }
    }
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_yes(value: &bool) -> bool {
    *value
}

#[cfg(test)]
mod tests {
    use super::super::{ModelDefinition, tests::problem};
    use super::*;

    fn with(layer: &str) -> String {
        format!(r#"{{"input":{{"features":6}},"layers":[{{{layer}}}],"output":{{"classes":["a","b"]}}}}"#)
    }

    #[test]
    fn every_option_survives_its_own_json_and_defaults_are_left_out() {
        let layer = r#""cell":"lstm","units":8,"bidirectional":true,"bias":false,"coupledGates":true,"cellClip":3,
            "gateActivation":"hard_sigmoid""#;
        let definition = ModelDefinition::from_json(&with(layer)).unwrap();
        let text = serde_json::to_string(&definition).unwrap();
        assert_eq!(ModelDefinition::from_json(&text).unwrap(), definition);
        let plain = LayerDefinition::new(Cell::Gru, 3);
        assert_eq!(serde_json::to_string(&plain).unwrap(), r#"{"cell":"gru","units":3,"bidirectional":false}"#);
        assert_eq!(serde_json::from_str::<LayerDefinition>(r#"{"cell":"gru","units":3}"#).unwrap(), plain);
    }

    #[test]
    fn each_mistake_has_its_path() {
        let cases = [
            (
                r#""cell":"gru","units":4,"coupledGates":true"#,
                "coupledGates",
                "belongs to `lstm` layers, and this one is `gru`",
            ),
            (r#""cell":"rnn","units":4,"cellClip":1"#, "cellClip", "belongs to `lstm` layers"),
            (r#""cell":"gru","units":4,"gateActivation":"hard_sigmoid""#, "gateActivation", "belongs to `lstm` layers"),
            (r#""cell":"gru","units":4,"activation":"relu""#, "activation", "belongs to `rnn` layers"),
            (r#""cell":"lstm","units":4,"cellClip":0"#, "cellClip", "0 is no limit"),
            (r#""cell":"lstm","units":4,"cellClip":null"#, "cellClip", "give a number"),
            (r#""cell":"lstm","units":4,"gateActivation":"hard""#, "gateActivation", "use one of `sigmoid`"),
            (r#""cell":"lstm","units":4,"peepholes":true"#, "peepholes", "there is no field `peepholes` here"),
        ];
        for (layer, field, part) in cases {
            let (path, message) = problem(&with(layer));
            assert_eq!(path, format!("layers[0].{field}"), "{message}");
            assert!(message.contains(part), "{path}: {message}");
        }
    }

    #[test]
    fn parameters_are_counted_by_hand() {
        let count = |layer: &str| {
            let layer: LayerDefinition = serde_json::from_str(&format!("{{{layer}}}")).unwrap();
            layer.parameters(5)
        };
        assert_eq!(count(r#""cell":"gru","units":4"#), 3 * 4 * (5 + 4 + 2));
        assert_eq!(count(r#""cell":"rnn","units":4,"bias":false,"bidirectional":true"#), 2 * 4 * (5 + 4));
        // Without a forget gate there are three gates.
        assert_eq!(count(r#""cell":"lstm","units":4,"coupledGates":true"#), 12 * (5 + 4 + 2));
    }
}
