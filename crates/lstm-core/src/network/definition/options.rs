//! The options of definitions, for `docs/options.md`: who has them, what proves them, and an example of each. What they mean is
//! said by the structs themselves. `tests/options.rs` wants every field here, and tries the examples.

/// One field of a definition.
#[derive(Debug, Clone, Copy)]
pub struct DefinitionOption {
    /// Its part of the definition.
    pub part: Part,
    /// Its name there: `peepholes`, `zoneout.hidden`.
    pub name: &'static str,
    /// Of layers: the cells that have it.
    pub cells: &'static str,
    /// Of layers: where it is computed.
    pub runs: Runs,
    /// The file of its own tests, from the repository's root.
    pub test: &'static str,
    /// Input, layers and output of a definition that has it.
    pub example: [&'static str; 3],
    /// Its `initialisation`, where it has one.
    pub initialisation: Option<&'static str>,
}

/// The parts of a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What goes in.
    Input,
    /// A recurrent layer.
    Layer,
    /// What comes out.
    Output,
    /// What the weights start as.
    Initialisation,
    /// What single tensors start as.
    Rule,
}

/// Where an option of a layer is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runs {
    /// In the fused loop over the steps.
    Fused,
    /// Before it, once for all steps.
    Before,
    /// After it, once for all steps.
    After,
}

