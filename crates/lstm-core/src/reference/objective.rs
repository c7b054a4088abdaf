//! What a network's outputs mean and what they are held to, as definition and options say: predictions, and the loss that
//! training minimises. The losses themselves are in `losses`.

use std::collections::BTreeMap;

use super::head::softmax;
use super::losses::{RowLoss, weighted_loss};
use super::scalar::Scalar;
use crate::network::definition::{At, OutputDefinition, OutputKind};
use crate::network::targets::{NO_CLASS, TargetValues, Targets};
use crate::training::loss_options::{LossKind, LossOptions};

/// Rows of outputs \[rows, K\] as predictions: probabilities of classes or labels, values as they are.
pub fn predictions<S: Scalar>(output: &OutputDefinition, outputs: &[S]) -> Vec<S> {
    match output.kind() {
        OutputKind::Classes => softmax(outputs, output.size()),
        OutputKind::Labels => outputs.iter().map(|z| z.sigmoid()).collect(),
        OutputKind::Values => outputs.to_vec(),
    }
}

/// The loss of rows of outputs \[rows, K\], a row a sequence or one for each of its valid steps; targets and weights are padded.
/// The weights of sequences count for each of their steps. Unless options say otherwise: cross-entropies, the mean squared error.
///
/// # Panics
/// Where shapes do not fit.
pub fn network_loss<S: Scalar>(
    output: &OutputDefinition,
    options: Option<&LossOptions>,
    (lengths, steps): (&[usize], usize),
    targets: Targets,
    outputs: &[S],
) -> S {
    let (mut rows, mut weights) = (Vec::new(), Vec::new());
    for (n, &length) in lengths.iter().enumerate() {
        let places = if output.at == At::Each { n * steps..n * steps + length } else { n..n + 1 };
        for place in places {
            let given = targets.weights.map_or(1.0, |weights| {
                let each_has_its_own = output.at == At::Each && weights.len() == lengths.len() * steps;
                weights[if each_has_its_own { place } else { n }]
            });
            let (row, weight) = target(output, targets.values, place, f64::from(given));
            rows.extend(row);
            weights.push(weight);
        }
    }
    let by_name = |given: Option<&BTreeMap<String, f32>>| -> Vec<f64> {
        let weight = |name| f64::from(given.and_then(|given| given.get(name)).copied().unwrap_or(1.0));
        output.names().iter().map(weight).collect()
    };
    let class_weights = by_name(options.and_then(|options| options.class_weights.as_ref()));
    let positive_weights = by_name(options.and_then(|options| options.positive_weights.as_ref()));
    let smoothing = options.and_then(|options| options.label_smoothing).unwrap_or(0.0);
    let delta = options.and_then(|options| options.delta).unwrap_or(1.0);
    let quantiles: Vec<f64> = output.quantiles.iter().flatten().copied().map(f64::from).collect();
    let loss = match (output.kind(), options.map(|options| options.kind)) {
        (OutputKind::Classes, _) => RowLoss::CrossEntropy(&class_weights, f64::from(smoothing)),
        (OutputKind::Labels, _) => RowLoss::BinaryCrossEntropy(&positive_weights),
        (OutputKind::Values, _) if !quantiles.is_empty() => RowLoss::Pinball(&quantiles),
        (OutputKind::Values, Some(LossKind::Mae)) => RowLoss::Absolute,
        (OutputKind::Values, Some(LossKind::Huber)) => RowLoss::Huber(f64::from(delta)),
        (OutputKind::Values, _) => RowLoss::Squared,
    };
    weighted_loss(loss, outputs, &rows, &weights)
}

/// The target at a place, and what it weighs: a step without a class, nothing.
fn target(output: &OutputDefinition, values: TargetValues, place: usize, weight: f64) -> (Vec<f64>, f64) {
    match values {
        TargetValues::Classes(classes) if classes[place] == NO_CLASS => (vec![0.0], 0.0),
        TargetValues::Classes(classes) => (vec![f64::from(classes[place])], weight),
        TargetValues::Numbers(numbers) => {
            let row = &numbers[place * output.targets()..][..output.targets()];
            (row.iter().copied().map(f64::from).collect(), weight)
        }
    }
}
