//! What a network begins with: from numbers, tokens and statics to what the first layer reads, and to the initial states.
//!
//! ```text
//! r[n, t]   = [scaled features[n, t] | E[token[n, t]] | scaled statics[n]]    those that the definition has
//! states[n] = W scaled statics[n] + b                                        `staticsAs: "states"`; else 0
//! ```
//!
//! Scaled is (v − mean) / deviation of each number, once a deviation has been fitted: until then they are all 0.
//!
//! The padding token's embedding is a constant: nothing that reads it moves it (`padding_idx` in `PyTorch`).

use super::head::linear;
use super::network::{NetworkBatch, Parameters};
use super::scalar::Scalar;
use crate::network::definition::{InputDefinition, ModelDefinition, Scaling, StaticsAs};

/// What is scaled, as its tensors' names begin, and its numbers.
pub(super) fn scaled(input: &InputDefinition) -> Vec<(&'static str, usize)> {
    let all = [("input", input.features()), ("statics", input.statics())];
    all.into_iter().filter(|&(_, size)| input.scaling == Scaling::Standard && size > 0).collect()
}

/// What the first layer reads \[n, steps, I\]; zero beyond a sequence's length.
pub(super) fn first_reads<S: Scalar>(
    input: &InputDefinition,
    parameters: &Parameters<S>,
    batch: &NetworkBatch<S>,
) -> Vec<S> {
    let (features, statics) = (input.features(), input.statics());
    assert_eq!(batch.x.len(), batch.lengths.len() * batch.steps * features, "x is [n, steps, features]");
    let mut reads = Vec::new();
    for (n, &length) in batch.lengths.iter().enumerate() {
        for at in n * batch.steps..n * batch.steps + length {
            reads.extend(scale(parameters, "input", &batch.x[at * features..][..features]));
            if input.tokens.is_some() {
                reads.extend(embedding(input, parameters, batch.tokens[at]));
            }
            if input.statics_at_steps() > 0 {
                reads.extend(scale(parameters, "statics", &batch.statics[n * statics..][..statics]));
            }
        }
        reads.resize((n + 1) * batch.steps * input.size(), S::from(0.0));
    }
    reads
}

/// Each sequence's initial states: layer by layer, direction by direction, hidden then cell.
pub(super) fn initial_states<S: Scalar>(
    definition: &ModelDefinition,
    parameters: &Parameters<S>,
    batch: &NetworkBatch<S>,
) -> Vec<Vec<S>> {
    let (size, statics) = (definition.state_size(), definition.input.statics());
    let of = |n: usize| {
        if let Some(given) = batch.initial {
            return given[n * size..][..size].to_vec();
        }
        if definition.input.statics_as == StaticsAs::Steps {
            return vec![S::from(0.0); size];
        }
        let statics = scale(parameters, "statics", &batch.statics[n * statics..][..statics]);
        linear(&parameters["initial.weight"], &parameters["initial.bias"], &statics)
    };
    (0..batch.lengths.len()).map(of).collect()
}

fn scale<S: Scalar>(parameters: &Parameters<S>, what: &str, values: &[S]) -> Vec<S> {
    let tensor = |name: &str| parameters.get(&format!("{what}.{name}"));
    match (tensor("mean"), tensor("deviation")) {
        (Some(mean), Some(deviation)) if deviation.iter().all(|deviation| deviation.value() != 0.0) => {
            values.iter().zip(mean).zip(deviation).map(|((&v, &mean), &deviation)| (v - mean) / deviation).collect()
        }
        _ => values.to_vec(),
    }
}

fn embedding<S: Scalar>(input: &InputDefinition, parameters: &Parameters<S>, token: usize) -> Vec<S> {
    let row = &parameters["embedding.weight"][token * input.embedding()..][..input.embedding()];
    let is_padding = input.padding.is_some_and(|padding| padding as usize == token);
    row.iter().map(|&number| if is_padding { S::from(number.value()) } else { number }).collect()
}
