//! What `fit` may be told, and the one place of its defaults.

use serde::{Deserialize, Deserializer, Serialize};

use super::loss_options::LossOptions;
use super::run_options::{self, AveragingOptions, EarlyStoppingOptions};
use crate::{Error, ErrorCode, Result, json};

/// Most passes over the training data.
pub const MAX_EPOCHS: u32 = 1_000_000;
/// Most samples a step.
pub const MAX_BATCH_SIZE: u32 = 1_048_576;
/// Most steps that a truncated gradient goes back through.
pub const MAX_BACKPROPAGATION_STEPS: u32 = 1 << 24;

/// How to train. Every field may be left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS), ts(optional_fields))]
pub struct TrainingOptions {
    /// Passes over the training data: 1 to 1,000,000. 10 unless given.
    #[cfg_attr(feature = "schema", ts(as = "Option<u32>"))]
    pub epochs: u32,
    /// Samples a step, 1 to 1,048,576; the last batch of an epoch holds what is left. 32 unless given.
    #[cfg_attr(feature = "schema", ts(as = "Option<u32>"))]
    pub batch_size: u32,
    /// Whether each epoch sees the samples in a new order, drawn from the model's seed. True unless given.
    #[cfg_attr(feature = "schema", ts(as = "Option<bool>"))]
    pub shuffle: bool,
    /// How gradients become steps. Adam unless given.
    #[cfg_attr(feature = "schema", ts(as = "Option<OptimizerOptions>"))]
    pub optimizer: OptimizerOptions,
    /// What is minimised. What fits the output unless given: cross-entropy of classes and labels, the mean squared error
    /// of values, the pinball loss of quantiles.
    #[serde(deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub loss: Option<LossOptions>,
    /// Gradients whose norm over all parameters is larger than this, which is above 0, are scaled down to it. No
    /// clipping unless given.
    #[serde(deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f32>,
    /// Truncated back-propagation: a training step after every so many steps of the sequences, 1 to 16,777,216, each from the
    /// states that the one before has come to, whose gradient goes no further back. Whole sequences unless given.
    #[serde(deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub backpropagation_steps: Option<u32>,
    /// Whether the s-th sequence of a batch goes on where the s-th of the batch before has ended, as parts of one long sequence;
    /// each epoch begins anew (`stateful` in Keras). Takes `shuffle: false` and whole batches. False unless given.
    #[cfg_attr(feature = "schema", ts(as = "Option<bool>"))]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stateful: bool,
    /// Batches that make up one step, 1 to 65,536: its gradient is that of the mean over all their samples, as of one batch that
    /// would take as many times the memory. What is left at the end of an epoch, or of a chunk of the data, is a step too. 1
    /// unless given.
    #[cfg_attr(feature = "schema", ts(as = "Option<u32>"))]
    #[serde(skip_serializing_if = "is_one")]
    pub accumulate_batches: u32,
    /// Whether batches are of sequences of similar length, which saves time where lengths differ much: each epoch's samples are
    /// sorted within pools of some 50 batches, and the batches shuffled. False unless given.
    #[cfg_attr(feature = "schema", ts(as = "Option<bool>"))]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub bucketing: bool,
    /// Weights that are the mean over steps. Those of the last step unless given.
    #[serde(deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub averaging: Option<AveragingOptions>,
    /// When to end before the last epoch; takes validation data. Never unless given.
    #[serde(deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<EarlyStoppingOptions>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_one(number: &u32) -> bool {
    *number == 1
}

impl Default for TrainingOptions {
    fn default() -> Self {
        Self {
            epochs: 10,
            batch_size: 32,
            shuffle: true,
            optimizer: OptimizerOptions::default(),
            loss: None,
            clip_norm: None,
            backpropagation_steps: None,
            stateful: false,
            accumulate_batches: 1,
            bucketing: false,
            averaging: None,
            early_stopping: None,
        }
    }
}

impl TrainingOptions {
    /// Reads and validates the options; `{}` takes every default.
    pub fn from_json(text: &str) -> Result<Self> {
        let options: Self = json::parse(text, ErrorCode::InvalidOption)?;
        options.validate()?;
        Ok(options)
    }

