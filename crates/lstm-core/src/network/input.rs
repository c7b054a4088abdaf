//! From samples to what the first layer reads at each step, and to the states that all layers begin from; and back from
//! their gradients to those of embeddings and of the map to initial states. Knows nothing of layers but their input.

use super::embedding::{Embedding, StepGradients, TableRows};
use super::initial_map::InitialMap;
use super::parameters::{Layout, ScalingRanges};
use super::recurrent::Layer;
use super::samples::{BehindNumbers, Gathering, Samples};
use super::scaling::InputScaling;
use super::workspace::Workspace;
use crate::Result;
use crate::cells::sequences::Sequences;
use crate::executor::Executor;
use crate::kernels::InstructionSet;
use crate::memory::AlignedBuffer;

/// Everything between a caller's sequences and the first layer.
pub(crate) struct InputLayer {
    /// Numbers of a step.
    features: usize,
    scaling: InputScaling,
    embedding: Option<Embedding>,
    statics: Statics,
    initial: Option<InitialMap>,
}

/// The numbers of whole sequences.
struct Statics {
    /// How many.
    count: usize,
    /// How many of them stand in every step's input.
    at_steps: usize,
    stride: usize,
    scaling: InputScaling,
    /// [B, stride]: of each row, scaled.
    rows: AlignedBuffer,
}

/// The batch that is gathered: where its rows go, and who brings them there.
#[derive(Clone, Copy)]
pub(crate) struct BatchPlace<'a> {
    pub(crate) sequences: &'a Sequences,
    pub(crate) executor: &'a Executor,
    /// Threads that will run the first layer.
    pub(crate) parts: usize,
}

impl InputLayer {
    pub(crate) fn new(layout: &Layout, set: InstructionSet, training: bool) -> Result<Self> {
        let input = layout.input();
        let initial = layout.initial().map(|ranges| InitialMap::new(ranges, set, training)).transpose()?;
        let stride = initial.as_ref().map_or(input.statics(), InitialMap::input_stride);
        Ok(Self {
            features: input.features(),
            scaling: InputScaling::default(),
            embedding: layout.embedding().map(|ranges| Embedding::new(ranges, set, training)),
            statics: Statics {
                count: input.statics(),
                at_steps: input.statics_at_steps(),
                stride,
                scaling: InputScaling::default(),
                rows: AlignedBuffer::default(),
            },
            initial,
        })
    }

    /// Takes over new weights. Embeddings are read where they lie.
    pub(crate) fn pack(&mut self, layout: &Layout, weights: &[f32]) {
        let set = |scaling: &mut InputScaling, ranges: Option<&ScalingRanges>| {
            if let Some(ScalingRanges { mean, deviation }) = ranges {
                scaling.set(&weights[mean.clone()], &weights[deviation.clone()]);
            }
        };
        set(&mut self.scaling, layout.scaling());
        set(&mut self.statics.scaling, layout.statics_scaling());
        if let Some(initial) = &mut self.initial {
            initial.pack(weights);
        }
    }

    /// Makes room for batches of up to so many rows and packed rows.
    pub(crate) fn reserve(&mut self, batch: usize, packed_rows: usize, threads: usize) -> Result<()> {
        self.statics.rows.grow(batch * self.statics.stride)?;
        if let Some(embedding) = &mut self.embedding {
            embedding.reserve(packed_rows);
        }
        self.initial.as_mut().map_or(Ok(()), |initial| initial.reserve(batch, threads))
    }

    /// Fills `out` [P, numbers of a step's input] in packed order: the features, scaled, the token's embedding, and the
    /// statics if they stand there. Sample `s` of the batch is `samples`' `pick(s)`; the embeddings are those of `weights`.
    pub(crate) fn gather(
        &mut self,
        weights: &[f32],
        place: BatchPlace,
        samples: &Samples,
        pick: impl Fn(usize) -> usize + Sync,
        out: &mut [f32],
    ) {
        let BatchPlace { sequences, executor, parts } = place;
        let Statics { count, at_steps, stride, ref scaling, ref mut rows } = self.statics;
        for (row, target) in rows.chunks_exact_mut(stride.max(1)).take(sequences.batch()).enumerate() {
            let target = &mut target[..count];
            target.copy_from_slice(samples.statics(pick(sequences.sample(row))));
            scaling.apply(target);
        }
        let mut behind = BehindNumbers { rows, stride, statics: at_steps, ..BehindNumbers::default() };
        if let Some(embedding) = &mut self.embedding {
            behind.embedding = embedding.size();
            behind.embeddings = embedding.table(weights);
            behind.tokens = embedding.read(sequences, samples, &pick);
        }
        Gathering { sequences, scaling: &self.scaling, behind, executor, parts }.gather(samples, pick, out);
    }

    /// Puts the initial states of the batch that was gathered last in front of each direction's packed rows, which are zero,
    /// unless other states are there, which sequences go on from.
    pub(crate) fn begin(&mut self, place: BatchPlace, layers: &[Layer], workspace: &mut Workspace, goes_on: bool) {
        match &mut self.initial {
            Some(initial) if goes_on => initial.pass_over(),
            Some(initial) => {
                initial.forward(place.executor, &self.statics.rows, place.sequences.batch(), layers, workspace);
            }
            None => {}
        }
    }

    /// From the gradients of the first layer's input and of the initial states, which the layers' backward passes have left
    /// in the workspace, to those of the weights. `flat` is the same vector in every call, zero at first.
    pub(crate) fn backward(&mut self, place: BatchPlace, layers: &[Layer], workspace: &Workspace, flat: &mut [f32]) {
        let BatchPlace { sequences, executor, .. } = place;
        if let Some(initial) = &mut self.initial {
            initial.backward(executor, &self.statics.rows, sequences.batch(), layers, workspace, flat);
        }
        if let Some(embedding) = &mut self.embedding {
            let values = &workspace.memory[workspace.input_gradient.range()];
            let from = StepGradients { values, stride: layers[0].input_stride, first: self.features };
            embedding.backward(executor, from, flat);
        }
    }

    /// The rows of the embeddings that a training step changes, if not all of them.
    pub(crate) fn changed_rows(&self) -> Option<TableRows<'_>> {
        self.embedding.as_ref().and_then(Embedding::changed_rows)
    }
}
