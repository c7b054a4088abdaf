//! The weights a model starts with. Knows the layout, the seed and the definition's `initialisation`, nothing of training.
//!
//! | tensor | starts as, unless the definition says otherwise |
//! |---|---|
//! | `embedding.weight` | standard normal, as PyTorch's `nn.Embedding`; 0 for the padding token |
//! | `weight_ih` | Glorot uniform, each gate a matrix of its own |
//! | `weight_hh` | orthogonal, each gate a matrix of its own |
//! | `bias_ih` | 1 for an LSTM's forget gate, 0 elsewhere |
//! | `bias_hh` | 0 |
//! | `weight_hr` | Glorot uniform |
//! | `gain_gates`, `gain_cell` | 1 |
//! | `weight_peephole`, `bias_cell` | 0 |
//! | `initial.weight`, `attention.weight`, `attention.score`, `output.weight` | Glorot uniform |
//! | `initial.bias`, `attention.bias`, `output.bias`; means and deviations of the input's scaling | 0 |
//!
//! Each gate by itself, because an LSTM's `[4H, I]` and `[4H, H]` are only how four maps are stored: every gate maps `I` inputs
//! and `H` states to `H` sums. Keras takes the stored matrix as one: its Glorot bound counts `4H` outputs, which makes
//! every gate's weights smaller than the derivation asks for, and the four blocks of its `[H, 4H]` orthogonal matrix
//! preserve the state's length only together. Here every gate's recurrent matrix preserves it (Saxe et al. 2014). The other kinds
//! work gate by gate too.
//!
//! Tensors draw from the seed's stream one after the other, in the order of the layout, and what is constant draws nothing. So a
//! rule moves what the tensors after its own draw, and none before it. A padding token's embedding is 0 whatever the rule.

mod draw;
mod parameters;
mod plan;

use crate::{
    Error, ErrorCode, Result,
    network::{
        definition::{InitialisationDefinition, ModelDefinition},
        parameters::{LayerRanges, Layout, Tensor},
    },
    random::{RandomStream, Stream},
};

use parameters::{Parameter, Role, of_layer, of_model};

/// The flat vector of weights that a model of this definition starts with: `layout.total_length()` numbers, the same
/// bits for the same seed on every platform. Scaling is left unfitted.
pub fn initialise(definition: &ModelDefinition, layout: &Layout, seed: u32) -> Result<Vec<f32>> {
    drawn(definition.initialisation.as_ref(), &of_model(layout), layout.total_length(), seed)
}

/// Checks that a definition's rules fit its tensors.
pub(crate) fn check(definition: &InitialisationDefinition, layout: &Layout) -> Result<()> {
    plan::starts(definition, &of_model(layout)).map(|_| ())
}

/// The weights that a layer by itself starts with: those of the first layer of a model of this seed, where neither has rules.
pub(crate) fn initialise_alone(
    definition: Option<&InitialisationDefinition>,
    tensors: &[Tensor],
    layer: &LayerRanges,
    seed: u32,
) -> Result<Vec<f32>> {
    let length = tensors.iter().map(|tensor| tensor.length).sum();
    // For a layer by itself this is an option.
    drawn(definition, &of_layer(tensors, layer), length, seed)
        .map_err(|error| Error { code: ErrorCode::InvalidOption, ..error })
}

fn drawn(
    definition: Option<&InitialisationDefinition>,
    parameters: &[Parameter],
    length: usize,
    seed: u32,
) -> Result<Vec<f32>> {
    let starts = plan::starts(definition.unwrap_or(&InitialisationDefinition::default()), parameters)?;
    let mut random = RandomStream::new(seed, Stream::Initialisation);
    let mut weights = vec![0.0; length];
    for (parameter, start) in parameters.iter().zip(starts) {
        let tensor = &mut weights[parameter.range.clone()];
        start.draw.fill(tensor, &parameter.role, &mut random);
        if let (Role::GateBiases(biases), Some(bias)) = (&parameter.role, start.forget_bias)
            && let Some(gate) = biases.forget()
        {
            tensor[gate * biases.units..][..biases.units].fill(bias);
        }
    }
    Ok(weights)
}

#[cfg(test)]
mod tests;
