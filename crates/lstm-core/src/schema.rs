//! The TypeScript types, the JSON schema and the documented table of everything that crosses as JSON, derived from the structs
//! themselves.
//! Only text is made here: `examples/generate_types.rs` writes the files, `tests/schema.rs` finds them out of date.

mod options;

use std::fmt::Write;

use schemars::{JsonSchema, schema_for};
use ts_rs::{Config, TS};

use crate::{
    ErrorCode, LayerOptions,
    formats::header::{FileHeader, FileTensor, TensorType},
    network::{
        definition::{
            Activation, At, Cell, GateActivation, InitialisationDefinition, InitialisationKind, InitialisationRule,
            InitialisationScheme, InputDefinition, LayerDefinition, Merge, ModelDefinition, OutputDefinition, Reset,
            Scaling, StaticsAs, Zoneout,
        },
        description::{LayerDescription, MachineDescription, ModelDescription, StateDescription},
        machine::MachineOptions,
        parameters::Tensor,
        summary::{ModelSummary, SummaryRow, TrainingMemory},
    },
    training::{
        loss_options::{LossKind, LossOptions},
        optimizer_state::{OptimizerContents, OptimizerTensor},
        optimizers::OptimizerSlot,
        options::{
            AveragingOptions, EarlyStoppingOptions, LearningRateSchedule, OptimizerKind, OptimizerOptions,
            ParameterGroup, ScheduleKind, StoppingMetric, TrainingOptions, Warmup,
        },
        report::{
            ClassificationReport, EpochReport, LabelReport, LabelsReport, StepsReport, TrainingProgress,
            ValidationReport, ValueReport, ValuesReport,
        },
    },
};

/// The generated files: their paths from the repository's root, and what they should hold.
#[must_use]
pub fn files() -> [(&'static str, String); 3] {
    [
        ("src/generated/core.ts", typescript()),
        ("src/generated/definition.schema.json", json_schema()),
        ("docs/options.md", options::page()),
    ]
}

/// One module with every type, documented as the structs are.
fn typescript() -> String {
    let declarations = [
        "// Generated from the Rust core's structs by `npm run types`: change those instead.\n".to_owned(),
        object::<ModelDefinition>(),
        object::<InputDefinition>(),
        choice::<StaticsAs>(),
        choice::<Scaling>(),
        object::<LayerDefinition>(),
        choice::<Cell>(),
        choice::<Merge>(),
        choice::<GateActivation>(),
        choice::<Reset>(),
        choice::<Activation>(),
        object::<Zoneout>(),
        object::<OutputDefinition>(),
        choice::<At>(),
        object::<InitialisationDefinition>(),
        choice::<InitialisationScheme>(),
        object::<InitialisationRule>(),
        choice::<InitialisationKind>(),
        object::<TrainingOptions>(),
        object::<OptimizerOptions>(),
        choice::<OptimizerKind>(),
        object::<ParameterGroup>(),
        object::<LearningRateSchedule>(),
        choice::<ScheduleKind>(),
        object::<Warmup>(),
        object::<AveragingOptions>(),
        object::<EarlyStoppingOptions>(),
        choice::<StoppingMetric>(),
        object::<LossOptions>(),
        choice::<LossKind>(),
        object::<MachineOptions>(),
        object::<TrainingProgress>(),
        object::<OptimizerContents>(),
        object::<OptimizerTensor>(),
        choice::<OptimizerSlot>(),
        object::<EpochReport>(),
        object::<ValidationReport>(),
        object::<ClassificationReport>(),
        object::<StepsReport>(),
        object::<LabelsReport>(),
        object::<LabelReport>(),
        object::<ValuesReport>(),
        object::<ValueReport>(),
        object::<LayerOptions>(),
        object::<ModelDescription>(),
        object::<LayerDescription>(),
        object::<StateDescription>(),
        object::<ModelSummary>(),
        object::<SummaryRow>(),
        object::<TrainingMemory>(),
        object::<Tensor>(),
        object::<MachineDescription>(),
        object::<FileHeader>(),
        object::<FileTensor>(),
        choice::<TensorType>(),
        choice::<ErrorCode>(),
    ];
    declarations.join("\n")
}

/// The schema of a definition, for editors and for checks outside of the core.
fn json_schema() -> String {
    serde_json::to_string_pretty(&schema_for!(ModelDefinition)).expect("a schema is plain JSON") + "\n"
}

/// A type of fields, a line each. ts-rs writes it; only white space is changed.
fn object<T: TS>() -> String {
    let declaration = T::decl(&Config::new()).replace("= { ", "= {\n").replace(", };", ",\n};");
    let (head, fields) = declaration.split_once('\n').expect("a type of fields has an opening line");
    let fields = fields.strip_suffix("\n};").expect("ts-rs closes what it opens");
    let mut text = format!("{}export {head}\n", comment(&T::docs().unwrap_or_default(), ""));
    let mut pending = String::new();
    for line in fields.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        if line.starts_with("/**") || line.starts_with(" *") {
            pending = pending + line + "\n";
        } else {
            let _ = writeln!(text, "{}  {line}", comment(&std::mem::take(&mut pending), "  "));
        }
    }
    text + "};\n"
}

/// A type of names, a line each with its description: ts-rs drops those, the JSON schema has them.
fn choice<T: TS + JsonSchema>() -> String {
    let mut text =
        format!("{}export type {} =\n", comment(&T::docs().unwrap_or_default(), ""), T::ident(&Config::new()));
    let schema = schema_for!(T);
    for variant in schema.get("oneOf").and_then(|variants| variants.as_array()).expect("every name is documented") {
        let description = variant["description"].as_str().expect("every name is documented");
        let _ = writeln!(text, "{}  | {}", comment(description, "  "), variant["const"]);
    }
    text.insert(text.len() - 1, ';');
    text
}

/// Text, bare or already in comment signs, as a comment: on one line where it is one.
fn comment(text: &str, indent: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.trim_start_matches(['/', '*', ' ']).trim_end())
        .filter(|line| !line.is_empty())
        .collect();
    match lines.as_slice() {
        [] => String::new(),
        [line] => format!("{indent}/** {line} */\n"),
        lines => {
            let body: String = lines.iter().fold(String::new(), |body, line| body + indent + " * " + line + "\n");
            format!("{indent}/**\n{body}{indent} */\n")
        }
    }
}