impl DefinitionOption {
    /// The whole definition of the example.
    #[must_use]
    pub fn definition(&self) -> String {
        let [input, layers, output] = self.example;
        let initialisation = self.initialisation.map(|text| format!(r#","initialisation":{text}"#)).unwrap_or_default();
        format!(r#"{{"input":{input},"layers":[{layers}],"output":{output}{initialisation}}}"#)
    }

    /// The part of the example that has it.
    #[must_use]
    pub fn example(&self) -> &'static str {
        self.initialisation.unwrap_or(self.example[self.part as usize % 3])
    }
}

const NUMBERS: &str = r#"{"features":8}"#;
const LAYER: &str = r#"{"cell":"lstm","units":8}"#;
const VALUE: &str = r#"{"values":1}"#;

const fn of_input(name: &'static str, test: &'static str, input: &'static str) -> DefinitionOption {
    let example = [input, LAYER, VALUE];
    DefinitionOption { part: Part::Input, name, cells: "", runs: Runs::Before, test, example, initialisation: None }
}

const fn of_layer(
    name: &'static str,
    cells: &'static str,
    test: &'static str,
    layer: &'static str,
) -> DefinitionOption {
    DefinitionOption {
        part: Part::Layer,
        name,
        cells,
        runs: Runs::Fused,
        test,
        example: [NUMBERS, layer, VALUE],
        initialisation: None,
    }
}

const fn of_output(name: &'static str, test: &'static str, output: &'static str) -> DefinitionOption {
    let example = [NUMBERS, LAYER, output];
    DefinitionOption { part: Part::Output, name, cells: "", runs: Runs::After, test, example, initialisation: None }
}

const fn of_weights(part: Part, name: &'static str, initialisation: &'static str) -> DefinitionOption {
    let (test, example) = (OF_WEIGHTS, [NUMBERS, LAYER, VALUE]);
    let initialisation = Some(initialisation);
    DefinitionOption { part, name, cells: "", runs: Runs::Before, test, example, initialisation }
}

impl DefinitionOption {
    const fn before(self) -> Self {
        Self { runs: Runs::Before, ..self }
    }

    const fn after(self) -> Self {
        Self { runs: Runs::After, ..self }
    }
}

const OF_DROPOUT: &str = "crates/lstm-core/tests/dropout.rs";
const OF_INPUTS: &str = "crates/lstm-core/tests/inputs.rs";
const OF_LAYERS: &str = "crates/lstm-core/tests/layer.rs";
const OF_NETWORKS: &str = "crates/lstm-core/tests/networks.rs";
const OF_OUTPUTS: &str = "crates/lstm-core/tests/outputs.rs";
const OF_STRUCTURE: &str = "crates/lstm-core/tests/common/outputs.rs";
const OF_WEIGHTS: &str = "crates/lstm-core/src/training/initializers/tests.rs";
const OF_TRAINING: &str = "crates/lstm-core/tests/training.rs";

/// Every option, in the order of the structs.
pub const OPTIONS: &[DefinitionOption] = &[
    of_input("features", OF_TRAINING, r#"{"features":8}"#),
    of_input("tokens", OF_INPUTS, r#"{"tokens":65,"embedding":16}"#),
    of_input("embedding", OF_INPUTS, r#"{"tokens":65,"embedding":16}"#),
    of_input("padding", OF_INPUTS, r#"{"tokens":65,"embedding":16,"padding":0}"#),
    of_input("sparse", OF_INPUTS, r#"{"tokens":65,"embedding":16,"sparse":true}"#),
    of_input("statics", OF_INPUTS, r#"{"features":8,"statics":3}"#),
    of_input("staticsAs", OF_INPUTS, r#"{"features":8,"statics":3,"staticsAs":"states"}"#),
    of_input("scaling", OF_TRAINING, r#"{"features":8,"scaling":"standard"}"#),
    of_layer("cell", "all", OF_LAYERS, r#"{"cell":"gru","units":8}"#),
    of_layer("units", "all", OF_LAYERS, r#"{"cell":"lstm","units":128}"#),
    of_layer(
        "bidirectional",
        "all",
        "crates/lstm-core/tests/whole_layer.rs",
        r#"{"cell":"lstm","units":8,"bidirectional":true}"#,
    ),
    of_layer("merge", "all", OF_STRUCTURE, r#"{"cell":"gru","units":8,"bidirectional":true,"merge":"sum"}"#).after(),
    of_layer("residual", "all", OF_STRUCTURE, r#"{"cell":"lstm","units":8,"residual":true}"#).after(),
    of_layer("inputNorm", "all", OF_STRUCTURE, r#"{"cell":"lstm","units":8,"inputNorm":true}"#).before(),
    of_layer("dropout", "all", OF_DROPOUT, r#"{"cell":"lstm","units":8},{"cell":"lstm","units":8,"dropout":0.2}"#)
        .before(),
    of_layer("inputDropout", "all", OF_DROPOUT, r#"{"cell":"lstm","units":8,"inputDropout":0.2}"#).before(),
    of_layer("bias", "all", OF_LAYERS, r#"{"cell":"rnn","units":8,"bias":false}"#),
    of_layer("projection", "LSTM", OF_LAYERS, r#"{"cell":"lstm","units":8,"projection":4}"#),
    of_layer("peepholes", "LSTM", OF_LAYERS, r#"{"cell":"lstm","units":8,"peepholes":true}"#),
    of_layer("layerNorm", "LSTM", OF_LAYERS, r#"{"cell":"lstm","units":8,"layerNorm":true}"#),
    of_layer("coupledGates", "LSTM", OF_LAYERS, r#"{"cell":"lstm","units":8,"coupledGates":true}"#),
    of_layer("cellClip", "LSTM", OF_LAYERS, r#"{"cell":"lstm","units":8,"cellClip":3}"#),
    of_layer("gateActivation", "LSTM", OF_LAYERS, r#"{"cell":"lstm","units":8,"gateActivation":"hard_sigmoid"}"#),
    of_layer("reset", "GRU", OF_LAYERS, r#"{"cell":"gru","units":8,"reset":"before"}"#),
    of_layer("activation", "RNN", OF_LAYERS, r#"{"cell":"rnn","units":8,"activation":"relu"}"#),
    of_layer("recurrentDropout", "all", OF_LAYERS, r#"{"cell":"lstm","units":8,"recurrentDropout":0.2}"#),
    of_layer("weightDropout", "all", OF_DROPOUT, r#"{"cell":"lstm","units":8,"weightDropout":0.5}"#).before(),
    of_layer("zoneout.hidden", "all", OF_LAYERS, r#"{"cell":"gru","units":8,"zoneout":{"hidden":0.1}}"#),
    of_layer("zoneout.cell", "LSTM", OF_LAYERS, r#"{"cell":"lstm","units":8,"zoneout":{"cell":0.5}}"#),
    of_output("classes", OF_OUTPUTS, r#"{"classes":["lapsed","returning"]}"#),
    of_output("labels", OF_OUTPUTS, r#"{"labels":["fever","cough"]}"#),
    of_output("values", OF_OUTPUTS, r#"{"values":2}"#),
    of_output("steps", OF_NETWORKS, r#"{"values":1,"steps":24}"#),
    of_output("quantiles", OF_OUTPUTS, r#"{"values":1,"quantiles":[0.1,0.5,0.9]}"#),
    of_output("at", OF_OUTPUTS, r#"{"classes":["noun","verb","other"],"at":"each"}"#),
    of_output("attentionUnits", OF_NETWORKS, r#"{"labels":["fever","cough"],"at":"attention","attentionUnits":4}"#),
    DefinitionOption {
        example: [r#"{"tokens":3,"embedding":8}"#, LAYER, r#"{"classes":["a","b","c"],"at":"each","tied":true}"#],
        ..of_output("tied", OF_INPUTS, "")
    },
    of_output("norm", OF_STRUCTURE, r#"{"values":1,"norm":true}"#),
    of_output("dropout", OF_DROPOUT, r#"{"values":1,"dropout":0.2}"#),
    of_weights(Part::Initialisation, "scheme", r#"{"scheme":"pytorch"}"#),
    of_weights(Part::Initialisation, "forgetBias", r#"{"scheme":"pytorch","forgetBias":1}"#),
    of_weights(
        Part::Initialisation,
        "rules",
        r#"{"rules":[{"parameters":["*.weight_ih*"],"kind":"lecun_normal"},{"parameters":["output.weight"],"kind":"he_uniform"}]}"#,
    ),
    of_weights(
        Part::Rule,
        "parameters",
        r#"{"rules":[{"parameters":["*.weight_ih*","output.weight"],"kind":"pytorch"}]}"#,
    ),
    of_weights(Part::Rule, "kind", r#"{"rules":[{"parameters":["*.weight_hh*"],"kind":"identity"}]}"#),
    of_weights(Part::Rule, "gain", r#"{"rules":[{"parameters":["*.weight_hh*"],"kind":"orthogonal","gain":0.5}]}"#),
    of_weights(Part::Rule, "value", r#"{"rules":[{"parameters":["output.bias"],"kind":"constant","value":0.3}]}"#),
    of_weights(Part::Rule, "bound", r#"{"rules":[{"parameters":["*.weight_*"],"kind":"uniform","bound":0.05}]}"#),
    of_weights(
        Part::Rule,
        "deviation",
        r#"{"rules":[{"parameters":["*.weight_*"],"kind":"normal","deviation":0.02}]}"#,
    ),
    of_weights(Part::Rule, "longest", r#"{"rules":[{"parameters":["*.bias_*"],"kind":"chrono","longest":400}]}"#),
];
