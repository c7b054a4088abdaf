//! Why a run ended with numbers that are not finite: where the first of them came up, and what the evidence speaks for.

use super::dataset::Dataset;
use super::options::TrainingOptions;
use super::position::Position;
use super::trainer::Trainer;
use crate::finite::first_not_finite;
use crate::network::definition::{OutputKind, Scaling};
use crate::network::targets::RowTarget;
use crate::random::{RandomStream, Stream};
use crate::{Error, ErrorCode, Result};

/// Inputs, targets and weights beyond this are far from what networks are made for.
const LARGE: f32 = 1e3;
/// A gradient's norm beyond this is worth clipping.
const STEEP: f64 = 1e2;

/// What a run remembers for the case that it goes wrong.
#[derive(Default)]
pub(super) struct Evidence {
    /// The norm of the last step's gradient, before clipping.
    last_norm: Option<f64>,
}

impl Evidence {
    /// Takes note of a step that went well.
    pub(super) fn good_step(&mut self, norm: f64) {
        self.last_norm = Some(norm);
    }
}

/// Sizes of what the failed step has read.
struct Sizes {
    input: f32,
    target: f32,
    weight: f32,
}

impl Trainer {
    /// The error of a training step whose loss or gradient is not finite; `drawn` is where the stream of dropout was before its
    /// forward pass, which is run again.
    pub(super) fn diagnose(&mut self, loss: f32, norm: f64, drawn: u64) -> Error {
        let what = if loss.is_finite() {
            format!("the gradient became {norm} (the loss was still {loss})")
        } else {
            format!("the loss became {loss}")
        };
        let place = self.tensor_not_finite(&self.weights).map(|name| format!("the weights {name}"));
        let place = place.or_else(|| self.run_again(drawn));
        let place = place.unwrap_or_else(|| match self.gradient_not_finite() {
            Some(name) if loss.is_finite() => format!("the gradient of {name}"),
            _ => "the loss itself".to_owned(),
        });
        self.not_finite(&what, self.step + 1, &place, "loss", self.feed.loaded())
    }

    /// The error of a validation whose loss is not finite: its forward pass has just been run.
    pub(super) fn diagnose_validation(&self, epoch: u32, loss: f32) -> Error {
        let place = self.tensor_not_finite(&self.weights).map(|name| format!("the weights {name}"));
        let place = place.or_else(|| self.stack.first_not_finite()).unwrap_or_else(|| "the loss itself".to_owned());
        let what = format!("the validation loss became {loss} after epoch {}", epoch + 1);
        self.not_finite(&what, self.step, &place, "validation.loss", self.validation.as_ref())
    }

    /// Fails if a step has left weights that are not finite: they are not to be shown.
    pub(super) fn check_weights(&self) -> Result<()> {
        let Some(name) = self.tensor_not_finite(&self.weights) else { return Ok(()) };
        let (what, place) = ("the weights became infinite or NaN", format!("the weights {name}"));
        Err(self.not_finite(what, self.step, &place, "loss", None))
    }

    fn tensor_not_finite(&self, weights: &[f32]) -> Option<&str> {
        let index = first_not_finite(weights)?;
        self.layout.tensors().iter().find(|tensor| tensor.range().contains(&index)).map(|tensor| &tensor.name[..])
    }

    /// Backward passes go from the output to the input: the first of the tensors in that order.
    fn gradient_not_finite(&self) -> Option<&str> {
        let mut tensors = self.layout.tensors().iter().rev().filter(|tensor| tensor.trained);
        let found = tensors.find(|tensor| first_not_finite(&self.gradients[tensor.range()]).is_some());
        found.map(|tensor| &tensor.name[..])
    }

    /// The forward pass of the failed step once more: where it is no longer finite.
    fn run_again(&mut self, drawn: u64) -> Option<String> {
        let Position::Training { epoch, visit, start, .. } = self.position else { return None };
        let chunk = self.feed.visit(epoch, visit);
        let Self { stack, spans, feed, .. } = self;
        let (data, _) = feed.visited(chunk)?;
        let (samples, _) = data.within(spans.window());
        let (place, pick) = (|s: usize| spans.place(s), |s: usize| spans.sample(s));
        let mut dropout = RandomStream::at(self.definition.seed, Stream::Dropout, drawn);
        let initial = spans.carried(start, &place);
        stack.forward(&self.weights, &samples, spans.sequences(), pick, initial, Some(&mut dropout)).ok()?;
        stack.first_not_finite()
    }

    /// `data` is what the last batch was taken from.
    fn not_finite(&self, what: &str, step: u32, place: &str, path: &str, data: Option<&Dataset>) -> Error {
        let sizes = self.sizes(data);
        let norm = self.evidence.last_norm.map(|norm| format!(", the norm of the last good gradient {norm:.3e}"));
        let message = format!(
            "{what} in epoch {}, at step {step}; the first numbers that are not finite are {place}. Likely: {}. The largest \
             input of the batch was {:.3e}{}.",
            self.position.epoch_under_way(),
            self.causes(&sizes).join("; or "),
            sizes.input,
            norm.unwrap_or_default(),
        );
        Error::new(ErrorCode::NotFinite, path, message)
    }

    /// What the evidence speaks for, the strongest first.
    fn causes(&self, sizes: &Sizes) -> Vec<String> {
        let TrainingOptions { clip_norm, clip_value, clip_adaptive, .. } = self.options;
        let clips = clip_norm.or(clip_value).or(clip_adaptive).is_some();
        let scaled = self.definition.input.scaling == Scaling::Standard;
        let mut causes = Vec::new();
        if sizes.input > LARGE {
            let remedy = if scaled { "look for outliers" } else { "scale them (`input.scaling: \"standard\"`)" };
            causes.push(format!("huge inputs: {remedy}"));
        }
        if sizes.target > LARGE {
            causes.push(format!("huge targets, up to {:.3e}: scale them", sizes.target));
        }
        if sizes.weight > LARGE {
            let size = sizes.weight;
            causes.push(format!("a learning rate that is too high, as weights have grown to {size:.3e}: lower it"));
        }
        if !clips && self.evidence.last_norm.is_some_and(|norm| norm > STEEP) {
            causes.push("steep gradients without clipping: set `clipNorm`, such as 1".to_owned());
        }
        if causes.is_empty() {
            let clip = if clips { "" } else { ", or clip gradients (`clipNorm`)" };
            causes.push(format!("a learning rate that is too high: lower it{clip}"));
        }
        causes
    }

    fn sizes(&self, data: Option<&Dataset>) -> Sizes {
        let of_values = data.filter(|_| self.definition.output.kind() == OutputKind::Values);
        Sizes {
            input: self.stack.largest_input(),
            target: of_values.map_or(0.0, |data| self.largest_target(data)),
            weight: largest(&self.weights[..self.gradients.len()]),
        }
    }

    /// Of the last batch, which was taken from `data`.
    fn largest_target(&self, data: &Dataset) -> f32 {
        let mut size = 0.0_f32;
        let rows = data.targets();
        for sample in (0..self.spans.sequences()).map(|s| self.spans.sample(s)) {
            for step in 0..rows.valid(data.length(sample)) {
                if let (RowTarget::Numbers(numbers), true) =
                    (rows.row_of(sample, step), rows.weight(sample, step) > 0.0)
                {
                    size = size.max(largest(numbers));
                }
            }
        }
        size
    }
}

fn largest(numbers: &[f32]) -> f32 {
    numbers.iter().fold(0.0, |largest, number| largest.max(number.abs()))
}
