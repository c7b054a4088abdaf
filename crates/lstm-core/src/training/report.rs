//! What training and evaluating tell: plain data that crosses as JSON.

use serde::{Deserialize, Serialize};

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
    /// The learning rate of the last step, or of the first before there was one.
    pub learning_rate: f64,
    /// The mean loss of each step's batches of this crossing, as it was before the step.
    pub losses: Vec<f32>,
    /// The epochs that ended in this crossing.
    pub epochs: Vec<EpochReport>,
    /// Batches worked through in this crossing, validation's among them.
    pub batches: u32,
    /// Whether training has ended.
    pub finished: bool,
    /// Whether early stopping has ended it before its last epoch.
    pub early: bool,
    /// The epoch, from 1, that was best on the validation data so far; null where there is none.
    pub best_epoch: Option<u32>,
    /// The chunk of the data that training waits for; null where it waits for none.
    pub chunk: Option<u32>,
    /// The chunk that it will want after the one that it is at; null after the last.
    pub next_chunk: Option<u32>,
}

/// One pass over the training data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct EpochReport {
    /// Counted from 1.
    pub epoch: u32,
    /// Mean loss over the epoch's targets, each taken before its batch's step; cross-entropies are in nats.
    pub loss: f32,
    /// Part of the epoch's targets whose most probable class was the right one, or of labels that were on the right side
    /// of one half, likewise; null for values.
    pub accuracy: Option<f32>,
    /// The same over the validation data, after the epoch; null where none was given.
    pub validation: Option<ValidationReport>,
}

/// How the model does on the validation data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct ValidationReport {
    /// Mean loss, the same that is trained on.
    pub loss: f32,
    /// Part of the targets whose most probable class is the right one, or of labels on the right side of one half; null for
    /// values.
    pub accuracy: Option<f32>,
    /// What `evaluate` tells of the same data; its loss is the output's plain one.
    #[cfg_attr(feature = "schema", ts(type = "ClassificationReport | StepsReport | LabelsReport | ValuesReport"))]
    pub report: Report,
}

/// How well predicted classes fit the true ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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

/// How well a model does on data whose targets are known: a report for each kind of output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Report {
    /// Of classes of whole sequences.
    Classification(ClassificationReport),
    /// Of classes of each step.
    Steps(StepsReport),
    /// Of labels.
    Labels(LabelsReport),
    /// Of values.
    Values(ValuesReport),
}

/// How well the classes that are predicted at each step fit the true ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct StepsReport {
    /// Steps that have a target.
    pub steps: u32,
    /// Mean cross-entropy a step, in nats.
    pub loss: f64,
    /// Part of the steps whose most probable class is the right one.
    pub accuracy: f64,
    /// e to the power of the loss: among how many equally probable classes the model is in doubt, so to speak.
    pub perplexity: f64,
}

/// How well predicted labels fit the true ones. A label is predicted where its probability is above one half.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct LabelsReport {
    /// Samples, or steps where there is an output at each.
    pub samples: u32,
    /// Mean over samples and labels of the binary cross-entropy, in nats.
    pub loss: f64,
    /// Part of the samples of which every label is right.
    pub exact_match: f64,
    /// Mean of the labels' F1.
    pub f1: f64,
    /// Each label, in the order of the definition.
    pub labels: Vec<LabelReport>,
}

/// How well one label is predicted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct LabelReport {
    /// Part of the predictions that are right; 0 where there is none.
    pub precision: f64,
    /// Part of what is there that was predicted; 0 where it is never there.
    pub recall: f64,
    /// Harmonic mean of precision and recall; 0 where the label is neither there nor predicted.
    pub f1: f64,
    /// How often it is there.
    pub support: u32,
}

/// How well predicted values fit the true ones. With quantiles, the one nearest to one half stands for the value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct ValuesReport {
    /// Samples, or steps where there is an output at each.
    pub samples: u32,
    /// Mean squared error, or with quantiles the mean pinball loss.
    pub loss: f64,
    /// Mean absolute error over all values.
    pub mae: f64,
    /// Root of the mean squared error over all values.
    pub rmse: f64,
    /// Mean of the values' R²; null where one has none.
    pub r2: Option<f64>,
    /// For each quantile the part of the targets that are not above it; null without quantiles.
    pub coverage: Option<Vec<f64>>,
    /// Each value, [steps ahead, values].
    pub values: Vec<ValueReport>,
}

/// How well one value is predicted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct ValueReport {
    /// Mean absolute error.
    pub mae: f64,
    /// Root of the mean squared error.
    pub rmse: f64,
    /// R², the part of the targets' variance that is explained; null where they are all alike.
    pub r2: Option<f64>,
}
