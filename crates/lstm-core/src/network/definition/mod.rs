//! What a model is, as data: the JSON that users write, that validates, and that every model file holds.
//! What depends on the machine (backend, threads) is no part of it.

mod initialisation;
mod input;
mod layer;
#[cfg(feature = "schema")]
pub mod options;
mod output;
mod tensors;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorCode, Result, json, network::parameters::Layout, training::initializers};

pub use initialisation::{
    InitialisationDefinition, InitialisationKind, InitialisationRule, InitialisationScheme, MAX_DEPENDENCY,
};
pub use input::{InputDefinition, MAX_FEATURES, MAX_TOKENS, Scaling, StaticsAs};
pub use layer::{Activation, Cell, GateActivation, LayerDefinition, MAX_UNITS, Merge, Reset, Zoneout};
pub use output::{At, MAX_CLASSES, OutputDefinition, OutputKind};
pub use tensors::DirectionTensors;

/// Most recurrent layers.
pub const MAX_LAYERS: usize = 64;
/// Most trained numbers of a model: 1 GiB of f32, so that every size in bytes fits 32-bit WebAssembly.
pub const MAX_PARAMETERS: u64 = 1 << 28;

/// A network: what goes in, the recurrent layers from the input upwards, what comes out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub struct ModelDefinition {
    /// What a step of a sequence looks like.
    pub input: InputDefinition,
    /// The recurrent layers, the one nearest to the input first: 1 to 64.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = MAX_LAYERS)))]
    pub layers: Vec<LayerDefinition>,
    /// What the model predicts.
    pub output: OutputDefinition,
    /// Every random number of this model comes from this seed. 0 unless given.
    #[serde(default)]
    #[cfg_attr(feature = "schema", ts(as = "Option<u32>", optional), schemars(range(max = u32::MAX)))]
    pub seed: u32,
    /// The weights that the model starts with. Those of the scheme `"gatewise"` unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional), schemars(with = "InitialisationDefinition"))]
    pub initialisation: Option<InitialisationDefinition>,
}

impl ModelDefinition {
    /// Reads and validates a definition.
    ///
    /// ```
    /// use lstm_core::network::definition::ModelDefinition;
    /// let error = ModelDefinition::from_json(
    ///     r#"{"input": {"features": 5}, "layers": [{"cell": "lstm", "units": 0}], "output": {"classes": ["a", "b"]}}"#,
    /// ).unwrap_err();
    /// assert_eq!(error.path, "layers[0].units");
    /// assert_eq!(error.message, "0 is out of range: give a whole number from 1 to 4096");
    /// ```
    pub fn from_json(text: &str) -> Result<Self> {
        let definition: Self = json::parse(text, ErrorCode::InvalidDefinition)?;
        definition.validate()?;
        Ok(definition)
    }

    /// Checks what the types cannot say. The bounds are this module's constants.
    pub fn validate(&self) -> Result<()> {
        self.input.validate()?;
        if !(1..=MAX_LAYERS).contains(&self.layers.len()) {
            let message = format!("{} layers are out of range: give from 1 to {MAX_LAYERS}", self.layers.len());
            return invalid("layers".to_owned(), message);
        }
        let mut inputs = self.input.size();
        for (index, layer) in self.layers.iter().enumerate() {
            layer.validate(&format!("layers[{index}]"))?;
            self.check_residual(index, inputs)?;
            inputs = layer.outputs();
        }
        self.output.validate()?;
        self.check_tied(inputs)?;
        check_parameters(self.parameters(), "layers")?;
        match &self.initialisation {
            Some(initialisation) => {
                initialisation.validate()?;
                initializers::check(initialisation, &Layout::of(self))
            }
            None => Ok(()),
        }
    }

