//! One direction of a recurrent layer by itself, forward and backward on plain arrays. [`Layer`](crate::Layer) is a whole layer.

use std::ops::Range;
use std::sync::Arc;

use crate::cells::recurrence::{
    Activations, Columns, FromAbove, Gradients, Input, InputGradient, LayerBatch, PackedWeights, Recurrence, Shape,
    backward, forward, scratch,
};
use crate::cells::sequences::{Direction, Sequences};
use crate::executor::Executor;
use crate::kernels::InstructionSet;
use crate::memory::AlignedBuffer;
use crate::network::definition::{DirectionTensors, LayerDefinition};
use crate::network::padded::{Place, pack_rows, pad_states, per_sample, unpack};
use crate::network::samples::{Gathering, InputScaling, Samples};
use crate::{Error, ErrorCode, Result};

/// What a layer computes, or the gradients of it: B sequences, T steps, H units.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerOutput {
    /// [B, T, H]: the hidden state after each step; zero beyond a sequence's length.
    pub hidden: Vec<f32>,
    /// [B, H]: the hidden state after the step that each sequence ends with: its last valid one, in reverse its first.
    pub final_hidden: Vec<f32>,
    /// [B, H]: the cell state likewise; empty unless the layer is an LSTM.
    pub final_cell: Vec<f32>,
}

/// The gradients of one backward pass, by everything that the forward pass read.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerGradients {
    /// Every tensor, one after the other, as [`RecurrentLayer::tensors`] names them.
    pub weights: Vec<f32>,
    /// [B, T, I]; zero beyond a sequence's length
    pub x: Vec<f32>,
    /// [B, H]
    pub initial_hidden: Vec<f32>,
    /// [B, H]; empty unless the layer is an LSTM
    pub initial_cell: Vec<f32>,
}

/// A recurrent layer with its weights and the activations of its last forward pass.
///
/// ```
/// use lstm_core::network::definition::{Cell, LayerDefinition};
/// use lstm_core::{kernels::InstructionSet, network::layer::RecurrentLayer};
/// let definition = LayerDefinition::new(Cell::Lstm, 2);
/// let mut layer = RecurrentLayer::new(&definition, 1, InstructionSet::choose()?, Some(1))?;
/// layer.set_weights(&[0.1; 8 + 16 + 8 + 8])?; // weight_ih, weight_hh, bias_ih, bias_hh
/// let output = layer.forward(&[1.0, -1.0, 2.0], 3, None, None)?; // one sequence of three steps
/// assert_eq!(output.hidden.len(), 3 * 2);
/// let gradients = layer.backward(None, &[1.0, 1.0], &[0.0, 0.0])?; // of the sum of the final hidden state
/// assert_eq!(gradients.x.len(), 3);
/// # Ok::<(), lstm_core::Error>(())
/// ```
pub struct RecurrentLayer {
    set: InstructionSet,
    executor: Arc<Executor>,
    weights: PackedWeights,
    definition: LayerDefinition,
    /// Where each tensor lies in the flat vector of weights.
    ranges: DirectionTensors<Range<usize>>,
    direction: Direction,
    sequences: Sequences,
    steps: usize,
    x: AlignedBuffer,
    hidden: AlignedBuffer,
    cells: AlignedBuffer,
    gates: AlignedBuffer,
    gradients: GradientBuffers,
    /// Whether there is a forward pass to go back through: going back leaves gradients in the place of the gates.
    ran: bool,
}

/// What a backward pass needs room for, kept from one to the next.
#[derive(Default)]
struct GradientBuffers {
    /// [P, H]: of the hidden states at every step.
    from_above: AlignedBuffer,
    /// [B, H]: of the final states, then of the initial ones.
    hidden: AlignedBuffer,
    cell: AlignedBuffer,
    scratch: AlignedBuffer,
}

impl RecurrentLayer {
    /// One direction of the layer that a definition describes, over inputs of `input_size` numbers a step, its weights
    /// zero. Without `threads`, as many as the machine has.
    pub fn new(
        definition: &LayerDefinition,
        input_size: usize,
        set: InstructionSet,
        threads: Option<usize>,
    ) -> Result<Self> {
        definition.validate("layer")?;
        if input_size == 0 {
            let message = "a layer over no inputs is empty; give at least one";
            return Err(Error::new(ErrorCode::InvalidDefinition, "input_size", message));
        }
        Self::with_executor(definition, input_size, Direction::Forward, set, Arc::new(Executor::new(threads)?))
    }

