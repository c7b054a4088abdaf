//! What `fit` may be told, and the one place of its defaults.

mod check;
mod learning_rate;
mod optimizer;
mod run;

use serde::{Deserialize, Serialize};

pub use self::learning_rate::{LearningRate, LearningRateSchedule, ScheduleKind, Warmup};
pub use self::optimizer::{OptimizerKind, OptimizerOptions, ParameterGroup};
pub use self::run::{AveragingOptions, EarlyStoppingOptions, StoppingMetric};

use self::check::{not_negative, positive, require};
pub(super) use self::run::check as check_run;
use super::loss_options::LossOptions;
use crate::{ErrorCode, Result, json};

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
    /// Gradients whose norm over all parameters is larger than this, which is above 0, are scaled down to it (Pascanu et al.
    /// 2013; `clip_grad_norm_` in PyTorch). No clipping unless given.
    #[serde(deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f32>,
    /// Each number of the gradients is brought to between minus this, which is above 0, and this (`clip_grad_value_` in
    /// PyTorch). In the place of `clipNorm`. No clipping unless given.
    #[serde(deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub clip_value: Option<f32>,
    /// Adaptive clipping (Brock et al. 2021): where the norm of a gradient is larger than this, which is above 0, times the norm
    /// of what it is the gradient of (or times 0.001, if that is larger), it is scaled down to it; 0.01 is a usual choice. Row
    /// by row of matrices (the weights into one gate of one unit, the embedding of one token), and of vectors as a whole. In
    /// the place of `clipNorm`. No clipping unless given.
    #[serde(deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub clip_adaptive: Option<f32>,
    /// This, from 0 on, times the sum of the sizes of all weights is minimised too; biases and gains do not count. Its gradient,
    /// the weights' signs times this, is part of what is clipped; losses are reported without it. 0 unless given.
    #[serde(deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub l1: Option<f32>,
    /// The same with the sum of the squares of all weights, whose gradient is twice the weights times this (`L2` in Keras; in
    /// `weightDecay` there is no 2). 0 unless given.
    #[serde(deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub l2: Option<f32>,
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
            clip_value: None,
            clip_adaptive: None,
            l1: None,
            l2: None,
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
        self.validate_clipping()?;
        for (path, penalty) in [("l1", self.l1), ("l2", self.l2)] {
            penalty.map_or(Ok(()), |penalty| not_negative(penalty, path))?;
        }
        run::validate(self)?;
        self.optimizer.validate()
    }

    fn validate_clipping(&self) -> Result<()> {
        let kinds =
            [("clipNorm", self.clip_norm), ("clipValue", self.clip_value), ("clipAdaptive", self.clip_adaptive)];
        let mut given = kinds.into_iter().filter_map(|(path, limit)| Some((path, limit?)));
        let first = given.next();
        if let Some((path, _)) = given.next() {
            return require(false, path, || {
                "gradients are clipped in one way: give one of `clipNorm`, `clipValue`, `clipAdaptive`".to_owned()
            });
        }
        first.map_or(Ok(()), |(path, limit)| positive(limit, path))
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
            optimizer: OptimizerOptions::new(OptimizerKind::Adam),
            loss: None,
            clip_norm: None,
            clip_value: None,
            clip_adaptive: None,
            l1: None,
            l2: None,
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
        let texts = [
            r#"{"epochs":3,"batchSize":8,"shuffle":false,"optimizer":{"kind":"adam","learningRate":0.5,"beta1":0.0,"beta2":0.25,"epsilon":0.125,"amsgrad":true,"weightDecay":0.5},"clipNorm":2.0,"backpropagationSteps":20,"stateful":true}"#,
            r#"{"epochs":10,"batchSize":32,"shuffle":true,"optimizer":{"kind":"sgd","learningRate":{"schedule":"cosine","rate":0.5,"end":0.25,"restartEpochs":2,"restartFactor":3,"warmup":{"steps":5,"from":0.5}},"momentum":0.5,"nesterov":true,"groups":[{"parameters":["output.*"],"learningRateFactor":2.0,"weightDecay":0.5},{"parameters":["layers.*"],"frozen":true}]},"clipAdaptive":0.5,"l1":0.25,"l2":0.5}"#,
        ];
        for text in texts {
            assert_eq!(serde_json::to_string(&TrainingOptions::from_json(text).unwrap()).unwrap(), text);
        }
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
            (r#"{"clipValue":-1}"#, "clipValue", "above 0"),
            (r#"{"clipNorm":1,"clipAdaptive":1}"#, "clipAdaptive", "give one of `clipNorm`"),
            (r#"{"l1":-0.5}"#, "l1", "give 0, or a finite number above"),
            (r#"{"l2":1e39}"#, "l2", "inf as a 32-bit float"),
            (r#"{"optimizer":"adam"}"#, "optimizer", "give an object"),
            (r#"{"optimizer":{"kind":"adagrad"}}"#, "optimizer.kind", "`adagrad` is not known: use one of `sgd`"),
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
            (r#"{"optimizer":{"kind":"adam","momentum":0.5}}"#, "optimizer.momentum", "belongs to `sgd`, `rmsprop`"),
            (r#"{"optimizer":{"kind":"sgd","beta1":0.5}}"#, "optimizer.beta1", "and this is `sgd`"),
            (r#"{"optimizer":{"kind":"rmsprop","amsgrad":true}}"#, "optimizer.amsgrad", "belongs to `adam`, `adamw`"),
            (r#"{"optimizer":{"kind":"sgd","nesterov":true}}"#, "optimizer.nesterov", "needs a `momentum`"),
            (
                r#"{"optimizer":{"kind":"sgd","nesterov":true,"momentum":0.5,"dampening":0.5}}"#,
                "optimizer.nesterov",
                "no `dampening`",
            ),
            (r#"{"optimizer":{"kind":"sgd","weightDecay":-1}}"#, "optimizer.weightDecay", "give 0"),
            (r#"{"optimizer":{"kind":"sgd","groups":[{}]}}"#, "optimizer.groups[0].parameters", "is missing"),
            (
                r#"{"optimizer":{"kind":"sgd","groups":[{"parameters":[]}]}}"#,
                "optimizer.groups[0].parameters",
                "names no",
            ),
            (
                r#"{"optimizer":{"kind":"sgd","groups":[{"parameters":["*"],"frozen":true,"weightDecay":1}]}}"#,
                "optimizer.groups[0].weightDecay",
                "what is frozen does not move",
            ),
            (
                r#"{"optimizer":{"kind":"sgd","groups":[{"parameters":["*"],"learningRateFactor":-1}]}}"#,
                "optimizer.groups[0].learningRateFactor",
                "give 0",
            ),
        ];
        for (text, path, part) in cases {
            let error = TrainingOptions::from_json(text).unwrap_err();
            assert_eq!((error.code, error.path.as_str()), (ErrorCode::InvalidOption, path), "{text}: {error}");
            assert!(error.message.contains(part), "{text}: {error}");
        }
    }
    #[test]
    fn each_mistake_of_a_schedule_has_its_path() {
        let cases = [
            (r#""fast""#, "", "give a number or an object"),
            ("null", "", "null (as JSON writes NaN and Infinity) cannot stand here: give a number or an object"),
            ("1e39", "", "inf as a 32-bit float"),
            (r#"{"rate":0.5}"#, ".schedule", "`schedule` is missing"),
            (r#"{"schedule":"linear"}"#, ".schedule", "`linear` is not known: use one of `constant`"),
            (r#"{"schedule":"constant","rates":[1]}"#, ".rates", "belongs to `table`, and this is `constant`"),
            (r#"{"schedule":"one-cycle","rate":1}"#, ".rate", "belongs to `constant`"),
            (r#"{"schedule":"one-cycle"}"#, ".peak", "`peak` is missing"),
            (r#"{"schedule":"one-cycle","peak":0}"#, ".peak", "above 0"),
            (r#"{"schedule":"one-cycle","peak":1,"rise":1.5}"#, ".rise", "from 0 to 1"),
            (r#"{"schedule":"one-cycle","peak":1,"leastMomentum":0.96}"#, ".leastMomentum", "above the largest"),
            (r#"{"schedule":"one-cycle","peak":1,"largestMomentum":1}"#, ".largestMomentum", "below 1"),
            (r#"{"schedule":"step"}"#, ".every", "`every` is missing"),
            (r#"{"schedule":"step","every":0}"#, ".every", "0 is out of range"),
            (r#"{"schedule":"step","every":1,"factor":1.5}"#, ".factor", "at most 1"),
            (r#"{"schedule":"exponential"}"#, ".factor", "`factor` is missing"),
            (r#"{"schedule":"plateau","factor":1}"#, ".factor", "for a plateau below 1"),
            (r#"{"schedule":"plateau","least":-1}"#, ".least", "give 0"),
            (r#"{"schedule":"plateau","patience":1.5}"#, ".patience", "give a whole number"),
            (r#"{"schedule":"cosine","restartFactor":2}"#, ".restartFactor", "no restarts without `restartEpochs`"),
            (r#"{"schedule":"cosine","end":null}"#, ".end", "null"),
            (r#"{"schedule":"polynomial","power":0}"#, ".power", "above 0"),
            (r#"{"schedule":"table","rates":[1,-1]}"#, ".rates[1]", "give 0"),
            (r#"{"schedule":"table","rates":[1,null]}"#, ".rates[1]", "null"),
            (r#"{"schedule":"table","rates":[1],"warmup":{"steps":1}}"#, ".warmup", "belongs to `constant`"),
            (r#"{"schedule":"constant","warmup":{}}"#, ".warmup", "either `steps` or `epochs`"),
            (r#"{"schedule":"constant","warmup":{"steps":1,"epochs":1}}"#, ".warmup", "either `steps` or `epochs`"),
            (r#"{"schedule":"constant","warmup":{"steps":0}}"#, ".warmup.steps", "0 is out of range"),
            (r#"{"schedule":"constant","warmup":{"steps":1,"from":2}}"#, ".warmup.from", "from 0 to 1"),
        ];
        for (rate, path, part) in cases {
            let text = format!(r#"{{"optimizer":{{"kind":"sgd","learningRate":{rate}}}}}"#);
            let error = TrainingOptions::from_json(&text).unwrap_err();
            let path = format!("optimizer.learningRate{path}");
            assert_eq!((error.code, error.path), (ErrorCode::InvalidOption, path), "{text}: {}", error.message);
            assert!(error.message.contains(part), "{text}: {}", error.message);
        }
    }
}
