//! One recurrent layer as data: its recurrence, and the options of it.

use serde::{Deserialize, Serialize};

use super::{DirectionTensors, check_rate, in_range, invalid, is_default};
use crate::{ErrorCode, Result, json};

/// Most hidden units a layer.
pub const MAX_UNITS: u32 = 4_096;

/// One recurrent layer. Without options it is the plain layer, whose numbers are PyTorch's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema), ts(optional_fields))]
#[expect(clippy::struct_excessive_bools, reason = "each is an option that users set by itself")]
pub struct LayerDefinition {
    /// The recurrence.
    pub cell: Cell,
    /// Hidden units: 1 to 4,096.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = MAX_UNITS)))]
    pub units: u32,
    /// Whether a second set of the same units reads each sequence backwards, from its own last step to its first. The
    /// layer gives both directions' states, as `merge` says. False unless given.
    #[serde(default)]
    #[cfg_attr(feature = "schema", ts(as = "Option<bool>", optional))]
    pub bidirectional: bool,
    /// Of both directions: what becomes of their states. `"concat"` unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", ts(as = "Option<Merge>", optional))]
    pub merge: Merge,
    /// Whether the layer adds what it reads to what it gives, which is then as wide (He et al. 2016; Wu et al. 2016). False unless
    /// given.
    #[serde(default, skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", ts(as = "Option<bool>", optional))]
    pub residual: bool,
    /// Whether what the layer reads is normalised over its numbers at each step, before any of it is dropped (Ba et al. 2016;
    /// `nn.LayerNorm` before the layer in `PyTorch`). A residual layer adds what was there before. False unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", ts(as = "Option<bool>", optional))]
    pub input_norm: bool,
    /// The part of what the layer reads that training drops, drawn anew for each step (Zaremba et al. 2014; between layers,
    /// `dropout` in `PyTorch`). From 0 to below 1; 0 unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", ts(as = "Option<f32>", optional), schemars(range(min = 0), extend("exclusiveMaximum" = 1)))]
    pub dropout: f32,
    /// The part of what the layer reads that training drops, the same at every step of a sequence (Gal and Ghahramani 2016;
    /// `dropout` in Keras). From 0 to below 1; 0 unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", ts(as = "Option<f32>", optional), schemars(range(min = 0), extend("exclusiveMaximum" = 1)))]
    pub input_dropout: f32,
    /// Whether the layer has biases. True unless given.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    #[cfg_attr(feature = "schema", ts(as = "Option<bool>", optional))]
    pub bias: bool,
    /// LSTM: numbers that the hidden state is projected to, fewer than the units (Sak et al. 2014; `proj_size` in
    /// PyTorch). No projection unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = MAX_UNITS)))]
    pub projection: Option<u32>,
    /// LSTM: whether the gates see the cell state, each unit its own (Gers and Schmidhuber 2000). False unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", ts(as = "Option<bool>", optional))]
    pub peepholes: bool,
    /// LSTM: whether each gate's pre-activations, and the cell state on its way out, are normalised over the units (Ba et
    /// al. 2016). False unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", ts(as = "Option<bool>", optional))]
    pub layer_norm: bool,
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
    /// GRU: where the reset gate stands. `"after"` unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", ts(as = "Option<Reset>", optional))]
    pub reset: Reset,
    /// Simple RNN: the function of the hidden state. `"tanh"` unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", ts(as = "Option<Activation>", optional))]
    pub activation: Activation,
    /// The part of the hidden state that training drops on its way into the gates, the same at every step of a sequence
    /// (Gal and Ghahramani 2016; `recurrent_dropout` in Keras). From 0 to below 1; 0 unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", ts(as = "Option<f32>", optional), schemars(range(min = 0), extend("exclusiveMaximum" = 1)))]
    pub recurrent_dropout: f32,
    /// The part of the recurrent weights that training drops, the same for a whole batch (`DropConnect`: Wan et al. 2013,
    /// Merity et al. 2018). From 0 to below 1; 0 unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", ts(as = "Option<f32>", optional), schemars(range(min = 0), extend("exclusiveMaximum" = 1)))]
    pub weight_dropout: f32,
    /// The parts of the states that keep their value of the step before (Krueger et al. 2017). None unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", ts(as = "Option<Zoneout>", optional))]
    pub zoneout: Zoneout,
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

/// What a bidirectional layer makes of the states of its two directions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub enum Merge {
    /// Both side by side, the forward direction's first.
    #[default]
    Concat,
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
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

/// Where a GRU's reset gate stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub enum Reset {
    /// After the product: `n = tanh(W x + b + r ∘ (U h + b))`, as in PyTorch and cuDNN.
    #[default]
    After,
    /// Before the product: `n = tanh(W x + b + U (r ∘ h) + b)`, as in the paper.
    Before,
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

/// The parts of the states that keep their value of the step before: drawn anew for each number and step in training, and
/// as an expectation in prediction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Zoneout {
    /// Of the hidden state. From 0 to below 1; 0 unless given.
    #[serde(default)]
    #[cfg_attr(feature = "schema", ts(as = "Option<f32>", optional), schemars(range(min = 0), extend("exclusiveMaximum" = 1)))]
    pub hidden: f32,
    /// LSTM: of the cell state. From 0 to below 1; 0 unless given.
    #[serde(default)]
    #[cfg_attr(feature = "schema", ts(as = "Option<f32>", optional), schemars(range(min = 0), extend("exclusiveMaximum" = 1)))]
    pub cell: f32,
}

