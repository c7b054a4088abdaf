//! How well predictions fit their targets, whatever an output predicts: added up part by part, so that no more than a part
//! has to be in memory; only classes of whole sequences are kept, because the area under their curve needs all of them.
//!
//! Weights weigh the losses. In every other figure, what has a weight counts once.

use super::metrics::{LabelCounts, ValueSums, classification_report, least_log, most_probable};
use super::report::{LabelsReport, Report, StepsReport, ValuesReport};
use crate::finite::first_not_finite;
use crate::network::definition::{At, OutputDefinition, OutputKind};
use crate::network::targets::{RowTarget, TargetRows, Targets};
use crate::{Error, ErrorCode, Result};

/// An evaluation under way.
///
/// ```
/// use lstm_core::network::definition::OutputDefinition;
/// use lstm_core::network::targets::Targets;
/// use lstm_core::training::{evaluation::Evaluation, report::Report};
/// let output = OutputDefinition { values: Some(1), ..OutputDefinition::default() };
/// let mut evaluation = Evaluation::new(&output);
/// evaluation.add(&[1.0, 2.0], None, Targets::numbers(&[1.0, 4.0]))?;
/// let Report::Values(report) = evaluation.report()? else { panic!("values have their own report") };
/// assert_eq!((report.loss, report.mae), (2.0, 1.0));
/// # Ok::<(), lstm_core::Error>(())
/// ```
pub struct Evaluation {
    output: OutputDefinition,
    /// Σ w·l and Σ w.
    loss: (f64, f64),
    /// Targets with a weight.
    counted: u32,
    figures: Figures,
}

/// What is added up beside the loss.
enum Figures {
    Classes { probabilities: Vec<f32>, targets: Vec<u32> },
    Steps { correct: u32 },
    Labels { labels: Vec<LabelCounts>, exact: u32 },
    Values { values: Vec<ValueSums>, below: Vec<u64> },
}

/// What is nearer to 1 than this is 1 in f32: a probability of 1 is at most so far from it.
const HALF_UNIT: f64 = (f32::EPSILON / 4.0) as f64;

impl Evaluation {
    /// Of an output that `validate` has accepted.
    #[must_use]
    pub fn new(output: &OutputDefinition) -> Self {
        let figures = match (output.kind(), output.at) {
            (OutputKind::Classes, At::Each) => Figures::Steps { correct: 0 },
            (OutputKind::Classes, _) => Figures::Classes { probabilities: Vec::new(), targets: Vec::new() },
            (OutputKind::Labels, _) => {
                Figures::Labels { labels: vec![LabelCounts::default(); output.size()], exact: 0 }
            }
            (OutputKind::Values, _) => Figures::Values {
                values: vec![ValueSums::default(); output.targets()],
                below: vec![0; output.quantiles.as_ref().map_or(0, Vec::len)],
            },
        };
        Self { output: output.clone(), loss: (0.0, 0.0), counted: 0, figures }
    }

    /// Adds predictions and their targets: [n, K]; where there is one at each step [n, steps, K], with n `lengths`.
    pub fn add(&mut self, predictions: &[f32], lengths: Option<&[u32]>, targets: Targets) -> Result<()> {
        let size = self.output.size();
        let lengths = lengths.filter(|_| self.output.at == At::Each);
        let n = lengths.map_or(predictions.len() / size, <[u32]>::len);
        let steps = lengths.map_or(1, |_| predictions.len() / (n * size).max(1));
        if (self.output.at == At::Each) != lengths.is_some() || predictions.len() != n * steps * size {
            let message = format!("{} numbers are no predictions of {size} numbers each", predictions.len());
            return Err(Error::new(ErrorCode::ShapeMismatch, "predictions", message));
        }
        let length = |sample: usize| lengths.map_or(1, |lengths| lengths[sample] as usize);
        if let Some(sample) = (0..n).find(|&sample| length(sample) > steps) {
            let message = format!("length {} is beyond the {steps} steps", length(sample));
            return Err(Error::new(ErrorCode::InvalidLength, format!("lengths[{sample}]"), message));
        }
        let rows = TargetRows::new(targets, &self.output, n, steps, length)?;
        if let Some(index) = first_not_finite(predictions) {
            let message = format!("{} is no prediction", predictions[index]);
            return Err(Error::new(ErrorCode::NotFinite, format!("predictions[{index}]"), message));
        }
        for sample in 0..n {
            for step in 0..rows.valid(length(sample)) {
                let (index, weight) = (rows.index(sample, step), f64::from(rows.weight(sample, step)));
                if weight > 0.0 {
                    self.add_row(&predictions[index * size..][..size], rows.row(index), weight);
                }
            }
        }
        Ok(())
    }

    /// Adds one finite prediction, its target, which was checked before, and its weight.
    pub(crate) fn add_checked(&mut self, prediction: &[f32], target: RowTarget, weight: f32) {
        if weight > 0.0 {
            self.add_row(prediction, target, f64::from(weight));
        }
    }

