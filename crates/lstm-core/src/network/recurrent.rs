//! The recurrent layers of a network over one batch, forward and backward, each in one direction or in both.
//! Knows where the buffers lie; nothing of heads and losses.

use super::between::Joint;
use super::definition::{LayerDefinition, Merge};
use super::dropout::{self, WeightDropout};
use super::normalisation::Normalisation;
use super::parameters::Layout;
use super::workspace::{DirectionRegions, Workspace};
use crate::Result;
use crate::cells::recurrence::{
    Activations, FromAbove, Gradients, InputGradient, KeptLayout, LayerBatch, PackedWeights, Shape, backward, forward,
};
use crate::cells::sequences::{Direction, Sequences};
use crate::executor::Executor;
use crate::kernels::InstructionSet;
use crate::memory::disjoint;
use crate::random::RandomStream;

/// The directions of a layer, in the order of its tensors and of its outputs.
pub(crate) const DIRECTIONS: [Direction; 2] = [Direction::Forward, Direction::Reverse];

/// One layer's weights, packed.
pub(crate) struct Layer {
    pub(crate) definition: LayerDefinition,
    pub(crate) shape: Shape,
    /// One, or two for a bidirectional layer.
    pub(crate) directions: Vec<PackedWeights>,
    /// What normalises its input, if anything does.
    pub(super) norm: Option<Normalisation>,
    /// Whether something below has a use for the gradient of the layer's input, its normalisation among them.
    pub(crate) has_input_gradient: bool,
    /// Numbers from one row of that gradient to the next.
    pub(crate) input_stride: usize,
    /// The same of one row of what the layer gives at every step.
    pub(crate) output_stride: usize,
    weight_dropout: Vec<WeightDropout>,
}

impl Layer {
    /// Numbers a step that the layer gives.
    pub(crate) fn outputs(&self) -> usize {
        self.definition.outputs()
    }

    /// What becomes of its directions' states.
    pub(super) fn joint(&self) -> Joint {
        Joint { merge: self.definition.merge, residual: self.definition.residual }
    }

    /// Whether what it gives at every step has to be put together: else it is read where the directions' states lie, which a
    /// layer above can do in two pieces.
    pub(crate) fn joins(&self, is_top: bool) -> bool {
        let bidirectional = self.directions.len() > 1;
        self.definition.residual || bidirectional && (is_top || self.definition.merge != Merge::Concat)
    }

    /// Whether training drops some of its input.
    pub(crate) fn drops_input(&self) -> bool {
        self.definition.dropout > 0.0 || self.definition.input_dropout > 0.0
    }
}

/// A stack of layers, the one nearest to the input first.
pub(crate) struct Recurrent {
    pub(super) set: InstructionSet,
    pub(crate) layers: Vec<Layer>,
    training: bool,
    /// Whether the last forward pass ran under masks.
    pub(super) masked: bool,
    /// Whether the packed weights are masked.
    weights_masked: bool,
}

impl Recurrent {
    /// Layers of zeros. `training` says whether [`backward`](Self::backward) will be called.
    pub(crate) fn new(layout: &Layout, set: InstructionSet, training: bool) -> Result<Self> {
        let lanes = set.lanes();
        let layer = |(index, layer): (usize, &super::parameters::LayerRanges)| {
            let shape = Shape::new(&layer.definition, layer.input_size, lanes);
            // Nobody uses the gradient of the network's own input, unless embeddings are part of it or it is normalised.
            let has_input_gradient = index > 0 || layout.embedding().is_some() || layer.norm.is_some();
            let weights =
                layer.directions.iter().map(|_| PackedWeights::new(shape, lanes, training, has_input_gradient));
            let weight_dropout = layer.directions.iter().map(|tensors| WeightDropout::new(layer, tensors, training));
            let weight_dropout = weight_dropout.collect();
            let [input_stride, output_stride] =
                [shape.input_size, layer.outputs()].map(|numbers| numbers.next_multiple_of(lanes));
            let directions = weights.collect::<Result<_>>()?;
            let norm = layer.norm.as_ref().map(|ranges| Normalisation::new(ranges, set)).transpose()?;
            Ok(Layer {
                definition: layer.definition.clone(),
                shape,
                directions,
                norm,
                has_input_gradient,
                input_stride,
                output_stride,
                weight_dropout,
            })
        };
        let layers = layout.layers().iter().enumerate().map(layer).collect::<Result<_>>()?;
        Ok(Self { set, layers, training, masked: false, weights_masked: false })
    }

    /// Takes over new weights, a flat vector of the given layout.
    pub(crate) fn pack(&mut self, executor: &Executor, layout: &Layout, weights: &[f32]) {
        for (layer, ranges) in self.layers.iter_mut().zip(layout.layers()) {
            if let Some(norm) = &mut layer.norm {
                norm.pack(weights);
            }
            for (packed, ranges) in layer.directions.iter_mut().zip(&ranges.directions) {
                packed.pack(executor, ranges.of(weights));
            }
        }
        self.weights_masked = false;
    }

    /// Packs anew the weights of which a training step drops some, under new masks.
    pub(crate) fn drop_weights(
        &mut self,
        executor: &Executor,
        layout: &Layout,
        weights: &[f32],
        random: &mut RandomStream,
    ) {
        for (layer, ranges) in self.layers.iter_mut().zip(layout.layers()) {
            let directions = layer.directions.iter_mut().zip(&mut layer.weight_dropout);
            for ((packed, dropout), ranges) in directions.zip(&ranges.directions) {
                if let Some(weights) = dropout.draw(ranges.of(weights), random) {
                    packed.pack(executor, weights);
                }
            }
        }
        self.weights_masked = true;
    }

