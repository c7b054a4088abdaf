//! The table of options, `docs/options.md`: what the definition's structs say of their fields, beside what `OPTIONS` knows.

use std::fmt::Write;

use schemars::schema_for;
use serde_json::Value;

use crate::network::definition::ModelDefinition;
use crate::network::definition::options::{DefinitionOption, OPTIONS, Part, Runs};

const HEAD: &str = "<!-- Generated from the Rust core's structs by `npm run types`: change those instead. -->

# Options of a definition

Every field of `input`, `layers`, `output` and `initialisation`: what it does, what it may be, and what proves it.
[`definitions.rs`](../crates/lstm-core/tests/definitions.rs) draws all of them at random, together, and holds losses, gradients and
predictions to the oracle; the tests named here are about one. Examples are the part of a definition that has the option; each is
validated and trained for a step by [`options.rs`](../crates/lstm-core/tests/options.rs).
";

const LAYERS: &str = "
Fused is what is computed in the loop over the steps, while gates and states are in registers or in the nearest cache; the rest
is done once for all steps, before or after that loop.
";

const INITIALISATION: &str = "
What the weights start as; [`initialisation.md`](initialisation.md) shows what that does to training. `createLayer` of `gatewise/layers`
takes the same among its options. Every kind works on one gate's map at a time: an LSTM's `weight_ih` has the fans of one gate, its
orthogonal `weight_hh` is four orthogonal matrices. All is drawn from the definition's seed, tensor by tensor in the order in which
`parameters()` lists them.
";

/// The whole page.
pub(super) fn page() -> String {
    let schema = Schema(schema_for!(ModelDefinition).to_value());
    let mut page = HEAD.to_owned();
    for (part, title) in [
        (Part::Input, "input"),
        (Part::Layer, "layers"),
        (Part::Output, "output"),
        (Part::Initialisation, "initialisation"),
        (Part::Rule, "initialisation.rules"),
    ] {
        let options: Vec<_> = OPTIONS.iter().filter(|option| option.part == part).collect();
        let (more, line) = if part == Part::Layer { ("Cells | Runs | ", "---|---|") } else { ("", "") };
        let note = match part {
            Part::Layer => LAYERS,
            Part::Initialisation => INITIALISATION,
            _ => "",
        };
        let _ = writeln!(page, "\n## `{title}`\n{note}");
        let _ = writeln!(page, "| Option | What it is | Values | Unless given | {more}Test | Example |");
        let _ = writeln!(page, "|---|---|---|---|{line}---|---|");
        for option in &options {
            page += &row(&schema, option);
        }
        for option in options {
            page += &choices(&schema, option);
        }
    }
    page
}

fn row(schema: &Schema, option: &DefinitionOption) -> String {
    let field = schema.field(option);
    let (mut text, default) = field.description();
    if let Some((outer, _)) = option.name.split_once('.') {
        text = format!("{} {text}", schema.field(&DefinitionOption { name: outer, ..*option }).description().0);
    }
    let runs = match option.runs {
        Runs::Fused => "fused",
        Runs::Before => "before",
        Runs::After => "after",
    };
    let of_layers = if option.part == Part::Layer { format!("{} | {runs} | ", option.cells) } else { String::new() };
    let file = option.test.rsplit('/').next().unwrap_or_default();
    let example = option.example();
    let (name, values, test) = (option.name, field.values(), option.test);
    format!("| `{name}` | {text} | {values} | {default} | {of_layers}[`{file}`](../{test}) | `{example}` |\n")
}

/// What each of the names that a field may be stands for.
fn choices(schema: &Schema, option: &DefinitionOption) -> String {
    let mut text = String::new();
    for (name, description) in schema.field(option).names() {
        let _ = writeln!(text, "- `{}`: `{name}`: {}", option.name, in_a_cell(&description));
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}

/// The JSON schema of a definition.
struct Schema(Value);

/// One field of it.
struct Field<'a> {
    /// Itself, with its description.
    own: &'a Value,
    /// The type that it refers to, or itself.
    kind: &'a Value,
    required: bool,
}

impl Schema {
    fn field(&self, option: &DefinitionOption) -> Field<'_> {
        let of = match option.part {
            Part::Input => "InputDefinition",
            Part::Layer => "LayerDefinition",
            Part::Output => "OutputDefinition",
            Part::Initialisation => "InitialisationDefinition",
            Part::Rule => "InitialisationRule",
        };
        let mut parent = &self.0["$defs"][of];
        let mut own = parent;
        for name in option.name.split('.') {
            parent = self.resolve(own);
            own = &parent["properties"][name];
        }
        let last = option.name.rsplit('.').next();
        let required = parent["required"].as_array().is_some_and(|all| all.iter().any(|name| name.as_str() == last));
        Field { own, kind: self.resolve(own), required }
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let name = value["$ref"].as_str().and_then(|path| path.rsplit('/').next());
        name.map_or(value, |name| &self.0["$defs"][name])
    }
}

impl Field<'_> {
    /// What the field is, and what it is unless given: the end of its description says so.
    fn description(&self) -> (String, String) {
        let text = in_a_cell(self.own["description"].as_str().expect("every field is documented"));
        let Some(rest) = text.strip_suffix(" unless given.") else {
            let default = if self.required { "required" } else { "" };
            return (text, default.to_owned());
        };
        let (text, sentence) = rest.rsplit_once(". ").expect("a sentence says what the field is");
        // What comes before the default is its bounds, which stand among the values.
        let default = sentence.rsplit_once("; ").map_or(sentence, |(_, default)| default);
        let code = default.to_lowercase();
        let default = if matches!(code.as_str(), "true" | "false") { format!("`{code}`") } else { code };
        (format!("{text}."), default)
    }

    fn values(&self) -> String {
        let names: Vec<_> = self.names().into_iter().map(|(name, _)| format!("`{name}`")).collect();
        if !names.is_empty() {
            return names.join(", ");
        }
        let whole = |bound: &str| self.kind[bound].as_u64().map_or_else(String::new, thousands);
        let kinds = &self.kind["type"];
        match kinds.as_str().or_else(|| kinds[0].as_str()) {
            Some("boolean") => "`true`, `false`".to_owned(),
            Some("integer") => {
                let least = self.kind["minimum"].as_u64().unwrap_or(0);
                format!("{least} to {}", whole("maximum"))
            }
            Some("number") if self.kind["exclusiveMaximum"].is_number() => "from 0 to below 1".to_owned(),
            Some("number") if self.kind["exclusiveMinimum"].is_number() => "above 0".to_owned(),
            Some("number") => "any number".to_owned(),
            Some("array") if self.kind["items"]["$ref"].is_string() => "a list, as below".to_owned(),
            Some("array") if self.kind["items"]["type"] == "string" && self.kind["maxItems"].is_null() => {
                "names, or patterns".to_owned()
            }
            Some("array") if self.kind["items"]["type"] == "string" => {
                format!("{} to {} names", whole("minItems"), whole("maxItems"))
            }
            _ => "rising numbers above 0 and below 1".to_owned(),
        }
    }

    /// The names that the field may be, with what they mean; none unless it is a choice.
    fn names(&self) -> Vec<(String, String)> {
        let variants = self.kind["oneOf"].as_array().map_or(&[][..], Vec::as_slice);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        variants.iter().map(|variant| (variant["const"].to_string(), text(&variant["description"]))).collect()
    }
}

/// Text on one line, without what would end a cell of a table.
fn in_a_cell(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|")
}

/// 65536 as 65,536.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}
