//! One direction of a recurrent layer by itself, forward and backward on plain arrays. [`Layer`](crate::Layer) is a whole layer.

use std::ops::Range;
use std::sync::Arc;

use crate::cells::recurrence::{
    Activations, Columns, FromAbove, Gradients, Input, InputGradient, KeptLayout, LayerBatch, MaskRows, PackedWeights,
    ScratchLayout, Shape, backward, forward,
};
use crate::cells::sequences::{Direction, Sequences};
use crate::executor::Executor;
use crate::kernels::InstructionSet;
use crate::memory::AlignedBuffer;
use crate::network::definition::{DirectionTensors, LayerDefinition};
use crate::network::dropout;
use crate::network::padded::{Place, pack_rows, pad_states, per_sample, unpack};
use crate::network::samples::{BehindNumbers, Gathering, Samples};
use crate::network::scaling::InputScaling;
use crate::random::RandomStream;
use crate::{Error, ErrorCode, Result};

/// What a layer computes, or the gradients of it: B sequences, T steps, H units, R numbers of hidden state (H, or what they are
/// projected to).
#[derive(Debug, Clone, PartialEq)]
pub struct LayerOutput {
    /// [B, T, R]: the hidden state after each step; zero beyond a sequence's length.
    pub hidden: Vec<f32>,
    /// [B, R]: the hidden state after the step that each sequence ends with: its last valid one, in reverse its first.
    pub final_hidden: Vec<f32>,
    /// [B, H]: the cell state likewise; empty unless the layer is an LSTM.
    pub final_cell: Vec<f32>,
}

/// The random factors of one training step, for layers that drop states or keep them: B sequences, T steps.
///
/// Empty where a layer has no such option. What masks hold beyond a sequence's length does not matter.
#[derive(Debug, Clone, Copy, Default)]
pub struct LayerMasks<'a> {
    /// [B, R]: what the hidden state is multiplied with on its way into the gates (recurrent dropout).
    pub recurrent: &'a [f32],
    /// [B, T, R]: the part, 0 or 1, of the hidden state that is kept of the step before (zoneout).
    pub keep_hidden: &'a [f32],
    /// [B, T, H]: the same of the cell state.
    pub keep_cell: &'a [f32],
}

/// Where a pass has the masks of its states from.
pub(crate) enum StateMasks<'a> {
    /// Prediction: there are none.
    Expected,
    /// The next ones of a stream.
    Drawn(&'a mut RandomStream),
    /// Given ones; those of the hidden and of the cell states lie in these places of [B, T, stride].
    Given(LayerMasks<'a>, [Place; 2]),
}

/// The gradients of one backward pass, by everything that the forward pass read.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerGradients {
    /// Every tensor, one after the other, as [`RecurrentLayer::tensors`] names them.
    pub weights: Vec<f32>,
    /// [B, T, I]; zero beyond a sequence's length
    pub x: Vec<f32>,
    /// [B, R]
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
    kept: AlignedBuffer,
    masked: bool,
    gradients: GradientBuffers,
    /// Whether there is a forward pass to go back through: going back leaves gradients in the place of the gates.
    ran: bool,
}

