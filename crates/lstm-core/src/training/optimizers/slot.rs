//! What optimisers keep of every parameter from step to step, under the names that PyTorch's `state_dict` has for it.

use serde::{Deserialize, Serialize};

use crate::training::options::{OptimizerKind, OptimizerOptions};

/// A number that an optimiser keeps beside each parameter's; the names are PyTorch's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub enum OptimizerSlot {
    /// The mean of gradients of Adam, AdamW and Lion: the first moment.
    ExpAvg,
    /// The mean of squared gradients of Adam and AdamW: the second moment.
    ExpAvgSq,
    /// The largest mean of squared gradients so far, with `amsgrad`.
    MaxExpAvgSq,
    /// What SGD and RMSprop with momentum go on with.
    MomentumBuffer,
    /// The mean of squared gradients of RMSprop.
    SquareAvg,
    /// The mean of gradients of RMSprop, where it is centred.
    GradAvg,
}

use OptimizerSlot::{ExpAvg, ExpAvgSq, GradAvg, MaxExpAvgSq, MomentumBuffer, SquareAvg};

impl OptimizerSlot {
    /// Its name in JSON and in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ExpAvg => "exp_avg",
            ExpAvgSq => "exp_avg_sq",
            MaxExpAvgSq => "max_exp_avg_sq",
            MomentumBuffer => "momentum_buffer",
            SquareAvg => "square_avg",
            GradAvg => "grad_avg",
        }
    }
}

/// What an optimiser with these settings keeps, in the order in which its rule has it.
pub(crate) fn slots_of(options: &OptimizerOptions) -> &'static [OptimizerSlot] {
    let momentum = options.momentum() > 0.0;
    match options.kind {
        OptimizerKind::Sgd if !momentum => &[],
        OptimizerKind::Sgd => &[MomentumBuffer],
        OptimizerKind::Rmsprop => match (options.centered.unwrap_or(false), momentum) {
            (false, false) => &[SquareAvg],
            (false, true) => &[SquareAvg, MomentumBuffer],
            (true, false) => &[SquareAvg, GradAvg],
            (true, true) => &[SquareAvg, GradAvg, MomentumBuffer],
        },
        OptimizerKind::Adam | OptimizerKind::Adamw if options.amsgrad.unwrap_or(false) => {
            &[ExpAvg, ExpAvgSq, MaxExpAvgSq]
        }
        OptimizerKind::Adam | OptimizerKind::Adamw => &[ExpAvg, ExpAvgSq],
        OptimizerKind::Lion => &[ExpAvg],
    }
}
