//! What comes out of a network, as data.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::layer::MAX_UNITS;
use super::{check_rate, in_range, invalid, is_default};
use crate::{Result, json};

/// Most classes: a report's confusion matrix holds their square. The same bounds labels and the numbers of values.
pub const MAX_CLASSES: usize = 4_096;

/// What the model predicts, and from which steps. One of `classes`, `labels` and `values` says what.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields),
    schemars(extend("oneOf" = [{"required": ["classes"]}, {"required": ["labels"]}, {"required": ["values"]}]))
)]
pub struct OutputDefinition {
    /// One of several classes; their names: 2 to 4,096, none empty, no two alike. With two classes, the second is the
    /// positive one in reports. Predicts a probability each, which sum to 1 (softmax).
    #[serde(deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>", length(min = 2, max = MAX_CLASSES), inner(length(min = 1)), extend("uniqueItems" = true)))]
    pub classes: Option<Vec<String>>,
    /// Any number of several labels at once; their names: 1 to 4,096, none empty, no two alike. Predicts a probability
    /// each, apart from the others (sigmoid).
    #[serde(deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>", length(min = 1, max = MAX_CLASSES), inner(length(min = 1)), extend("uniqueItems" = true)))]
    pub labels: Option<Vec<String>>,
    /// Numbers as they are: how many, from 1 on. With `steps` and `quantiles` there may be 4,096 numbers in all.
    #[serde(deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "u32", range(min = 1, max = MAX_CLASSES)))]
    pub values: Option<u32>,
    /// Of values: for how many steps ahead, each with its own numbers; predictions are [steps, values]. 1 unless given.
    #[serde(deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "u32", range(min = 1, max = MAX_CLASSES)))]
    pub steps: Option<u32>,
    /// Of values: predicts these quantiles of each number instead of its mean, trained by the pinball loss (Koenker and
    /// Bassett 1978); predictions are [steps, values, quantiles]. Rising, each above 0 and below 1.
    #[serde(deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<f32>", length(min = 1)))]
    pub quantiles: Option<Vec<f32>>,
    /// From which steps of the last layer the output is computed. `"last"` unless given.
    #[serde(skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", ts(as = "Option<At>"))]
    pub at: At,
    /// Of `at: "attention"`: units of its hidden layer, 1 to 4,096. As many as the last layer has outputs unless given.
    #[serde(deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "u32", range(min = 1, max = MAX_UNITS)))]
    pub attention_units: Option<u32>,
    /// Of as many classes as the input has tokens: whether their embeddings are the output's weights too (Press and Wolf 2017).
    /// The last layer then gives as many numbers as an embedding has. False unless given.
    #[serde(skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", ts(as = "Option<bool>", optional))]
    pub tied: bool,
    /// Whether what the output reads is normalised over its numbers, after steps are pooled and before any of it is dropped (Ba et
    /// al. 2016; `nn.LayerNorm` before the head in `PyTorch`). False unless given.
    #[serde(skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", ts(as = "Option<bool>", optional))]
    pub norm: bool,
    /// The part of what the output reads that training drops. From 0 to below 1; 0 unless given.
    #[serde(skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", ts(as = "Option<f32>", optional), schemars(range(min = 0), extend("exclusiveMaximum" = 1)))]
    pub dropout: f32,
}

/// The steps that an output is computed from. Padding is none of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub enum At {
    /// The final hidden states, PyTorch's `h_n`: after the last valid step, and in reverse after the first.
    #[default]
    Last,
    /// Every step: an output for each.
    Each,
    /// The mean of the hidden states over the valid steps.
    Mean,
    /// The largest of each hidden state over the valid steps.
    Max,
    /// A weighted mean of the hidden states h: step t weighs softmax over t of v · tanh(W h + b) (Yang et al. 2016).
    Attention,
}

/// What kind of thing an output predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputKind {
    /// One of several classes.
    Classes,
    /// Any of several labels.
    Labels,
    /// Numbers.
    Values,
}

impl OutputDefinition {
    /// One of these classes, from the last step.
    #[must_use]
    pub fn of_classes(names: Vec<String>) -> Self {
        Self { classes: Some(names), ..Self::default() }
    }

    /// What is predicted, of a definition that `validate` has accepted.
    #[must_use]
    pub fn kind(&self) -> OutputKind {
        match (&self.classes, &self.labels) {
            (Some(_), _) => OutputKind::Classes,
            (None, Some(_)) => OutputKind::Labels,
            (None, None) => OutputKind::Values,
        }
    }

    /// The names of classes or labels; none of values.
    #[must_use]
    pub fn names(&self) -> &[String] {
        self.classes.as_deref().or(self.labels.as_deref()).unwrap_or_default()
    }