impl LayerDefinition {
    /// A plain layer: every option as if left out.
    #[must_use]
    pub fn new(cell: Cell, units: u32) -> Self {
        Self {
            cell,
            units,
            bidirectional: false,
            merge: Merge::Concat,
            residual: false,
            input_norm: false,
            dropout: 0.0,
            input_dropout: 0.0,
            bias: true,
            projection: None,
            peepholes: false,
            layer_norm: false,
            coupled_gates: false,
            cell_clip: None,
            gate_activation: GateActivation::Sigmoid,
            reset: Reset::After,
            activation: Activation::Tanh,
            recurrent_dropout: 0.0,
            weight_dropout: 0.0,
            zoneout: Zoneout::default(),
        }
    }

    /// Reads and validates the definition of a layer by itself.
    pub fn from_json(text: &str) -> Result<Self> {
        let definition: Self = json::parse(text, ErrorCode::InvalidDefinition)?;
        definition.validate_alone()?;
        Ok(definition)
    }

    /// Checks the definition of a layer by itself, which has no neighbours.
    pub(crate) fn validate_alone(&self) -> Result<()> {
        self.validate("")?;
        let in_models = [
            ("merge", self.merge != Merge::Concat),
            ("residual", self.residual),
            ("inputNorm", self.input_norm),
            ("dropout", self.dropout != 0.0),
            ("inputDropout", self.input_dropout != 0.0),
        ];
        match in_models.into_iter().find(|&(_, set)| set) {
            None => Ok(()),
            Some((field, _)) => {
                let message = "this belongs to the layers of a model; around a layer by itself it is yours to do";
                invalid(field.to_owned(), message)
            }
        }
    }

    /// 1, or 2 for a bidirectional layer.
    #[must_use]
    pub fn directions(&self) -> usize {
        1 + usize::from(self.bidirectional)
    }

    /// Numbers of one direction's hidden state: the units, or what they are projected to.
    #[must_use]
    pub fn hidden_size(&self) -> usize {
        self.projection.unwrap_or(self.units) as usize
    }

    /// Numbers of one direction's cell state: the units of an LSTM, else 0.
    #[must_use]
    pub fn cell_size(&self) -> usize {
        if self.cell == Cell::Lstm { self.units as usize } else { 0 }
    }

    /// Numbers of the hidden and cell states of all directions.
    #[must_use]
    pub fn state_size(&self) -> usize {
        self.directions() * (self.hidden_size() + self.cell_size())
    }

    /// Numbers a step that the layer gives.
    #[must_use]
    pub fn outputs(&self) -> usize {
        if self.merge == Merge::Concat { self.directions() * self.hidden_size() } else { self.hidden_size() }
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
        let direction: u64 = DirectionTensors::shapes(self, inputs).named().into_iter().map(numbers).sum();
        let norm = if self.input_norm { 2 * inputs as u64 } else { 0 };
        norm + self.directions() as u64 * direction
    }