    /// Whether a residual layer can add what it reads to what it gives.
    fn check_residual(&self, index: usize, inputs: usize) -> Result<()> {
        let layer = &self.layers[index];
        let path = || format!("layers[{index}].residual");
        if layer.residual && layer.outputs() != inputs {
            let message =
                format!("the layer reads {inputs} numbers a step and gives {}: make them as many", layer.outputs());
            return invalid(path(), message);
        }
        if layer.residual && layer.bidirectional && index + 1 == self.layers.len() && self.output.at == At::Last {
            let message = "the two directions end at different steps: there is no one input to add to their final states. \
                           Read every step with `at`, or pool them";
            return invalid(path(), message);
        }
        Ok(())
    }

    /// Whether the embeddings can serve as the weights of an output over `outputs` numbers.
    fn check_tied(&self, outputs: usize) -> Result<()> {
        if !self.output.tied {
            return Ok(());
        }
        let refuse = |message: String| invalid("output.tied".to_owned(), message);
        let (Some(tokens), embedding) = (self.input.tokens, self.input.embedding()) else {
            return refuse("there are no embeddings to share: give the input `tokens`".to_owned());
        };
        if self.output.size() != tokens as usize {
            return refuse(format!("there are {tokens} tokens and {} outputs: make them as many", self.output.size()));
        }
        if outputs != embedding {
            let message =
                format!("the last layer gives {outputs} numbers and embeddings have {embedding}: make them as many");
            return refuse(message);
        }
        if self.input.sparse {
            let message = "an output that shares the embeddings has a gradient for all of them: leave this out";
            return invalid("input.sparse".to_owned(), message);
        }
        Ok(())
    }

    /// Numbers of the hidden and cell states of one sequence: those of each direction of each layer.
    #[must_use]
    pub fn state_size(&self) -> usize {
        self.layers.iter().map(LayerDefinition::state_size).sum()
    }