    /// Checks what the types cannot say.
    pub fn validate(&self) -> Result<()> {
        require((1..=MAX_EPOCHS).contains(&self.epochs), "epochs", || {
            format!("{} is out of range: give a whole number from 1 to {MAX_EPOCHS}", self.epochs)
        })?;
        require((1..=MAX_BATCH_SIZE).contains(&self.batch_size), "batchSize", || {
            format!("{} is out of range: give a whole number from 1 to {MAX_BATCH_SIZE}", self.batch_size)
        })?;
        if let Some(steps) = self.backpropagation_steps {
            require((1..=MAX_BACKPROPAGATION_STEPS).contains(&steps), "backpropagationSteps", || {
                format!("{steps} is out of range: give a whole number from 1 to {MAX_BACKPROPAGATION_STEPS}")
            })?;
        }
        if let Some(loss) = &self.loss {
            loss.validate()?;
        }
        if let Some(norm) = self.clip_norm {
            positive(norm, "clipNorm")?;
        }
        run_options::validate(self)?;
        self.optimizer.validate()
    }
}

fn require(holds: bool, path: &str, message: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::new(ErrorCode::InvalidOption, path, message())) }
}

/// Subnormal numbers are no choice: to the kernels they are 0.
fn positive(value: f32, path: &str) -> Result<()> {
    require(value > 0.0 && value.is_normal(), path, || {
        format!("{value:?} as a 32-bit float is out of range: give a finite number above 0, at least 1.2e-38")
    })
}

fn decay(value: f32, path: &str) -> Result<()> {
    require((0.0..1.0).contains(&value), path, || {
        format!("{value} as a 32-bit float is out of range: give a number from 0 to below 1")
    })
}

/// An optimiser and its settings.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", rename_all_fields = "camelCase", tag = "kind")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS), ts(optional_fields))]
pub enum OptimizerOptions {
    /// Adam (Kingma and Ba 2015), as PyTorch computes it.
    Adam {
        /// Step size, above 0. 0.001 unless given.
        #[cfg_attr(feature = "schema", ts(as = "Option<f32>"))]
        learning_rate: f32,
        /// Decay of the mean of gradients, from 0 to below 1. 0.9 unless given.
        #[cfg_attr(feature = "schema", ts(as = "Option<f32>"))]
        beta1: f32,
        /// Decay of the mean of squared gradients, from 0 to below 1. 0.999 unless given.
        #[cfg_attr(feature = "schema", ts(as = "Option<f32>"))]
        beta2: f32,
        /// Added to the root of the mean of squares, above 0. 1e-8 unless given.
        #[cfg_attr(feature = "schema", ts(as = "Option<f32>"))]
        epsilon: f32,
    },
}

impl OptimizerOptions {
    fn validate(&self) -> Result<()> {
        let Self::Adam { learning_rate, beta1, beta2, epsilon } = *self;
        positive(learning_rate, "optimizer.learningRate")?;
        decay(beta1, "optimizer.beta1")?;
        decay(beta2, "optimizer.beta2")?;
        positive(epsilon, "optimizer.epsilon")
    }
}

/// Adam's defaults, as in the paper.
mod adam {
    pub(super) const LEARNING_RATE: f32 = 1e-3;
    pub(super) const BETA1: f32 = 0.9;
    pub(super) const BETA2: f32 = 0.999;
    pub(super) const EPSILON: f32 = 1e-8;
}

impl Default for OptimizerOptions {
    fn default() -> Self {
        Self::Adam {
            learning_rate: adam::LEARNING_RATE,
            beta1: adam::BETA1,
            beta2: adam::BETA2,
            epsilon: adam::EPSILON,
        }
    }
}

/// The enum's JSON, flat. serde's own tagged enums lose the path of an error inside them; a struct keeps it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OptimizerFields {
    kind: OptimizerKind,
    #[serde(default, deserialize_with = "json::present")]
    learning_rate: Option<f32>,
    #[serde(default, deserialize_with = "json::present")]
    beta1: Option<f32>,
    #[serde(default, deserialize_with = "json::present")]
    beta2: Option<f32>,
    #[serde(default, deserialize_with = "json::present")]
    epsilon: Option<f32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum OptimizerKind {
    Adam,
}

impl From<OptimizerFields> for OptimizerOptions {
    fn from(fields: OptimizerFields) -> Self {
        match fields.kind {
            OptimizerKind::Adam => Self::Adam {
                learning_rate: fields.learning_rate.unwrap_or(adam::LEARNING_RATE),
                beta1: fields.beta1.unwrap_or(adam::BETA1),
                beta2: fields.beta2.unwrap_or(adam::BETA2),
                epsilon: fields.epsilon.unwrap_or(adam::EPSILON),
            },
        }
    }
}

