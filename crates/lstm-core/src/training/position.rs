//! Where a run is: what comes next. Knows neither data nor weights.

use serde::{Deserialize, Serialize};

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "phase")]
pub(super) enum Position {
    /// The scaling's pass over the data: the chunk that is next.
    Scaling { chunk: u32 },
    /// The epoch, from 0; which of its chunks is visited; the first sample of the next batch in the chunk's order; and the step
    /// that the batch's next span begins with.
    Training { epoch: u32, visit: u32, start: usize, first: usize },
    /// The same of the validation data.
    Validation { epoch: u32, start: usize, first: usize },
    /// Nothing, after so many epochs; `early` if there would have been more.
    Finished { epochs: u32, early: bool },
}

impl Position {
    /// The beginning of an epoch.
    pub(super) fn epoch(epoch: u32) -> Self {
        Self::Training { epoch, visit: 0, start: 0, first: 0 }
    }

    /// Where the same work goes on that a checkpoint cannot hold half of: validation and scaling change nothing before they
    /// are done, and begin anew.
    pub(super) fn resumable(self) -> Self {
        match self {
            Self::Scaling { .. } => Self::Scaling { chunk: 0 },
            Self::Validation { epoch, .. } => Self::Validation { epoch, start: 0, first: 0 },
            other => other,
        }
    }

    /// The epoch under way, from 1; the last one if nothing is.
    pub(super) fn epoch_under_way(self) -> u32 {
        match self {
            Self::Scaling { .. } => 1,
            Self::Training { epoch, .. } | Self::Validation { epoch, .. } => epoch + 1,
            Self::Finished { epochs, .. } => epochs,
        }
    }
}