    /// How many numbers are trained: those of the embedding, of the initial states' map, of each layer, and of the output over
    /// the last layer's outputs.
    #[must_use]
    pub fn parameters(&self) -> u64 {
        let mut inputs = self.input.size();
        let mut total = u64::from(self.input.tokens.unwrap_or(0)) * self.input.embedding() as u64;
        if self.input.statics_as_states() > 0 {
            total += self.state_size() as u64 * (self.input.statics_as_states() as u64 + 1);
        }
        for layer in &self.layers {
            total += layer.parameters(inputs);
            inputs = layer.outputs();
        }
        total + self.output.parameters(inputs)
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn invalid<T>(path: String, message: impl Into<String>) -> Result<T> {
    Err(Error::new(ErrorCode::InvalidDefinition, path, message))
}

/// Whether so many trained numbers are few enough.
pub(crate) fn check_parameters(parameters: u64, path: &str) -> Result<()> {
    if parameters <= MAX_PARAMETERS {
        return Ok(());
    }
    let message =
        format!("these layers have {parameters} parameters, the most is {MAX_PARAMETERS}: use fewer units or layers");
    invalid(path.to_owned(), message)
}

/// Whether a part of numbers may be dropped or kept.
fn check_rate(part: f32, path: impl FnOnce() -> String) -> Result<()> {
    if (0.0..1.0).contains(&part) {
        return Ok(());
    }
    invalid(path(), format!("{part} is out of range: give a part from 0 to below 1"))
}

fn in_range(value: u32, most: u32, path: impl FnOnce() -> String) -> Result<()> {
    if (1..=most).contains(&value) {
        return Ok(());
    }
    let message = format!("{value} is out of range: give a whole number from 1 to {most}");
    invalid(path(), message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{
        "input": {"features": 5, "scaling": "standard"},
        "layers": [{"cell": "lstm", "units": 8}, {"cell": "lstm", "units": 3}],
        "output": {"classes": ["lapsed", "returning"]},
        "seed": 7
    }"#;

    pub(super) fn problem(text: &str) -> (String, String) {
        let error = ModelDefinition::from_json(text).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidDefinition);
        (error.path, error.message)
    }

    /// Fails unless a definition is refused at this path, with these words.
    #[track_caller]
    pub(super) fn assert_problem(text: &str, path: &str, part: &str) {
        let (found, message) = problem(text);
        assert_eq!(found, path, "{message}");
        assert!(message.contains(part), "{path}: {message}");
    }

    #[test]
    fn a_definition_survives_its_own_json() {
        let definition = ModelDefinition::from_json(GOOD).unwrap();
        assert_eq!(definition.layers[1], LayerDefinition::new(Cell::Lstm, 3));
        assert_eq!((definition.input.scaling, definition.seed), (Scaling::Standard, 7));
        let text = serde_json::to_string(&definition).unwrap();
        assert_eq!(ModelDefinition::from_json(&text).unwrap(), definition);
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let text = GOOD.replace(r#", "scaling": "standard""#, "").replace(",\n        \"seed\": 7", "");
        let definition = ModelDefinition::from_json(&text).unwrap();
        assert_eq!((definition.input.scaling, definition.seed), (Scaling::None, 0));
    }

    #[test]
    fn parameters_are_counted_by_hand() {
        let layers = (4 * 8 * 5 + 4 * 8 * 8 + 2 * 4 * 8) + (4 * 3 * 8 + 4 * 3 * 3 + 2 * 4 * 3);
        assert_eq!(ModelDefinition::from_json(GOOD).unwrap().parameters(), layers + 2 * 3 + 2);
        let both = GOOD.replace(r#""units": 8"#, r#""units": 8, "bidirectional": true"#);
        let layers = 2 * (4 * 8 * 5 + 4 * 8 * 8 + 2 * 4 * 8) + (4 * 3 * 16 + 4 * 3 * 3 + 2 * 4 * 3);
        assert_eq!(ModelDefinition::from_json(&both).unwrap().parameters(), layers + 2 * 3 + 2);
    }

    #[test]
    fn each_mistake_has_its_path() {
        let cases = [
            (r#""features": 5"#, r#""features": 0"#, "input.features", "from 1 to 65536"),
            (r#""features": 5"#, r#""features": 65537"#, "input.features", "from 1 to 65536"),
            (r#""features": 5, "#, "", "input", "give `features`, `tokens`, or both"),
            ("standard", "minmax", "input.scaling", "`minmax` is not known: use `none` or `standard`"),
            (r#""units": 3"#, r#""units": 4097"#, "layers[1].units", "from 1 to 4096"),
            (r#""units": 3"#, r#""units": "3""#, "layers[1].units", "string \"3\" cannot stand here"),
            (r#""units": 3"#, r#""unitz": 3"#, "layers[1].unitz", "use one of `cell`, `units`, `bidirectional`"),
            (
                r#"lstm", "units": 3"#,
                r#"elman", "units": 3"#,
                "layers[1].cell",
                "`elman` is not known: use one of `lstm`, `gru`, `rnn`",
            ),
            (r#", "returning""#, "", "output.classes", "1 classes are out of range: name from 2 to 4096"),
            ("returning", "", "output.classes[1]", "the class has no name"),
            ("returning", "lapsed", "output.classes[1]", "`lapsed` names two classes"),
            (r#""seed": 7"#, r#""seed": -1"#, "seed", "from 0 to 4294967295"),
        ];
        for (good, bad, path, part) in cases {
            assert!(GOOD.contains(good), "{good}");
            assert_problem(&GOOD.replace(good, bad), path, part);
        }
    }

    #[test]
    fn layers_are_bounded_in_number_and_in_sum() {
        let mut definition = ModelDefinition::from_json(GOOD).unwrap();
        let layer = definition.layers[0].clone();
        for count in [0, MAX_LAYERS + 1] {
            definition.layers = vec![layer.clone(); count];
            let error = definition.validate().unwrap_err();
            assert_eq!((error.path.as_str(), error.code), ("layers", ErrorCode::InvalidDefinition));
            assert!(error.message.contains(&format!("{count} layers")));
        }
        definition.layers = vec![layer; MAX_LAYERS];
        definition.validate().unwrap();
        // Each size is allowed; 4·4,096·(65,536 + 4,096 + 2) parameters are not.
        definition.input.features = Some(MAX_FEATURES);
        definition.layers = vec![LayerDefinition::new(Cell::Lstm, MAX_UNITS)];
        assert!(definition.validate().unwrap_err().message.contains("parameters, the most is 268435456"));
    }
}