impl<'de> Deserialize<'de> for OptimizerOptions {
    fn deserialize<D: Deserializer<'de>>(source: D) -> std::result::Result<Self, D::Error> {
        OptimizerFields::deserialize(source).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_its_default() {
        let expected = TrainingOptions {
            epochs: 10,
            batch_size: 32,
            shuffle: true,
            optimizer: OptimizerOptions::Adam { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
            loss: None,
            clip_norm: None,
            backpropagation_steps: None,
            stateful: false,
            accumulate_batches: 1,
            bucketing: false,
            averaging: None,
            early_stopping: None,
        };
        assert_eq!(TrainingOptions::from_json("{}").unwrap(), expected);
        assert_eq!(TrainingOptions::from_json(r#"{"optimizer":{"kind":"adam"}}"#).unwrap(), expected);
    }

    #[test]
    fn options_survive_their_own_json() {
        let text = r#"{"epochs":3,"batchSize":8,"shuffle":false,"optimizer":{"kind":"adam","learningRate":0.5,"beta1":0.0,"beta2":0.25,"epsilon":0.125},"clipNorm":2.0,"backpropagationSteps":20,"stateful":true}"#;
        let options = TrainingOptions::from_json(text).unwrap();
        assert_eq!((options.epochs, options.batch_size, options.clip_norm), (3, 8, Some(2.0)));
        assert_eq!(serde_json::to_string(&options).unwrap(), text);
        let text = serde_json::to_string(&TrainingOptions::default()).unwrap();
        assert_eq!(TrainingOptions::from_json(&text).unwrap(), TrainingOptions::default());
    }

    #[test]
    fn each_mistake_has_its_path() {
        let cases = [
            (r#"{"epochs":0}"#, "epochs", "from 1 to 1000000"),
            (r#"{"epochs":1000001}"#, "epochs", "from 1 to 1000000"),
            (r#"{"batchSize":0}"#, "batchSize", "from 1 to 1048576"),
            (r#"{"batchsize":1}"#, "batchsize", "use one of `epochs`, `batchSize`"),
            (r#"{"backpropagationSteps":0}"#, "backpropagationSteps", "from 1 to 16777216"),
            (r#"{"stateful":1}"#, "stateful", "give true or false"),
            (r#"{"shuffle":1}"#, "shuffle", "give true or false"),
            (r#"{"clipNorm":0}"#, "clipNorm", "above 0"),
            (r#"{"clipNorm":1e39}"#, "clipNorm", "finite"),
            (r#"{"clipNorm":null}"#, "clipNorm", "null (as JSON writes NaN and Infinity)"),
            (r#"{"optimizer":"adam"}"#, "optimizer", "give an object"),
            (r#"{"optimizer":{"kind":"adagrad"}}"#, "optimizer.kind", "`adagrad` is not known: use `adam`"),
            (r#"{"optimizer":{"beta1":0.5}}"#, "optimizer.kind", "`kind` is missing"),
            (r#"{"optimizer":{"kind":"adam","beta1":null}}"#, "optimizer.beta1", "null"),
            (r#"{"optimizer":{"kind":"adam","lr":1}}"#, "optimizer.lr", "`learningRate`"),
            (r#"{"optimizer":{"kind":"adam","beta1":"high"}}"#, "optimizer.beta1", "give a number"),
            (r#"{"optimizer":{"kind":"adam","learningRate":0}}"#, "optimizer.learningRate", "above 0"),
            (r#"{"optimizer":{"kind":"adam","learningRate":-1}}"#, "optimizer.learningRate", "above 0"),
            (r#"{"optimizer":{"kind":"adam","beta1":1}}"#, "optimizer.beta1", "below 1"),
            (r#"{"optimizer":{"kind":"adam","beta2":-0.1}}"#, "optimizer.beta2", "from 0"),
            // Below the least f32, so it would be 0; and subnormal, so the kernels would take it for 0.
            (r#"{"optimizer":{"kind":"adam","epsilon":1e-50}}"#, "optimizer.epsilon", "0.0 as a 32-bit float"),
            (r#"{"optimizer":{"kind":"adam","epsilon":1e-40}}"#, "optimizer.epsilon", "1e-40 as a 32-bit float"),
        ];
        for (text, path, part) in cases {
            let error = TrainingOptions::from_json(text).unwrap_err();
            assert_eq!((error.code, error.path.as_str()), (ErrorCode::InvalidOption, path), "{text}: {error}");
            assert!(error.message.contains(part), "{text}: {error}");
        }
    }
}