    /// Checks what the types cannot say of the layer at `path`.
    pub(crate) fn validate(&self, path: &str) -> Result<()> {
        let at = |field: &str| json::join(path, field);
        in_range(self.units, MAX_UNITS, || at("units"))?;
        self.check_cell(&at)?;
        if let Some(projection) = self.projection {
            in_range(projection, MAX_UNITS, || at("projection"))?;
            if projection >= self.units {
                let message = format!("a projection to {projection} of {} units saves nothing: give fewer", self.units);
                return invalid(at("projection"), message);
            }
        }
        if self.merge != Merge::Concat && !self.bidirectional {
            let message = "there is one direction and nothing to merge: say `bidirectional: true`, or leave this out";
            return invalid(at("merge"), message);
        }
        for (field, part) in [
            ("dropout", self.dropout),
            ("inputDropout", self.input_dropout),
            ("recurrentDropout", self.recurrent_dropout),
            ("weightDropout", self.weight_dropout),
            ("zoneout.hidden", self.zoneout.hidden),
            ("zoneout.cell", self.zoneout.cell),
        ] {
            check_rate(part, || at(field))?;
        }
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
            ("projection", Cell::Lstm, self.projection.is_some()),
            ("peepholes", Cell::Lstm, self.peepholes),
            ("layerNorm", Cell::Lstm, self.layer_norm),
            ("coupledGates", Cell::Lstm, self.coupled_gates),
            ("cellClip", Cell::Lstm, self.cell_clip.is_some()),
            ("gateActivation", Cell::Lstm, self.gate_activation != GateActivation::Sigmoid),
            ("zoneout.cell", Cell::Lstm, self.zoneout.cell != 0.0),
            ("reset", Cell::Gru, self.reset != Reset::After),
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
    use super::super::{ModelDefinition, tests::assert_problem};
    use super::*;

    fn with(layer: &str) -> String {
        format!(r#"{{"input":{{"features":6}},"layers":[{{{layer}}}],"output":{{"classes":["a","b"]}}}}"#)
    }

    #[test]
    fn a_layer_by_itself_has_no_neighbours() {
        let fields = [
            r#""merge":"mean""#,
            r#""residual":true"#,
            r#""inputNorm":true"#,
            r#""dropout":0.5"#,
            r#""inputDropout":0.5"#,
        ];
        for field in fields {
            let text = format!(r#"{{"cell":"gru","units":3,"bidirectional":true,{field}}}"#);
            let error = LayerDefinition::from_json(&text).unwrap_err();
            assert!(field.contains(&error.path) && error.message.contains("yours to do"), "{error}");
        }
    }

    #[test]
    fn every_option_survives_its_own_json_and_defaults_are_left_out() {
        let layer = r#""cell":"lstm","units":8,"bidirectional":true,"bias":false,"projection":6,"peepholes":true,
            "layerNorm":true,"coupledGates":true,"cellClip":3,"gateActivation":"hard_sigmoid","recurrentDropout":0.125,"weightDropout":0.5,
            "zoneout":{"hidden":0.25,"cell":0.5},"merge":"sum","residual":true,"inputNorm":true,"dropout":0.25,"inputDropout":0.5"#;
        let definition =
            ModelDefinition::from_json(&with(layer).replace("[\"a\",\"b\"]", "[\"a\",\"b\"],\"at\":\"each\"")).unwrap();
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
            (r#""cell":"gru","units":4,"peepholes":true"#, "peepholes", "belongs to `lstm` layers"),
            (r#""cell":"rnn","units":4,"zoneout":{"cell":0.5}"#, "zoneout.cell", "belongs to `lstm` layers"),
            (r#""cell":"lstm","units":4,"reset":"before""#, "reset", "belongs to `gru` layers"),
            (r#""cell":"lstm","units":4,"projection":4"#, "projection", "saves nothing: give fewer"),
            (r#""cell":"lstm","units":4,"projection":0"#, "projection", "from 1 to 4096"),
            (r#""cell":"lstm","units":4,"recurrentDropout":1"#, "recurrentDropout", "1 is out of range"),
            (r#""cell":"lstm","units":4,"zoneout":{"hidden":-0.1}"#, "zoneout.hidden", "-0.1 is out of range"),
            (r#""cell":"lstm","units":4,"dropout":1"#, "dropout", "1 is out of range"),
            (r#""cell":"lstm","units":4,"inputDropout":-1"#, "inputDropout", "-1 is out of range"),
            (r#""cell":"lstm","units":4,"merge":"sum""#, "merge", "nothing to merge"),
            (r#""cell":"lstm","units":4,"bidirectional":true,"merge":"add""#, "merge", "use one of `concat`"),
            (r#""cell":"lstm","units":4,"residual":true"#, "residual", "reads 6 numbers a step and gives 4"),
            (r#""cell":"lstm","units":3,"bidirectional":true,"residual":true"#, "residual", "end at different steps"),
            (r#""cell":"lstm","units":4,"zoneout":{"out":1}"#, "zoneout.out", "use `hidden` or `cell`"),
            (r#""cell":"lstm","units":4,"dropconnect":1"#, "dropconnect", "there is no field `dropconnect` here"),
        ];
        for (layer, field, part) in cases {
            assert_problem(&with(layer), &format!("layers[0].{field}"), part);
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
        // Gates over 5 inputs and 3 projected states, the projection, three peepholes, four gains, the cell's gain and bias.
        let all = r#""cell":"lstm","units":4,"projection":3,"peepholes":true,"layerNorm":true"#;
        assert_eq!(count(all), 16 * (5 + 3 + 2) + 3 * 4 + 3 * 4 + 4 * 4 + 2 * 4);
        assert_eq!(count(r#""cell":"lstm","units":4,"coupledGates":true,"peepholes":true"#), 12 * (5 + 4 + 2) + 2 * 4);
        // A gain and a bias for each of the 5 inputs, whatever the directions.
        assert_eq!(
            count(r#""cell":"rnn","units":4,"inputNorm":true,"bidirectional":true"#),
            2 * 5 + 2 * 4 * (5 + 4 + 2)
        );
        // Without a forget gate there are three gates.
        assert_eq!(count(r#""cell":"lstm","units":4,"coupledGates":true"#), 12 * (5 + 4 + 2));
    }
}