    /// Numbers of a prediction: one a class or label, or [steps, values, quantiles] of them.
    #[must_use]
    pub fn size(&self) -> usize {
        match self.kind() {
            OutputKind::Classes | OutputKind::Labels => self.names().len(),
            OutputKind::Values => self.targets() * self.quantiles.as_ref().map_or(1, Vec::len),
        }
    }

    /// Numbers of a target: one for classes, their index; one a label; [steps, values].
    #[must_use]
    pub fn targets(&self) -> usize {
        match self.kind() {
            OutputKind::Classes => 1,
            OutputKind::Labels => self.names().len(),
            OutputKind::Values => self.values.unwrap_or(1) as usize * self.steps.unwrap_or(1) as usize,
        }
    }

    /// Units of the attention's hidden layer over `outputs` numbers a step; none without attention.
    #[must_use]
    pub fn attention(&self, outputs: usize) -> Option<usize> {
        (self.at == At::Attention).then(|| self.attention_units.map_or(outputs, |units| units as usize))
    }

    /// How many numbers are trained over `outputs` numbers a step: `A·outputs + 2·A` for attention with A units, `2·outputs` for
    /// a normalisation, and `K·outputs + K` for the K numbers of a prediction, K if their weights are the embeddings.
    #[must_use]
    pub fn parameters(&self, outputs: usize) -> u64 {
        let attention = self.attention(outputs).unwrap_or(0) as u64;
        let weights = if self.tied { 0 } else { outputs as u64 };
        let norm = if self.norm { 2 * outputs as u64 } else { 0 };
        attention * (outputs as u64 + 2) + norm + self.size() as u64 * (weights + 1)
    }

    pub(super) fn validate(&self) -> Result<()> {
        self.check_kind()?;
        check_rate(self.dropout, || path("dropout"))?;
        if self.tied && self.kind() != OutputKind::Classes {
            return invalid(path("tied"), "embeddings stand for classes, and this output has none: leave it out");
        }
        match (&self.classes, &self.labels) {
            (Some(classes), _) => check_names("classes", "class", classes, 2)?,
            (None, Some(labels)) => check_names("labels", "label", labels, 1)?,
            (None, None) => self.check_values()?,
        }
        match self.attention_units {
            Some(_) if self.at != At::Attention => {
                let message = "only `at: \"attention\"` has a hidden layer: leave this out, or say `at: \"attention\"`";
                invalid(path("attentionUnits"), message)
            }
            Some(units) => in_range(units, MAX_UNITS, || path("attentionUnits")),
            None => Ok(()),
        }
    }

    /// Exactly one of the three says what is predicted, and every option is one of its own.
    fn check_kind(&self) -> Result<()> {
        let kinds =
            [("classes", self.classes.is_some()), ("labels", self.labels.is_some()), ("values", self.values.is_some())];
        let mut given = kinds.into_iter().filter_map(|(name, given)| given.then_some(name));
        let Some(kind) = given.next() else {
            return invalid(
                "output".to_owned(),
                "say what the model predicts: give one of `classes`, `labels`, `values`",
            );
        };
        if let Some(other) = given.next() {
            let message = format!("a model has one kind of output, and there is `{kind}` already: leave one out");
            return invalid(path(other), message);
        }
        let of_values = [("steps", self.steps.is_some()), ("quantiles", self.quantiles.is_some())];
        match of_values.into_iter().find(|&(_, given)| given && kind != "values") {
            Some((field, _)) => {
                invalid(path(field), format!("this belongs to `values`, and this output has `{kind}`: leave it out"))
            }
            None => Ok(()),
        }
    }

    fn check_values(&self) -> Result<()> {
        let most = MAX_CLASSES as u32;
        in_range(self.values.unwrap_or(0), most, || path("values"))?;
        in_range(self.steps.unwrap_or(1), most, || path("steps"))?;
        if let Some(quantiles) = &self.quantiles {
            if quantiles.is_empty() {
                return invalid(path("quantiles"), "there is no quantile: give at least one, such as 0.5");
            }
            for (index, &quantile) in quantiles.iter().enumerate() {
                let above = if index == 0 { 0.0 } else { quantiles[index - 1] };
                if !(quantile > above && quantile < 1.0) {
                    let message = format!("{quantile} is out of range: give rising numbers above 0 and below 1");
                    return invalid(path(&format!("quantiles[{index}]")), message);
                }
            }
        }
        if self.size() > MAX_CLASSES {
            let message = format!("a prediction would have {} numbers, the most is {MAX_CLASSES}", self.size());
            return invalid(path("values"), message);
        }
        Ok(())
    }
}

fn path(field: &str) -> String {
    format!("output.{field}")
}