    /// A direction of a layer whose definition was validated, on threads that it may share.
    pub(crate) fn with_executor(
        definition: &LayerDefinition,
        input_size: usize,
        direction: Direction,
        set: InstructionSet,
        executor: Arc<Executor>,
    ) -> Result<Self> {
        let shape = Shape::new(Recurrence::of(definition), input_size, definition.units as usize, set.lanes());
        Ok(Self {
            set,
            executor,
            weights: PackedWeights::new(shape, set.lanes(), true, true)?,
            definition: definition.clone(),
            ranges: DirectionTensors::ranges(definition, input_size),
            direction,
            sequences: Sequences::default(),
            steps: 0,
            x: AlignedBuffer::default(),
            hidden: AlignedBuffer::default(),
            cells: AlignedBuffer::default(),
            gates: AlignedBuffer::default(),
            gradients: GradientBuffers::default(),
            ran: false,
        })
    }

    /// The same layer, reading each sequence backwards, from its own last valid step to its first: the reverse half of a
    /// bidirectional layer. Its final states are those after step 0.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { direction: Direction::Reverse, ..self }
    }

    /// The names and shapes of the layer's tensors, in the order of its flat vector of weights. The shapes are PyTorch's:
    /// G blocks of H rows, G being 4 for an LSTM (i, f, g, o; with coupled gates i, g, o), 3 for a GRU (r, z, n), 1 for a
    /// simple RNN.
    #[must_use]
    pub fn tensors(&self) -> Vec<(&'static str, Vec<usize>)> {
        DirectionTensors::shapes(&self.definition, self.weights.shape.input_size).named()
    }

    /// Takes over weights: every tensor, one after the other.
    pub fn set_weights(&mut self, weights: &[f32]) -> Result<()> {
        check("weights", weights, length(&self.ranges))?;
        self.weights.pack(&self.executor, self.ranges.of(weights));
        Ok(())
    }

    /// Runs the layer over `x` [B, `steps`, I], of which the first `lengths[b]` steps count, from the initial states
    /// `(h0, c0)`, [B, H] each, c0 empty unless the layer is an LSTM, or from zero.
    pub fn forward(
        &mut self,
        x: &[f32],
        steps: usize,
        lengths: Option<&[u32]>,
        initial: Option<(&[f32], &[f32])>,
    ) -> Result<LayerOutput> {
        let Shape { input_size, units, .. } = self.weights.shape;
        let samples = Samples::new(x, steps, input_size, lengths)?;
        let batch = samples.count();
        if let Some((hidden, cell)) = initial {
            check("h0", hidden, batch * units)?;
            check("c0", cell, self.cell_numbers(batch))?;
        }
        self.run_forward(&samples, initial.map(|(hidden, _)| hidden), initial.map(|(_, cell)| cell))?;
        let mut output = LayerOutput {
            hidden: vec![0.0; batch * steps * units],
            final_hidden: vec![0.0; batch * units],
            final_cell: vec![0.0; self.cell_numbers(batch)],
        };
        self.write_hidden(&mut output.hidden, Place { first: 0, stride: units });
        self.write_final_states(&mut output.final_hidden, &mut output.final_cell);
        Ok(output)
    }

    /// Runs the layer over samples, from initial states [B, H] of the right length, or from zero.
    pub(crate) fn run_forward(
        &mut self,
        samples: &Samples,
        initial_hidden: Option<&[f32]>,
        initial_cell: Option<&[f32]>,
    ) -> Result<()> {
        let Shape { input_size, units, padded_units, .. } = self.weights.shape;
        let (batch, steps) = (samples.count(), samples.steps());
        self.ran = false;
        self.sequences.pack(batch, steps, |sample| samples.length(sample));
        self.steps = steps;
        let packed = self.sequences.packed_rows();
        self.x.grow(packed * input_size)?;
        self.hidden.grow((batch + packed) * padded_units)?;
        self.cells.grow((batch + packed) * padded_units)?;
        self.gates.grow(packed * self.weights.shape.gate_stride())?;
        let gathering = Gathering {
            sequences: &self.sequences,
            scaling: &InputScaling::default(),
            executor: &self.executor,
            parts: 1,
        };
        gathering.gather(samples, |sample| sample, &mut self.x);
        pad_states(&self.sequences, &mut self.hidden, initial_hidden, units, padded_units);
        let initial_cell = initial_cell.filter(|_| self.has_cell_state());
        pad_states(&self.sequences, &mut self.cells, initial_cell, units, padded_units);
        let activations =
            Activations { hidden: &mut self.hidden, cells: &mut self.cells, gates: &mut self.gates, training: true };
        forward(
            LayerBatch {
                set: self.set,
                executor: &self.executor,
                weights: &self.weights,
                sequences: &self.sequences,
                direction: self.direction,
                x: Input { first: Columns { values: &self.x, stride: input_size, count: input_size }, second: None },
            },
            activations,
        );
        self.ran = true;
        Ok(())
    }

    /// Writes the hidden states of the last forward pass into their place in [B, T, stride], which is zero.
    pub(crate) fn write_hidden(&self, out: &mut [f32], place: Place) {
        let Shape { units, padded_units, .. } = self.weights.shape;
        let packed = &self.hidden[self.sequences.batch() * padded_units..];
        unpack(&self.sequences, self.steps, packed, padded_units, out, place, units);
    }

    /// Writes the final states of the last forward pass, [B, H] each, the second empty unless the layer is an LSTM.
    pub(crate) fn write_final_states(&self, hidden: &mut [f32], cell: &mut [f32]) {
        self.final_states(&self.hidden, hidden);
        if self.has_cell_state() {
            self.final_states(&self.cells, cell);
        }
    }

    /// Runs the last forward pass backwards, given the gradients of its outputs: of the hidden states [B, T, H] if
    /// they were used, of the final hidden and cell states [B, H], the latter empty unless the layer is an LSTM.
    pub fn backward(
        &mut self,
        hidden: Option<&[f32]>,
        final_hidden: &[f32],
        final_cell: &[f32],
    ) -> Result<LayerGradients> {
        let Shape { input_size, units, .. } = self.weights.shape;
        self.check_ran()?;
        let (batch, steps) = (self.sequences.batch(), self.steps);
        check("hidden", hidden.unwrap_or(&[]), hidden.map_or(0, |_| batch * steps * units))?;
        check("final_hidden", final_hidden, batch * units)?;
        check("final_cell", final_cell, self.cell_numbers(batch))?;
        let mut gradients = LayerGradients {
            weights: vec![0.0; length(&self.ranges)],
            x: vec![0.0; batch * steps * input_size],
            initial_hidden: vec![0.0; batch * units],
            initial_cell: vec![0.0; self.cell_numbers(batch)],
        };
        let hidden = hidden.map(|hidden| (hidden, Place { first: 0, stride: units }));
        let mut input = AlignedBuffer::zeros(self.packed_input())?;
        self.run_backward(hidden, Some(final_hidden), Some(final_cell), (&mut input, false), &mut gradients.weights)?;
        self.write_input_gradient(&input, &mut gradients.x);
        self.write_initial_gradients(&mut gradients.initial_hidden, &mut gradients.initial_cell);
        Ok(gradients)
    }

    /// Runs the last forward pass backwards, given gradients of the right length: of the hidden states in their place in
    /// [B, T, stride], of the final states [B, H]. The gradient of the input goes into [`packed_input`](Self::packed_input)
    /// numbers, or is added to what is there; those of the weights go into their flat vector.
    pub(crate) fn run_backward(
        &mut self,
        hidden: Option<(&[f32], Place)>,
        final_hidden: Option<&[f32]>,
        final_cell: Option<&[f32]>,
        (input, add): (&mut [f32], bool),
        weights: &mut [f32],
    ) -> Result<()> {
        let Shape { input_size, units, padded_units, .. } = self.weights.shape;
        let (batch, packed) = (self.sequences.batch(), self.sequences.packed_rows());
        let buffers = &mut self.gradients;
        buffers.scratch.grow(scratch(self.weights.shape, self.set.lanes(), self.executor.threads()))?;
        buffers.hidden.grow(batch * padded_units)?;
        buffers.cell.grow(batch * padded_units)?;
        if let Some((hidden, place)) = hidden {
            buffers.from_above.grow(packed * padded_units)?;
            pack_rows(&self.sequences, self.steps, hidden, place, &mut buffers.from_above, units, padded_units);
        }
        pad_states(&self.sequences, &mut buffers.hidden, final_hidden, units, padded_units);
        let final_cell = final_cell.filter(|_| self.weights.shape.recurrence.has_cell_state());
        pad_states(&self.sequences, &mut buffers.cell, final_cell, units, padded_units);
        self.ran = false;
        backward(
            LayerBatch {
                set: self.set,
                executor: &self.executor,
                weights: &self.weights,
                sequences: &self.sequences,
                direction: self.direction,
                x: Input { first: Columns { values: &self.x, stride: input_size, count: input_size }, second: None },
            },
            Gradients {
                gates: &mut self.gates,
                cells: &self.cells,
                hidden: &self.hidden,
                from_above: hidden.map(|_| FromAbove { values: &buffers.from_above, stride: padded_units }),
                hidden_state: &mut buffers.hidden,
                cell_state: &mut buffers.cell,
                input: Some(InputGradient { values: input, add }),
                weights: self.ranges.of_mut(weights),
                scratch: &mut buffers.scratch,
            },
        );
        Ok(())
    }

    /// Numbers of the gradient of a batch's input as [`run_backward`](Self::run_backward) writes it.
    pub(crate) fn packed_input(&self) -> usize {
        self.sequences.packed_rows() * self.input_stride()
    }

    /// Writes the packed gradient of the input into [B, T, I], which is zero.
    pub(crate) fn write_input_gradient(&self, packed: &[f32], x: &mut [f32]) {
        let inputs = self.weights.shape.input_size;
        let place = Place { first: 0, stride: inputs };
        unpack(&self.sequences, self.steps, packed, self.input_stride(), x, place, inputs);
    }

    /// Writes the gradients of the initial states, [B, H] each, the second empty unless the layer is an LSTM.
    pub(crate) fn write_initial_gradients(&self, initial_hidden: &mut [f32], initial_cell: &mut [f32]) {
        let Shape { units, padded_units, .. } = self.weights.shape;
        per_sample(&self.sequences, units, |row| &self.gradients.hidden[row * padded_units..], initial_hidden);
        if self.has_cell_state() {
            per_sample(&self.sequences, units, |row| &self.gradients.cell[row * padded_units..], initial_cell);
            return;
        }
        // What was carried past the weights belongs to the hidden state.
        for row in 0..self.sequences.batch() {
            let carried = &self.gradients.cell[row * padded_units..][..units];
            for (gradient, carried) in
                initial_hidden[self.sequences.sample(row) * units..][..units].iter_mut().zip(carried)
            {
                *gradient += carried;
            }
        }
    }

    /// Whether there is a forward pass to go back through.
    pub(crate) fn check_ran(&self) -> Result<()> {
        if self.ran {
            return Ok(());
        }
        let message = "there is no forward pass to go back through: call forward first; each serves one backward pass";
        Err(Error::new(ErrorCode::EmptyData, "", message))
    }

    /// The batch and the steps of the last forward pass.
    pub(crate) fn batch(&self) -> (usize, usize) {
        (self.sequences.batch(), self.steps)
    }

    fn input_stride(&self) -> usize {
        self.weights.shape.input_size.next_multiple_of(self.set.lanes())
    }

    fn has_cell_state(&self) -> bool {
        self.weights.shape.recurrence.has_cell_state()
    }

    /// Numbers of the cell states of a batch.
    pub(crate) fn cell_numbers(&self, batch: usize) -> usize {
        if self.has_cell_state() { batch * self.weights.shape.units } else { 0 }
    }

    fn final_states(&self, states: &[f32], out: &mut [f32]) {
        let Shape { units, padded_units, .. } = self.weights.shape;
        let batch = self.sequences.batch();
        let last = |row| &states[(batch + self.sequences.last(self.direction, row)) * padded_units..];
        per_sample(&self.sequences, units, last, out);
    }
}

/// Numbers of all tensors.
fn length(ranges: &DirectionTensors<Range<usize>>) -> usize {
    ranges.iter().map(Range::len).sum()
}

fn check(name: &str, values: &[f32], length: usize) -> Result<()> {
    if values.len() == length {
        return Ok(());
    }
    let message = format!("{name} has {} numbers, the layer expects {length}", values.len());
    Err(Error::new(ErrorCode::ShapeMismatch, name, message))
}