/// What a backward pass needs room for, kept from one to the next.
#[derive(Default)]
struct GradientBuffers {
    /// [P, R]: of the hidden states at every step.
    from_above: AlignedBuffer,
    /// [B, R]: of the final states, then of the initial ones.
    hidden: AlignedBuffer,
    /// [B, H], likewise.
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
        let shape = Shape::new(definition, input_size, set.lanes());
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
            kept: AlignedBuffer::default(),
            masked: false,
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
        self.pack(self.ranges.of(weights));
        Ok(())
    }

    /// The same, tensor by tensor.
    pub(crate) fn pack(&mut self, weights: DirectionTensors<&[f32]>) {
        self.weights.pack(&self.executor, weights);
    }

    /// Runs the layer over `x` [B, `steps`, I], of which the first `lengths[b]` steps count, from the initial states
    /// `(h0, c0)`, [B, R] and [B, H], c0 empty unless the layer is an LSTM, or from zero. Nothing is dropped, and zoneout keeps
    /// the part that it keeps on average.
    pub fn forward(
        &mut self,
        x: &[f32],
        steps: usize,
        lengths: Option<&[u32]>,
        initial: Option<(&[f32], &[f32])>,
    ) -> Result<LayerOutput> {
        self.forward_masked(x, steps, lengths, initial, None)
    }

    /// The same with the random factors of a training step.
    pub fn forward_masked(
        &mut self,
        x: &[f32],
        steps: usize,
        lengths: Option<&[u32]>,
        initial: Option<(&[f32], &[f32])>,
        masks: Option<LayerMasks>,
    ) -> Result<LayerOutput> {
        let Shape { input_size, hidden, units, .. } = self.weights.shape;
        let samples = Samples::new(x, steps, input_size, lengths)?;
        let batch = samples.count();
        if let Some((h0, cell)) = initial {
            check("h0", h0, batch * hidden)?;
            check("c0", cell, self.cell_numbers(batch))?;
        }
        let places = [hidden, units].map(|stride| Place { first: 0, stride });
        let masks = masks.map_or(StateMasks::Expected, |masks| StateMasks::Given(masks, places));
        self.run_forward(&samples, initial.map(|(h0, _)| h0), initial.map(|(_, cell)| cell), masks)?;
        let mut output = LayerOutput {
            hidden: vec![0.0; batch * steps * hidden],
            final_hidden: vec![0.0; batch * hidden],
            final_cell: vec![0.0; self.cell_numbers(batch)],
        };
        self.write_hidden(&mut output.hidden, Place { first: 0, stride: hidden });
        self.write_final_states(&mut output.final_hidden, &mut output.final_cell);
        Ok(output)
    }

    /// Runs the layer over samples, from initial states [B, R] and [B, H] of the right length, or from zero.
    pub(crate) fn run_forward(
        &mut self,
        samples: &Samples,
        initial_hidden: Option<&[f32]>,
        initial_cell: Option<&[f32]>,
        masks: StateMasks,
    ) -> Result<()> {
        let Shape { input_size, units, padded_units, hidden, padded_hidden, .. } = self.weights.shape;
        let (batch, steps) = (samples.count(), samples.steps());
        self.ran = false;
        self.sequences.pack(batch, steps, |sample| samples.length(sample));
        self.steps = steps;
        let packed = self.sequences.packed_rows();
        self.x.grow(packed * input_size)?;
        self.hidden.grow((batch + packed) * padded_hidden)?;
        self.cells.grow((batch + packed) * padded_units)?;
        self.gates.grow(packed * self.weights.shape.gate_stride())?;
        let gathering = Gathering {
            sequences: &self.sequences,
            scaling: &InputScaling::default(),
            behind: BehindNumbers::default(),
            executor: &self.executor,
            parts: 1,
        };
        gathering.gather(samples, |sample| sample, &mut self.x);
        pad_states(&self.sequences, &mut self.hidden, initial_hidden, hidden, padded_hidden);
        let initial_cell = initial_cell.filter(|_| self.has_cell_state());
        pad_states(&self.sequences, &mut self.cells, initial_cell, units, padded_units);
        self.set_masks(masks)?;
        let kept = self.kept_layout().carve(&mut self.kept, self.masked);
        let activations = Activations {
            hidden: &mut self.hidden,
            cells: &mut self.cells,
            gates: &mut self.gates,
            kept,
            training: true,
        };
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
        let Shape { hidden, padded_hidden, .. } = self.weights.shape;
        let packed = &self.hidden[self.sequences.batch() * padded_hidden..];
        unpack(&self.sequences, self.steps, packed, padded_hidden, out, place, hidden);
    }

    /// Writes the final states of the last forward pass, [B, R] and [B, H], the second empty unless the layer is an LSTM.
    pub(crate) fn write_final_states(&self, hidden: &mut [f32], cell: &mut [f32]) {
        let shape = self.weights.shape;
        self.final_states(&self.hidden, shape.hidden, shape.padded_hidden, hidden);
        if self.has_cell_state() {
            self.final_states(&self.cells, shape.units, shape.padded_units, cell);
        }
    }

    /// Runs the last forward pass backwards, given the gradients of its outputs: of the hidden states [B, T, R] if
    /// they were used, of the final hidden states [B, R] and cell states [B, H], the latter empty unless the layer is an LSTM.
    pub fn backward(
        &mut self,
        hidden: Option<&[f32]>,
        final_hidden: &[f32],
        final_cell: &[f32],
    ) -> Result<LayerGradients> {
        let Shape { input_size, hidden: size, .. } = self.weights.shape;
        self.check_ran()?;
        let (batch, steps) = (self.sequences.batch(), self.steps);
        check("hidden", hidden.unwrap_or(&[]), hidden.map_or(0, |_| batch * steps * size))?;
        check("final_hidden", final_hidden, batch * size)?;
        check("final_cell", final_cell, self.cell_numbers(batch))?;
        let mut gradients = LayerGradients {
            weights: vec![0.0; length(&self.ranges)],
            x: vec![0.0; batch * steps * input_size],
            initial_hidden: vec![0.0; batch * size],
            initial_cell: vec![0.0; self.cell_numbers(batch)],
        };
        let hidden = hidden.map(|hidden| (hidden, Place { first: 0, stride: size }));
        let mut input = AlignedBuffer::zeros(self.packed_input())?;
        self.run_backward(hidden, Some(final_hidden), Some(final_cell), (&mut input, false), &mut gradients.weights)?;
        self.write_input_gradient(&input, &mut gradients.x);
        self.write_initial_gradients(&mut gradients.initial_hidden, &mut gradients.initial_cell);
        Ok(gradients)
    }

    /// Runs the last forward pass backwards, given gradients of the right length: of the hidden states in their place in
    /// [B, T, stride], of the final states [B, R] and [B, H]. The gradient of the input goes into [`packed_input`](Self::packed_input)
    /// numbers, or is added to what is there; those of the weights go into their flat vector.
    pub(crate) fn run_backward(
        &mut self,
        hidden: Option<(&[f32], Place)>,
        final_hidden: Option<&[f32]>,
        final_cell: Option<&[f32]>,
        (input, add): (&mut [f32], bool),
        weights: &mut [f32],
    ) -> Result<()> {
        let Shape { input_size, units, padded_units, hidden: size, padded_hidden, .. } = self.weights.shape;
        let (batch, packed) = (self.sequences.batch(), self.sequences.packed_rows());
        let threads = self.executor.threads();
        let layout = ScratchLayout::new(self.weights.shape, self.set.lanes(), threads, batch, packed);
        let kept = self.kept_layout();
        let buffers = &mut self.gradients;
        buffers.scratch.grow(layout.length())?;
        buffers.hidden.grow(batch * padded_hidden)?;
        buffers.cell.grow(batch * padded_units)?;
        if let Some((hidden, place)) = hidden {
            buffers.from_above.grow(packed * padded_hidden)?;
            pack_rows(&self.sequences, self.steps, hidden, place, &mut buffers.from_above, size, padded_hidden);
        }
        pad_states(&self.sequences, &mut buffers.hidden, final_hidden, size, padded_hidden);
        let final_cell = final_cell.filter(|_| self.weights.shape.has_cell_state());
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
                kept: kept.carve(&mut self.kept, self.masked),
                from_above: hidden.map(|_| FromAbove { values: &buffers.from_above, stride: padded_hidden }),
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

    /// Writes the gradients of the initial states, [B, R] and [B, H], the second empty unless the layer is an LSTM.
    pub(crate) fn write_initial_gradients(&self, initial_hidden: &mut [f32], initial_cell: &mut [f32]) {
        let Shape { units, padded_units, hidden, padded_hidden, .. } = self.weights.shape;
        per_sample(&self.sequences, hidden, |row| &self.gradients.hidden[row * padded_hidden..], initial_hidden);
        if self.has_cell_state() {
            per_sample(&self.sequences, units, |row| &self.gradients.cell[row * padded_units..], initial_cell);
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
        self.weights.shape.has_cell_state()
    }

    /// Numbers of the cell states of a batch.
    pub(crate) fn cell_numbers(&self, batch: usize) -> usize {
        if self.has_cell_state() { batch * self.weights.shape.units } else { 0 }
    }

    fn kept_layout(&self) -> KeptLayout {
        KeptLayout::new(self.weights.shape, self.sequences.batch(), self.sequences.packed_rows(), true)
    }

    /// Puts masks where the kernels read them, for the sequences that are packed.
    fn set_masks(&mut self, masks: StateMasks) -> Result<()> {
        let layout = self.kept_layout();
        self.kept.grow(layout.length())?;
        self.masked = !matches!(masks, StateMasks::Expected);
        match masks {
            StateMasks::Expected => Ok(()),
            StateMasks::Drawn(random) => {
                dropout::draw(layout, self.weights.shape, &mut self.kept, random);
                Ok(())
            }
            StateMasks::Given(masks, places) => self.copy_masks(layout, masks, places),
        }
    }

    fn copy_masks(&mut self, layout: KeptLayout, masks: LayerMasks, [hidden, cell]: [Place; 2]) -> Result<()> {
        let LayerMasks { recurrent, keep_hidden, keep_cell } = masks;
        let (batch, steps) = (self.sequences.batch(), self.steps);
        // Those of the batch have no place among others.
        let masks =
            [("recurrent", recurrent, hidden), ("keep_hidden", keep_hidden, hidden), ("keep_cell", keep_cell, cell)];
        for ((name, given, place), mask) in masks.into_iter().zip(layout.masks(self.weights.shape, &mut self.kept)) {
            let numbers =
                if mask.rows == MaskRows::Batch { batch * mask.columns } else { batch * steps * place.stride };
            check(name, given, if mask.values.is_empty() { 0 } else { numbers })?;
            match mask.rows {
                _ if mask.values.is_empty() => {}
                MaskRows::Batch => pad_states(&self.sequences, mask.values, Some(given), mask.columns, mask.stride),
                MaskRows::Packed => {
                    pack_rows(&self.sequences, steps, given, place, mask.values, mask.columns, mask.stride);
                }
            }
        }
        Ok(())
    }

    fn final_states(&self, states: &[f32], width: usize, stride: usize, out: &mut [f32]) {
        let batch = self.sequences.batch();
        let last = |row| &states[(batch + self.sequences.last(self.direction, row)) * stride..];
        per_sample(&self.sequences, width, last, out);
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
