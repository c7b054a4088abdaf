//! What a model is, as data: the JSON that users write, that validates, and that every model file holds.
//! What depends on the machine (backend, threads) is no part of it.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorCode, Result, json};

/// Most numbers a step.
pub const MAX_FEATURES: u32 = 65_536;
/// Most recurrent layers.
pub const MAX_LAYERS: usize = 64;
/// Most hidden units a layer.
pub const MAX_UNITS: u32 = 4_096;
/// Most classes: a report's confusion matrix holds their square.
pub const MAX_CLASSES: usize = 4_096;
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
        in_range(self.input.features, MAX_FEATURES, || "input.features".to_owned())?;
        if !(1..=MAX_LAYERS).contains(&self.layers.len()) {
            let message = format!("{} layers are out of range: give from 1 to {MAX_LAYERS}", self.layers.len());
            return Err(Error::new(ErrorCode::InvalidDefinition, "layers", message));
        }
        for (index, layer) in self.layers.iter().enumerate() {
            in_range(layer.units, MAX_UNITS, || format!("layers[{index}].units"))?;
        }
        self.output.validate()?;
        if self.parameters() > MAX_PARAMETERS {
            let message = format!(
                "these layers have {} parameters, the most is {MAX_PARAMETERS}: use fewer units or layers",
                self.parameters()
            );
            return Err(Error::new(ErrorCode::InvalidDefinition, "layers", message));
        }
        Ok(())
    }

    /// How many numbers are trained: for each direction of a layer `4H·I + 4H·H + 4H + 4H`, and `C·H + C` for the head,
    /// I and H being twice the units where the layer below is bidirectional.
    #[must_use]
    pub fn parameters(&self) -> u64 {
        let mut inputs = u64::from(self.input.features);
        let mut total = 0;
        for layer in &self.layers {
            let (units, directions) = (u64::from(layer.units), layer.directions() as u64);
            total += directions * 4 * units * (inputs + units + 2);
            inputs = directions * units;
        }
        total + self.output.classes.len() as u64 * (inputs + 1)
    }
}

fn in_range(value: u32, most: u32, path: impl FnOnce() -> String) -> Result<()> {
    if (1..=most).contains(&value) {
        return Ok(());
    }
    let message = format!("{value} is out of range: give a whole number from 1 to {most}");
    Err(Error::new(ErrorCode::InvalidDefinition, path(), message))
}

/// What a step of a sequence looks like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub struct InputDefinition {
    /// Numbers a step: 1 to 65,536.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = MAX_FEATURES)))]
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
    /// Hidden units: 1 to 4,096.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = MAX_UNITS)))]
    pub units: u32,
    /// Whether a second set of the same units reads each sequence backwards, from its own last step to its first. The
    /// layer gives both directions' states side by side. False unless given.
    #[serde(default)]
    #[cfg_attr(feature = "schema", ts(as = "Option<bool>", optional))]
    pub bidirectional: bool,
}

impl LayerDefinition {
    /// 1, or 2 for a bidirectional layer.
    #[must_use]
    pub fn directions(&self) -> usize {
        1 + usize::from(self.bidirectional)
    }
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
    /// The classes' names: 2 to 4,096, none empty, no two alike. With two classes, the second is the positive one in
    /// reports.
    #[cfg_attr(feature = "schema", schemars(length(min = 2, max = MAX_CLASSES), inner(length(min = 1)), extend("uniqueItems" = true)))]
    pub classes: Vec<String>,
}

impl OutputDefinition {
    fn validate(&self) -> Result<()> {
        let invalid = |path: String, message: String| Err(Error::new(ErrorCode::InvalidDefinition, path, message));
        if !(2..=MAX_CLASSES).contains(&self.classes.len()) {
            let count = self.classes.len();
            let message = format!("{count} classes are out of range: name from 2 to {MAX_CLASSES}");
            return invalid("output.classes".to_owned(), message);
        }
        let mut names = HashSet::with_capacity(self.classes.len());
        for (index, name) in self.classes.iter().enumerate() {
            if name.is_empty() {
                return invalid(format!("output.classes[{index}]"), "the class has no name: give it one".to_owned());
            }
            if !names.insert(name) {
                let message = format!("`{name}` names two classes: no two may be alike");
                return invalid(format!("output.classes[{index}]"), message);
            }
        }
        Ok(())
    }
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

    fn problem(text: &str) -> (String, String) {
        let error = ModelDefinition::from_json(text).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidDefinition);
        (error.path, error.message)
    }

    #[test]
    fn a_definition_survives_its_own_json() {
        let definition = ModelDefinition::from_json(GOOD).unwrap();
        assert_eq!(definition.layers[1], LayerDefinition { cell: Cell::Lstm, units: 3, bidirectional: false });
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
            (r#""features": 5, "#, "", "input.features", "`features` is missing"),
            ("standard", "minmax", "input.scaling", "`minmax` is not known: use `none` or `standard`"),
            (r#""units": 3"#, r#""units": 4097"#, "layers[1].units", "from 1 to 4096"),
            (r#""units": 3"#, r#""units": "3""#, "layers[1].units", "string \"3\" cannot stand here"),
            (r#""units": 3"#, r#""unitz": 3"#, "layers[1].unitz", "use one of `cell`, `units`, `bidirectional`"),
            (r#"lstm", "units": 3"#, r#"elman", "units": 3"#, "layers[1].cell", "`elman` is not known: use `lstm`"),
            (r#", "returning""#, "", "output.classes", "1 classes are out of range: name from 2 to 4096"),
            ("returning", "", "output.classes[1]", "the class has no name"),
            ("returning", "lapsed", "output.classes[1]", "`lapsed` names two classes"),
            (r#""seed": 7"#, r#""seed": -1"#, "seed", "from 0 to 4294967295"),
        ];
        for (good, bad, path, part) in cases {
            assert!(GOOD.contains(good), "{good}");
            let (found, message) = problem(&GOOD.replace(good, bad));
            assert_eq!(found, path, "{message}");
            assert!(message.contains(part), "{path}: {message}");
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
        definition.input.features = MAX_FEATURES;
        definition.layers = vec![LayerDefinition { cell: Cell::Lstm, units: MAX_UNITS, bidirectional: false }];
        assert!(definition.validate().unwrap_err().message.contains("parameters, the most is 268435456"));
    }
}