fn check_names(field: &str, what: &str, names: &[String], least: usize) -> Result<()> {
    if !(least..=MAX_CLASSES).contains(&names.len()) {
        let count = names.len();
        let message = format!("{count} {field} are out of range: name from {least} to {MAX_CLASSES}");
        return invalid(path(field), message);
    }
    let mut seen = HashSet::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() {
            return invalid(path(&format!("{field}[{index}]")), format!("the {what} has no name: give it one"));
        }
        if !seen.insert(name) {
            let message = format!("`{name}` names two {field}: no two may be alike");
            return invalid(path(&format!("{field}[{index}]")), message);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{ModelDefinition, tests::assert_problem};

    fn with(output: &str) -> String {
        format!(r#"{{"input":{{"features":6}},"layers":[{{"cell":"lstm","units":5}}],"output":{{{output}}}}}"#)
    }

    #[test]
    fn every_output_survives_its_own_json_and_defaults_are_left_out() {
        for output in [
            r#""classes":["a","b"]"#,
            r#""classes":["a","b"],"at":"each""#,
            r#""labels":["a"],"at":"mean""#,
            r#""values":2,"steps":3,"quantiles":[0.25,0.5],"at":"max""#,
            r#""values":1,"at":"attention","attentionUnits":4"#,
            r#""values":1,"norm":true,"dropout":0.5"#,
        ] {
            let definition = ModelDefinition::from_json(&with(output)).unwrap();
            assert_eq!(serde_json::to_string(&definition.output).unwrap(), format!("{{{output}}}"));
        }
        let last = ModelDefinition::from_json(&with(r#""values":1,"at":"last""#)).unwrap();
        assert_eq!(serde_json::to_string(&last.output).unwrap(), r#"{"values":1}"#);
    }

    #[test]
    fn sizes_and_parameters_are_counted_by_hand() {
        let output = |text: &str| ModelDefinition::from_json(&with(text)).unwrap().output;
        let values = output(r#""values":2,"steps":3,"quantiles":[0.1,0.9]"#);
        assert_eq!((values.size(), values.targets(), values.parameters(5)), (12, 6, 12 * 6));
        let labels = output(r#""labels":["a","b","c"],"at":"attention""#);
        assert_eq!((labels.size(), labels.targets(), labels.parameters(5)), (3, 3, 5 * 5 + 5 + 5 + 3 * 6));
        let classes = output(r#""classes":["a","b"],"at":"attention","attentionUnits":7"#);
        assert_eq!((classes.size(), classes.targets(), classes.parameters(5)), (2, 1, 7 * 5 + 7 + 7 + 2 * 6));
        assert_eq!(output(r#""values":2,"norm":true"#).parameters(5), 2 * 5 + 2 * 6);
    }

    #[test]
    fn each_mistake_has_its_path() {
        let cases = [
            ("", "output", "give one of `classes`, `labels`, `values`"),
            (r#""classes":["a","b"],"values":1"#, "output.values", "there is `classes` already"),
            (r#""labels":["a"],"values":1"#, "output.values", "there is `labels` already"),
            (r#""labels":[]"#, "output.labels", "name from 1 to 4096"),
            (r#""labels":["a","a"]"#, "output.labels[1]", "`a` names two labels"),
            (r#""labels":["a",""]"#, "output.labels[1]", "the label has no name"),
            (r#""classes":["a","b"],"steps":2"#, "output.steps", "belongs to `values`, and this output has `classes`"),
            (r#""labels":["a"],"quantiles":[0.5]"#, "output.quantiles", "this output has `labels`"),
            (r#""values":0"#, "output.values", "from 1 to 4096"),
            (r#""values":1.5"#, "output.values", "give a whole number"),
            (r#""values":1,"steps":0"#, "output.steps", "from 1 to 4096"),
            (r#""values":100,"steps":50"#, "output.values", "5000 numbers, the most is 4096"),
            (r#""values":1,"quantiles":[]"#, "output.quantiles", "give at least one"),
            (r#""values":1,"quantiles":[0]"#, "output.quantiles[0]", "above 0 and below 1"),
            (r#""values":1,"quantiles":[0.5,1]"#, "output.quantiles[1]", "above 0 and below 1"),
            (r#""values":1,"quantiles":[0.5,0.5]"#, "output.quantiles[1]", "rising"),
            (r#""values":1,"at":"every""#, "output.at", "`every` is not known: use one of `last`, `each`"),
            (r#""values":1,"at":"each","attentionUnits":3"#, "output.attentionUnits", "say `at: \"attention\"`"),
            (r#""values":1,"at":"attention","attentionUnits":0"#, "output.attentionUnits", "from 1 to 4096"),
            (r#""values":1,"tied":true"#, "output.tied", "this output has none"),
            (r#""classes":["a","b"],"tied":true"#, "output.tied", "give the input `tokens`"),
            (r#""values":1,"dropout":1"#, "output.dropout", "1 is out of range"),
            (r#""values":1,"horizon":3"#, "output.horizon", "there is no field `horizon` here"),
            (r#""values":null"#, "output.values", "null"),
        ];
        for (output, field, part) in cases {
            assert_problem(&with(output), field, part);
        }
    }
}
