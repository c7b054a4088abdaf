//! Samples and their classes, copied once into memory that outlives the call that brought them.

use crate::network::samples::Samples;
use crate::{Error, ErrorCode, Result};

/// A set of sequences, each with its class.
pub(crate) struct Dataset {
    x: Vec<f32>,
    steps: usize,
    features: usize,
    lengths: Option<Vec<u32>>,
    targets: Vec<u32>,
}

impl Dataset {
    /// Checks and copies `x` [n, `steps`, `features`], `lengths` `[n]` and `targets` `[n]`, each a class's index.
    pub(crate) fn new(
        x: &[f32],
        steps: usize,
        features: usize,
        lengths: Option<&[u32]>,
        targets: &[u32],
        classes: usize,
    ) -> Result<Self> {
        let samples = Samples::new(x, steps, features, lengths)?;
        if targets.len() != samples.count() {
            let message = format!("there are {} targets for {} sequences", targets.len(), samples.count());
            return Err(Error::new(ErrorCode::ShapeMismatch, "targets", message));
        }
        if let Some(index) = targets.iter().position(|&target| target as usize >= classes) {
            let message = format!("class {} is not one of the {classes} classes, which count from 0", targets[index]);
            return Err(Error::new(ErrorCode::UnknownClass, format!("targets[{index}]"), message));
        }
        Ok(Self { x: x.to_vec(), steps, features, lengths: lengths.map(<[u32]>::to_vec), targets: targets.to_vec() })
    }

    /// The sequences.
    pub(crate) fn samples(&self) -> Samples<'_> {
        Samples::checked(&self.x, self.steps, self.features, self.lengths.as_deref())
    }

    /// Sequences.
    pub(crate) fn count(&self) -> usize {
        self.targets.len()
    }

    /// The class of a sample.
    pub(crate) fn target(&self, sample: usize) -> usize {
        self.targets[sample] as usize
    }
}
