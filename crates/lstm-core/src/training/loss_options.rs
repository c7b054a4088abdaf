//! Which loss `fit` minimises, as data, and what it comes to for an output.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::network::definition::{OutputDefinition, OutputKind};
use crate::network::loss::Loss;
use crate::{Error, ErrorCode, Result, json};

/// The loss to minimise. Everything but the kind may be left out, and is of the kind that its description begins with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS), ts(optional_fields))]
pub struct LossOptions {
    /// Which loss.
    pub kind: LossKind,
    /// `"cross_entropy"`: by how much the targets of each class count, by its name, from 0 on; 1 for classes that are not
    /// named. Losses are divided by the sum of the weights, as in PyTorch.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub class_weights: Option<BTreeMap<String, f32>>,
    /// `"cross_entropy"`: the part of the target, from 0 to below 1, that is spread evenly over all classes (Szegedy et
    /// al. 2016). 0 unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub label_smoothing: Option<f32>,
    /// `"binary_cross_entropy"`: by how much each label counts where it is there, by its name, from 0 on; 1 for labels
    /// that are not named.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub positive_weights: Option<BTreeMap<String, f32>>,
    /// `"huber"`: how far from the target the loss goes on as a straight line, above 0. 1 unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub delta: Option<f32>,
}

/// The kinds of losses. Unless one is given, it is the first that fits the output; quantiles have their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub enum LossKind {
    /// Of classes: −ln of the probability of the target.
    CrossEntropy,
    /// Of labels: the mean over them of −ln of the probability of what is there, or is not.
    BinaryCrossEntropy,
    /// Of values: the mean squared error.
    Mse,
    /// Of values: the mean absolute error.
    Mae,
    /// Of values: half the square of an error up to `delta`, a straight line beyond (Huber 1964).
    Huber,
}

impl LossKind {
    fn fits(self) -> OutputKind {
        match self {
            Self::CrossEntropy => OutputKind::Classes,
            Self::BinaryCrossEntropy => OutputKind::Labels,
            Self::Mse | Self::Mae | Self::Huber => OutputKind::Values,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::CrossEntropy => "cross_entropy",
            Self::BinaryCrossEntropy => "binary_cross_entropy",
            Self::Mse => "mse",
            Self::Mae => "mae",
            Self::Huber => "huber",
        }
    }
}

impl LossOptions {
    /// The plain loss of a kind.
    #[must_use]
    pub fn new(kind: LossKind) -> Self {
        Self { kind, class_weights: None, label_smoothing: None, positive_weights: None, delta: None }
    }

    /// Checks what can be known without an output.
    pub(super) fn validate(&self) -> Result<()> {
        let options = [
            ("classWeights", LossKind::CrossEntropy, self.class_weights.is_some()),
            ("labelSmoothing", LossKind::CrossEntropy, self.label_smoothing.is_some()),
            ("positiveWeights", LossKind::BinaryCrossEntropy, self.positive_weights.is_some()),
            ("delta", LossKind::Huber, self.delta.is_some()),
        ];
        if let Some((field, kind, _)) = options.into_iter().find(|&(_, kind, given)| given && kind != self.kind) {
            let message = format!("this belongs to `{}`, and this loss is `{}`", kind.name(), self.kind.name());
            return refuse(field, message);
        }
        for (field, weights) in [("classWeights", &self.class_weights), ("positiveWeights", &self.positive_weights)] {
            for (name, weight) in weights.iter().flatten() {
                if !(*weight >= 0.0 && weight.is_finite()) {
                    let message = format!("{weight:?} as a 32-bit float is no weight: give a finite number from 0 on");
                    return refuse(&format!("{field}.{name}"), message);
                }
            }
        }
        match (self.label_smoothing, self.delta) {
            (Some(part), _) if !(0.0..1.0).contains(&part) => {
                refuse("labelSmoothing", format!("{part} is out of range: give a number from 0 to below 1"))
            }
            (_, Some(delta)) if !(delta > 0.0 && delta.is_normal()) => {
                refuse("delta", format!("{delta:?} is out of range: give a finite number above 0"))
            }
            _ => Ok(()),
        }
    }

    /// What these options come to for an output.
    fn for_output(&self, output: &OutputDefinition) -> Result<Loss> {
        if self.kind.fits() != output.kind() {
            let known = match output.kind() {
                OutputKind::Classes => "`cross_entropy`",
                OutputKind::Labels => "`binary_cross_entropy`",
                OutputKind::Values => "`mse`, `mae` or `huber`",
            };
            return refuse(
                "kind",
                format!("`{}` does not fit what this model predicts: use {known}", self.kind.name()),
            );
        }
        if output.quantiles.is_some() {
            return refuse("kind", "quantiles are trained by the pinball loss: leave `loss` out".to_owned());
        }
        Ok(match self.kind {
            LossKind::CrossEntropy => Loss::CrossEntropy {
                class_weights: by_index("classWeights", self.class_weights.as_ref(), output.names())?,
                smoothing: self.label_smoothing.unwrap_or(0.0),
            },
            LossKind::BinaryCrossEntropy => Loss::BinaryCrossEntropy {
                positive_weights: by_index("positiveWeights", self.positive_weights.as_ref(), output.names())?,
            },
            LossKind::Mse => Loss::Squared,
            LossKind::Mae => Loss::Absolute,
            LossKind::Huber => Loss::Huber { delta: self.delta.unwrap_or(1.0) },
        })
    }
}

/// The loss of an output that was told nothing else: cross-entropy, the mean squared error, or that of its quantiles.
pub(crate) fn default_loss(output: &OutputDefinition) -> Loss {
    match (output.kind(), &output.quantiles) {
        (OutputKind::Classes, _) => Loss::CrossEntropy { class_weights: None, smoothing: 0.0 },
        (OutputKind::Labels, _) => Loss::BinaryCrossEntropy { positive_weights: None },
        (OutputKind::Values, None) => Loss::Squared,
        (OutputKind::Values, Some(quantiles)) => Loss::Pinball { quantiles: quantiles.clone() },
    }
}