    fn add_row(&mut self, prediction: &[f32], target: RowTarget, weight: f64) {
        self.counted += 1;
        let loss = match (&mut self.figures, target) {
            (Figures::Classes { probabilities, targets }, RowTarget::Class(class)) => {
                probabilities.extend_from_slice(prediction);
                targets.push(class as u32);
                -least_log(f64::from(prediction[class]))
            }
            (Figures::Steps { correct }, RowTarget::Class(class)) => {
                *correct += u32::from(most_probable(prediction) == class);
                -least_log(f64::from(prediction[class]))
            }
            (Figures::Labels { labels, exact }, RowTarget::Numbers(targets)) => {
                let mut all = true;
                let mut loss = 0.0;
                for ((counts, &probability), &target) in labels.iter_mut().zip(prediction).zip(targets) {
                    all &= counts.add(probability > 0.5, target > 0.5);
                    let (p, y) = (f64::from(probability), f64::from(target));
                    loss -= y * least_log(p) + (1.0 - y) * least_log((1.0 - p).max(HALF_UNIT));
                }
                *exact += u32::from(all);
                loss / prediction.len() as f64
            }
            (Figures::Values { values, below }, RowTarget::Numbers(targets)) => {
                add_values(values, below, self.output.quantiles.as_deref(), prediction, targets)
            }
            _ => unreachable!("targets are checked against the output"),
        };
        self.loss.0 += weight * loss;
        self.loss.1 += weight;
    }

    /// What it all comes to.
    pub fn report(self) -> Result<Report> {
        if self.counted == 0 {
            return Err(Error::new(ErrorCode::EmptyData, "targets", "no target counts: give at least one"));
        }
        let (loss, samples) = (self.loss.0 / self.loss.1, self.counted);
        let part = |count: u32| f64::from(count) / f64::from(samples);
        Ok(match self.figures {
            Figures::Classes { probabilities, targets } => {
                let report = classification_report(&probabilities, &targets, self.output.size())?;
                Report::Classification(super::report::ClassificationReport { loss, ..report })
            }
            Figures::Steps { correct } => Report::Steps(StepsReport {
                steps: samples,
                loss,
                accuracy: part(correct),
                perplexity: libm::exp(loss),
            }),
            Figures::Labels { labels, exact } => {
                let labels: Vec<_> = labels.iter().map(LabelCounts::report).collect();
                let f1 = labels.iter().map(|label| label.f1).sum::<f64>() / labels.len() as f64;
                Report::Labels(LabelsReport { samples, loss, exact_match: part(exact), f1, labels })
            }
            Figures::Values { values, below } => {
                let values: Vec<_> = values.iter().map(ValueSums::report).collect();
                let mean = |of: fn(&super::report::ValueReport) -> f64| {
                    values.iter().map(of).sum::<f64>() / values.len() as f64
                };
                let r2: Option<Vec<f64>> = values.iter().map(|value| value.r2).collect();
                let compared = u64::from(samples) * values.len() as u64;
                let coverage = below.iter().map(|&count| count as f64 / compared as f64).collect();
                Report::Values(ValuesReport {
                    samples,
                    loss,
                    mae: mean(|value| value.mae),
                    rmse: libm::sqrt(mean(|value| value.rmse * value.rmse)),
                    r2: r2.map(|r2| r2.iter().sum::<f64>() / r2.len() as f64),
                    coverage: self.output.quantiles.is_some().then_some(coverage),
                    values,
                })
            }
        })
    }
}

/// Adds a row of values, or of their quantiles, of which the one nearest to one half stands for the value. Gives the mean
/// squared error, or the mean pinball loss.
fn add_values(
    sums: &mut [ValueSums],
    below: &mut [u64],
    quantiles: Option<&[f32]>,
    prediction: &[f32],
    targets: &[f32],
) -> f64 {
    let mut loss = 0.0;
    let Some(quantiles) = quantiles else {
        for ((sums, &value), &target) in sums.iter_mut().zip(prediction).zip(targets) {
            let distance = sums.add(f64::from(value), f64::from(target));
            loss += distance * distance;
        }
        return loss / prediction.len() as f64;
    };
    let far = |quantile: f32| (quantile - 0.5).abs();
    let median = (0..quantiles.len()).min_by(|&a, &b| far(quantiles[a]).total_cmp(&far(quantiles[b]))).unwrap_or(0);
    for ((sums, values), &target) in sums.iter_mut().zip(prediction.chunks_exact(quantiles.len())).zip(targets) {
        sums.add(f64::from(values[median]), f64::from(target));
        for ((&value, &quantile), below) in values.iter().zip(quantiles).zip(below.iter_mut()) {
            let (short, quantile) = (f64::from(target) - f64::from(value), f64::from(quantile));
            loss += f64::max(quantile * short, (quantile - 1.0) * short);
            *below += u64::from(target <= value);
        }
    }
    loss / prediction.len() as f64
}
