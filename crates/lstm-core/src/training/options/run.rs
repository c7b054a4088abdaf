//! What `fit` may be told of the run itself: when it ends, which weights it leaves, what makes up a step.

use serde::{Deserialize, Serialize};

use super::TrainingOptions;
use super::check::require;
use crate::Result;
use crate::network::definition::{ModelDefinition, OutputKind};

/// Most batches of a step.
const MAX_ACCUMULATED_BATCHES: u32 = 65_536;
/// Most epochs that are waited for.
const MAX_PATIENCE: u32 = 1_000_000;

/// When training ends before its last epoch: once the validation data has been predicted no better for some epochs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS), ts(optional_fields))]
pub struct EarlyStoppingOptions {
    /// What has to become better. `loss` unless given.
    #[cfg_attr(feature = "schema", ts(as = "Option<StoppingMetric>"))]
    pub metric: StoppingMetric,
    /// Epochs without an improvement after which training ends: 1 to 1,000,000. 5 unless given.
    #[cfg_attr(feature = "schema", ts(as = "Option<u32>"))]
    pub patience: u32,
    /// By how much more than this the metric has to become better, from 0 on. 0 unless given.
    #[cfg_attr(feature = "schema", ts(as = "Option<f32>"))]
    pub minimum_improvement: f32,
    /// Whether training, however it comes to its end, leaves the weights of the best epoch. True unless given.
    #[cfg_attr(feature = "schema", ts(as = "Option<bool>"))]
    pub restore_best: bool,
}

impl Default for EarlyStoppingOptions {
    fn default() -> Self {
        Self { metric: StoppingMetric::Loss, patience: 5, minimum_improvement: 0.0, restore_best: true }
    }
}

/// What of the validation data's report tells whether an epoch was better.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub enum StoppingMetric {
    /// The loss that is trained on: less is better.
    #[default]
    Loss,
    /// The part that is right, of classes and labels: more is better.
    Accuracy,
}

/// The mean of the weights of all steps, of which later ones count more (Polyak and Juditsky 1992; as an exponential mean,
/// `torch.optim.swa_utils.get_ema_multi_avg_fn`): after the first step the mean is that step's weights, after each later one
/// `mean = mean + (1 − decay) · (weights − mean)`. Validation, and the weights that training shows and leaves, are the mean's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS), ts(optional_fields))]
pub struct AveragingOptions {
    /// How much of the mean each step leaves, from 0 to below 1. 0.999 unless given.
    #[cfg_attr(feature = "schema", ts(as = "Option<f32>"))]
    pub decay: f32,
}

impl Default for AveragingOptions {
    fn default() -> Self {
        Self { decay: 0.999 }
    }
}

/// Checks what the types cannot say.
pub(super) fn validate(options: &TrainingOptions) -> Result<()> {
    let batches = options.accumulate_batches;
    require((1..=MAX_ACCUMULATED_BATCHES).contains(&batches), "accumulateBatches", || {
        format!("{batches} is out of range: give a whole number from 1 to {MAX_ACCUMULATED_BATCHES}")
    })?;
    let spans = options.stateful || options.backpropagation_steps.is_some();
    require(batches == 1 || !spans, "accumulateBatches", || {
        "parts of sequences are steps of their own, which cannot be put together: leave this out, or \
         `backpropagationSteps` and `stateful`"
            .to_owned()
    })?;
    require(!options.bucketing || options.shuffle, "bucketing", || {
        "batches of similar length are drawn by chance: leave `shuffle: false` out".to_owned()
    })?;
    if let Some(AveragingOptions { decay }) = options.averaging {
        require((0.0..1.0).contains(&decay), "averaging.decay", || {
            format!("{decay} as a 32-bit float is out of range: give a number from 0 to below 1")
        })?;
    }
    options.early_stopping.as_ref().map_or(Ok(()), validate_stopping)
}

fn validate_stopping(stopping: &EarlyStoppingOptions) -> Result<()> {
    let patience = stopping.patience;
    require((1..=MAX_PATIENCE).contains(&patience), "earlyStopping.patience", || {
        format!("{patience} is out of range: give a whole number from 1 to {MAX_PATIENCE}")
    })?;
    let least = stopping.minimum_improvement;
    require(least >= 0.0 && least.is_finite(), "earlyStopping.minimumImprovement", || {
        format!("{least} is out of range: give a finite number from 0 on")
    })
}

/// Checks what only the definition tells.
pub(in crate::training) fn check(options: &TrainingOptions, definition: &ModelDefinition) -> Result<()> {
    let metric = options.early_stopping.as_ref().map(|stopping| stopping.metric);
    let has_accuracy = definition.output.kind() != OutputKind::Values;
    require(has_accuracy || metric != Some(StoppingMetric::Accuracy), "earlyStopping.metric", || {
        "values have no accuracy: use `loss`".to_owned()
    })?;
    require(options.accumulate_batches == 1 || !definition.input.sparse, "accumulateBatches", || {
        "of sparse embeddings only the rows of one batch are moved: leave this out, or `sparse`".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;

    #[test]
    fn what_is_left_out_has_its_default() {
        let text = r#"{"earlyStopping":{},"averaging":{}}"#;
        let options = TrainingOptions::from_json(text).unwrap();
        assert_eq!((options.accumulate_batches, options.bucketing), (1, false));
        let stopping = options.early_stopping.unwrap();
        assert_eq!((stopping.metric, stopping.patience), (StoppingMetric::Loss, 5));
        assert_eq!((stopping.minimum_improvement, stopping.restore_best), (0.0, true));
        assert_eq!(options.averaging.unwrap().decay, 0.999);
    }

    #[test]
    fn options_survive_their_own_json() {
        let text = r#"{"accumulateBatches":4,"bucketing":true,"averaging":{"decay":0.5},"earlyStopping":{"metric":"accuracy","patience":2,"minimumImprovement":0.25,"restoreBest":false}}"#;
        let options = TrainingOptions::from_json(text).unwrap();
        let again = TrainingOptions::from_json(&serde_json::to_string(&options).unwrap()).unwrap();
        assert_eq!(again, options);
        assert!(serde_json::to_string(&options).unwrap().contains(&text[1..text.len() - 1]));
    }

    #[test]
    fn each_mistake_has_its_path() {
        let cases = [
            (r#"{"accumulateBatches":0}"#, "accumulateBatches", "from 1 to 65536"),
            (r#"{"accumulateBatches":2,"backpropagationSteps":5}"#, "accumulateBatches", "leave this out"),
            (r#"{"bucketing":true,"shuffle":false}"#, "bucketing", "shuffle"),
            (r#"{"averaging":{"decay":1}}"#, "averaging.decay", "below 1"),
            (r#"{"averaging":{"decay":null}}"#, "averaging.decay", "null"),
            (r#"{"earlyStopping":{"patience":0}}"#, "earlyStopping.patience", "from 1"),
            (r#"{"earlyStopping":{"metric":"f1"}}"#, "earlyStopping.metric", "`loss` or `accuracy`"),
            (r#"{"earlyStopping":{"minimumImprovement":-1}}"#, "earlyStopping.minimumImprovement", "from 0"),
            (r#"{"earlyStopping":{"patiense":1}}"#, "earlyStopping.patiense", "`patience`"),
        ];
        for (text, path, part) in cases {
            let error = TrainingOptions::from_json(text).unwrap_err();
            assert_eq!((error.code, error.path.as_str()), (ErrorCode::InvalidOption, path), "{text}: {error}");
            assert!(error.message.contains(part), "{text}: {error}");
        }
    }
}