/// The loss of an output, as it was chosen.
pub(super) fn loss_for(output: &OutputDefinition, options: Option<&LossOptions>) -> Result<Loss> {
    options.map_or_else(|| Ok(default_loss(output)), |options| options.for_output(output))
}

/// Weights in the order of the names, or none where none is given.
fn by_index(field: &str, weights: Option<&BTreeMap<String, f32>>, names: &[String]) -> Result<Option<Vec<f32>>> {
    let Some(weights) = weights else { return Ok(None) };
    if let Some(unknown) = weights.keys().find(|name| !names.contains(name)) {
        let known: Vec<_> = names.iter().take(10).map(|name| format!("`{name}`")).collect();
        let more = if names.len() > 10 { format!(" and {} more", names.len() - 10) } else { String::new() };
        let message = format!("`{unknown}` is not among the names of the output: they are {}{more}", known.join(", "));
        return refuse(&format!("{field}.{unknown}"), message);
    }
    Ok(Some(names.iter().map(|name| weights.get(name).copied().unwrap_or(1.0)).collect()))
}

fn refuse<T>(field: &str, message: String) -> Result<T> {
    Err(Error::new(ErrorCode::InvalidOption, format!("loss.{field}"), message))
}

#[cfg(test)]
mod tests {
    use super::super::options::TrainingOptions;
    use super::*;

    fn output(text: &str) -> OutputDefinition {
        serde_json::from_str(text).unwrap()
    }

    fn loss(output: &OutputDefinition, options: &str) -> Result<Loss> {
        let options = TrainingOptions::from_json(&format!(r#"{{"loss":{options}}}"#))?;
        loss_for(output, options.loss.as_ref())
    }

    #[test]
    fn each_output_has_its_losses() {
        let classes = output(r#"{"classes":["a","b","c"]}"#);
        let weighted = Loss::CrossEntropy { class_weights: Some(vec![1.0, 0.0, 2.5]), smoothing: 0.25 };
        let options = r#"{"kind":"cross_entropy","classWeights":{"c":2.5,"b":0},"labelSmoothing":0.25}"#;
        assert_eq!(loss(&classes, options).unwrap(), weighted);
        let labels = output(r#"{"labels":["a","b"]}"#);
        let weighted = Loss::BinaryCrossEntropy { positive_weights: Some(vec![3.0, 1.0]) };
        let options = r#"{"kind":"binary_cross_entropy","positiveWeights":{"a":3}}"#;
        assert_eq!(loss(&labels, options).unwrap(), weighted);
        let values = output(r#"{"values":1}"#);
        assert_eq!(loss_for(&values, None).unwrap(), Loss::Squared);
        assert_eq!(loss(&values, r#"{"kind":"mae"}"#).unwrap(), Loss::Absolute);
        assert_eq!(loss(&values, r#"{"kind":"huber"}"#).unwrap(), Loss::Huber { delta: 1.0 });
        let quantiles = output(r#"{"values":1,"quantiles":[0.25,0.75]}"#);
        assert_eq!(loss_for(&quantiles, None).unwrap(), Loss::Pinball { quantiles: vec![0.25, 0.75] });
    }

    #[test]
    fn each_mistake_has_its_path() {
        let (classes, labels, values) = (r#"{"classes":["a","b"]}"#, r#"{"labels":["a"]}"#, r#"{"values":1}"#);
        let cases = [
            (classes, r#"{"kind":"mse"}"#, "kind", "use `cross_entropy`"),
            (labels, r#"{"kind":"cross_entropy"}"#, "kind", "use `binary_cross_entropy`"),
            (values, r#"{"kind":"cross_entropy"}"#, "kind", "use `mse`, `mae` or `huber`"),
            (r#"{"values":1,"quantiles":[0.5]}"#, r#"{"kind":"mae"}"#, "kind", "leave `loss` out"),
            (classes, r#"{"kind":"hinge"}"#, "kind", "`hinge` is not known: use one of `cross_entropy`"),
            (classes, r#"{"labelSmoothing":0.1}"#, "kind", "`kind` is missing"),
            (classes, r#"{"kind":"cross_entropy","delta":1}"#, "delta", "belongs to `huber`"),
            (values, r#"{"kind":"mse","classWeights":{}}"#, "classWeights", "belongs to `cross_entropy`"),
            (classes, r#"{"kind":"cross_entropy","classWeights":{"c":1}}"#, "classWeights.c", "they are `a`, `b`"),
            (classes, r#"{"kind":"cross_entropy","classWeights":{"a":-1}}"#, "classWeights.a", "from 0 on"),
            (classes, r#"{"kind":"cross_entropy","classWeights":{"a":"1"}}"#, "classWeights.a", "give a number"),
            (classes, r#"{"kind":"cross_entropy","labelSmoothing":1}"#, "labelSmoothing", "below 1"),
            (labels, r#"{"kind":"binary_cross_entropy","positiveWeights":{"b":1}}"#, "positiveWeights.b", "`a`"),
            (values, r#"{"kind":"huber","delta":0}"#, "delta", "above 0"),
            (values, r#"{"kind":"huber","delta":null}"#, "delta", "null"),
        ];
        for (definition, options, field, part) in cases {
            let error = loss(&output(definition), options).unwrap_err();
            let path = format!("loss.{field}");
            assert_eq!((error.code, &error.path), (ErrorCode::InvalidOption, &path), "{options}: {error}");
            assert!(error.message.contains(part), "{options}: {error}");
        }
    }
}
