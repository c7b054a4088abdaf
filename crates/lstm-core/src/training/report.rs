//! What training and evaluating tell: plain data that crosses as JSON.

use serde::Serialize;

/// What one crossing into the core did.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct TrainingProgress {
    /// Steps done since `fit` began.
    pub step: u32,
    /// Steps that `fit` will do in all.
    pub total_steps: u32,
    /// The epoch under way, from 1.
    pub epoch: u32,
    /// Epochs in all.
    pub total_epochs: u32,
    /// The mean loss of each batch of this crossing, as it was before its step.
    pub losses: Vec<f32>,
    /// The epochs that ended in this crossing.
    pub epochs: Vec<EpochReport>,
    /// Batches worked through in this crossing, validation's among them.
    pub batches: u32,
    /// Whether the last epoch has ended.
    pub finished: bool,
}

/// One pass over the training data.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct EpochReport {
    /// Counted from 1.
    pub epoch: u32,
    /// Mean cross-entropy over the epoch's samples, in nats, each taken before its batch's step.
    pub loss: f32,
    /// Part of the epoch's samples whose most probable class was the right one, likewise.
    pub accuracy: f32,
    /// The same over the validation data, after the epoch; null where none was given.
    pub validation: Option<ValidationReport>,
}

/// Loss and accuracy over the validation data.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct ValidationReport {
    /// Mean cross-entropy, in nats.
    pub loss: f32,
    /// Part of the samples whose most probable class is the right one.
    pub accuracy: f32,
}

/// How well predicted classes fit the true ones.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct ClassificationReport {
    /// Samples.
    pub samples: u32,
    /// Mean cross-entropy, in nats.
    pub loss: f64,
    /// Part of the samples whose most probable class is the right one.
    pub accuracy: f64,
    /// Mean over the classes of the part that was found; classes without a sample do not count.
    pub balanced_accuracy: f64,
    /// Two classes: of the second. More: the mean over the classes that have a sample or a prediction.
    pub f1: f64,
    /// Area under the ROC curve. Two classes: of the second. More: the mean over classes, each against the rest.
    /// Null where a class has no sample or nothing else has.
    pub auc: Option<f64>,
    /// `confusion[t][p]`: samples of class `t` that were taken for class `p`.
    pub confusion: Vec<Vec<u32>>,
}