    /// Runs the layers over the workspace's input, from the states that the workspace holds in front of each
    /// direction's packed rows. With `random`, this is a training step's pass, which drops what the layers are to drop.
    pub(crate) fn forward(
        &mut self,
        executor: &Executor,
        sequences: &Sequences,
        workspace: &mut Workspace,
        mut random: Option<&mut RandomStream>,
    ) {
        self.masked = random.is_some();
        for (index, layer) in self.layers.iter().enumerate() {
            self.normalise_input(index, executor, sequences, workspace);
            if let Some(random) = &mut random {
                self.drop_input(index, executor, sequences, workspace, random);
            }
            let source = self.left(index, sequences, workspace);
            for ((weights, regions), direction) in
                layer.directions.iter().zip(workspace.layers[index].directions).zip(DIRECTIONS)
            {
                let DirectionRegions { hidden, cells, gates, kept, .. } = regions;
                let [first, second, hidden, cells, gates, kept] =
                    disjoint(&mut workspace.memory, [source.regions[0], source.regions[1], hidden, cells, gates, kept]);
                let layout = self.kept(layer.shape, sequences);
                if let Some(random) = &mut random {
                    dropout::draw(layout, layer.shape, kept, random);
                }
                let kept = layout.carve(kept, self.masked);
                let x = source.input(first, second);
                let job = LayerBatch { set: self.set, executor, weights, sequences, direction, x };
                forward(job, Activations { hidden, cells, gates, kept, training: self.training });
            }
            self.join(index, executor, sequences, workspace);
        }
    }

    /// Runs the layers backwards and writes the gradients of all weights into a flat vector of the given layout. The
    /// workspace holds the gradients of the last layer's hidden states at every step, if `every_step` is read, or of its
    /// final hidden states.
    pub(crate) fn backward(
        &self,
        executor: &Executor,
        sequences: &Sequences,
        workspace: &mut Workspace,
        every_step: bool,
        layout: &Layout,
        gradients: &mut [f32],
    ) {
        debug_assert!(self.training);
        let rows = sequences.packed_rows();
        for (index, layer) in self.layers.iter().enumerate().rev() {
            let every_step = every_step || index + 1 < self.layers.len();
            if every_step {
                let from_above = workspace.layers[index].from_above;
                let from_above = &mut workspace.memory[from_above.range()];
                layer.joint().backward_in_place(executor, rows, layer.output_stride, from_above);
            }
            for which in 0..layer.directions.len() {
                let place = (index, which, every_step);
                self.backward_direction(executor, sequences, workspace, place, layout, gradients);
            }
            self.backward_between(executor, sequences, workspace, (index, every_step), gradients);
        }
    }

    /// From the gradient of a direction's hidden states, of every step or the final ones, to those of its weights and of
    /// the layer below.
    fn backward_direction(
        &self,
        executor: &Executor,
        sequences: &Sequences,
        workspace: &mut Workspace,
        (index, which, every_step): (usize, usize, bool),
        layout: &Layout,
        gradients: &mut [f32],
    ) {
        let layer = &self.layers[index];
        let source = self.left(index, sequences, workspace);
        let regions = workspace.layers[index];
        let direction_regions = regions.directions[which];
        let input_gradient = self.input_gradient(index, workspace);
        let [first, second, below, from_above, gates, cells, hidden, kept, hidden_state, cell_state, scratch] =
            disjoint(
                &mut workspace.memory,
                [
                    source.regions[0],
                    source.regions[1],
                    input_gradient.unwrap_or_default(),
                    regions.from_above,
                    direction_regions.gates,
                    direction_regions.cells,
                    direction_regions.hidden,
                    direction_regions.kept,
                    direction_regions.hidden_gradient,
                    direction_regions.cell_gradient,
                    workspace.scratch,
                ],
            );
        // Either every step is used, the last one among them, or the final hidden states; no final cell state is.
        if every_step {
            hidden_state.fill(0.0);
        }
        cell_state.fill(0.0);
        let job = LayerBatch {
            set: self.set,
            executor,
            weights: &layer.directions[which],
            sequences,
            direction: DIRECTIONS[which],
            x: source.input(first, second),
        };
        let from_above = every_step.then(|| FromAbove {
            values: &from_above[layer.joint().place(which, layer.shape.hidden)..],
            stride: layer.output_stride,
        });
        backward(
            job,
            Gradients {
                gates,
                cells,
                hidden,
                kept: self.kept(layer.shape, sequences).carve(kept, self.masked),
                from_above,
                hidden_state,
                cell_state,
                input: input_gradient.map(|_| InputGradient { values: below, add: which > 0 }),
                weights: layout.layer(index).directions[which].of_mut(gradients),
                scratch,
            },
        );
        if self.weights_masked {
            layer.weight_dropout[which]
                .backward(&mut gradients[layout.layer(index).directions[which].weight_hh.clone()]);
        }
    }

    fn kept(&self, shape: Shape, sequences: &Sequences) -> KeptLayout {
        KeptLayout::new(shape, sequences.batch(), sequences.packed_rows(), self.training)
    }
}
