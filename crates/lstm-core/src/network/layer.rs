//! One recurrent layer by itself, in one direction, forward and backward on plain arrays, for people who build their own network.

use std::ops::Range;

use crate::cells::recurrence::{
    Activations, Columns, FromAbove, Gradients, Input, InputGradient, KeptLayout, LayerBatch, MaskRows, PackedWeights,
    ScratchLayout, Shape, backward, forward,
};
use crate::cells::sequences::{Direction, Sequences};
use crate::executor::Executor;
use crate::kernels::InstructionSet;
use crate::memory::AlignedBuffer;
use crate::network::definition::{DirectionTensors, LayerDefinition};
use crate::network::samples::{Gathering, InputScaling, Samples};
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
    executor: Executor,
    weights: PackedWeights,
    definition: LayerDefinition,
    direction: Direction,
    sequences: Sequences,
    steps: usize,
    x: AlignedBuffer,
    hidden: AlignedBuffer,
    cells: AlignedBuffer,
    gates: AlignedBuffer,
    kept: AlignedBuffer,
    masked: bool,
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
        let shape = Shape::new(definition, input_size, set.lanes());
        Ok(Self {
            set,
            executor: Executor::new(threads)?,
            weights: PackedWeights::new(shape, set.lanes(), true, true)?,
            definition: definition.clone(),
            direction: Direction::Forward,
            sequences: Sequences::default(),
            steps: 0,
            x: AlignedBuffer::default(),
            hidden: AlignedBuffer::default(),
            cells: AlignedBuffer::default(),
            gates: AlignedBuffer::default(),
            kept: AlignedBuffer::default(),
            masked: false,
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
        let ranges = self.ranges();
        check("weights", weights, length(&ranges))?;
        self.weights.pack(&self.executor, ranges.of(weights));
        Ok(())
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
        let Shape { input_size, units, padded_units, hidden, padded_hidden, .. } = self.weights.shape;
        let samples = Samples::new(x, steps, input_size, lengths)?;
        let batch = samples.count();
        if let Some((h0, cell)) = initial {
            check("h0", h0, batch * hidden)?;
            check("c0", cell, self.cell_numbers(batch))?;
        }
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
            executor: &self.executor,
            parts: 1,
        };
        gathering.gather(&samples, |sample| sample, &mut self.x);
        let has_cell = self.has_cell_state();
        pad_states(&self.sequences, &mut self.hidden, initial.map(|(h0, _)| h0), hidden, padded_hidden);
        let cell = initial.map(|(_, cell)| cell).filter(|_| has_cell);
        pad_states(&self.sequences, &mut self.cells, cell, units, padded_units);
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
        Ok(LayerOutput {
            hidden: unpack(&self.sequences, steps, &self.hidden[batch * padded_hidden..], hidden, padded_hidden),
            final_hidden: self.final_states(&self.hidden, hidden, padded_hidden),
            final_cell: if has_cell { self.final_states(&self.cells, units, padded_units) } else { Vec::new() },
        })
    }

    /// Runs the last forward pass backwards, given the gradients of its outputs: of the hidden states [B, T, R] if
    /// they were used, of the final hidden states [B, R] and cell states [B, H], the latter empty unless the layer is an LSTM.
    pub fn backward(
        &mut self,
        hidden: Option<&[f32]>,
        final_hidden: &[f32],
        final_cell: &[f32],
    ) -> Result<LayerGradients> {
        let Shape { input_size, units, padded_units, padded_hidden, .. } = self.weights.shape;
        let states = self.weights.shape.hidden;
        let (batch, packed) = (self.sequences.batch(), self.sequences.packed_rows());
        check("hidden", hidden.unwrap_or(&[]), hidden.map_or(0, |_| batch * self.steps * states))?;
        check("final_hidden", final_hidden, batch * states)?;
        check("final_cell", final_cell, self.cell_numbers(batch))?;
        let mut from_above = AlignedBuffer::zeros(packed * padded_hidden)?;
        if let Some(hidden) = hidden {
            pack_rows(&self.sequences, self.steps, hidden, &mut from_above, states, padded_hidden);
        }
        let [mut hidden_state, mut cell_state] =
            [AlignedBuffer::zeros(batch * padded_hidden)?, AlignedBuffer::zeros(batch * padded_units)?];
        pad_states(&self.sequences, &mut hidden_state, Some(final_hidden), states, padded_hidden);
        let has_cell = self.has_cell_state();
        pad_states(&self.sequences, &mut cell_state, has_cell.then_some(final_cell), units, padded_units);
        let input_stride = input_size.next_multiple_of(self.set.lanes());
        let mut input = AlignedBuffer::zeros(packed * input_stride)?;
        let threads = self.executor.threads();
        let layout = ScratchLayout::new(self.weights.shape, self.set.lanes(), threads, batch, packed);
        let mut memory = AlignedBuffer::zeros(layout.length())?;
        let ranges = self.ranges();
        let mut weights = vec![0.0; length(&ranges)];
        let kept = self.kept_layout().carve(&mut self.kept, self.masked);
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
                kept,
                from_above: hidden.map(|_| FromAbove { values: &from_above, stride: padded_hidden }),
                hidden_state: &mut hidden_state,
                cell_state: &mut cell_state,
                input: Some(InputGradient { values: &mut input, add: false }),
                weights: ranges.of_mut(&mut weights),
                scratch: &mut memory,
            },
        );
        let x = unpack(&self.sequences, self.steps, &input, input_size, input_stride);
        let unpad =
            |states: &[f32], width, padded: usize| per_sample(&self.sequences, width, |row| &states[row * padded..]);
        let initial_hidden = unpad(&hidden_state, states, padded_hidden);
        let initial_cell = if has_cell { unpad(&cell_state, units, padded_units) } else { Vec::new() };
        // The gates were replaced by their gradients: a second backward pass needs a forward pass first.
        self.sequences = Sequences::default();
        Ok(LayerGradients { weights, x, initial_hidden, initial_cell })
    }

    fn ranges(&self) -> DirectionTensors<Range<usize>> {
        DirectionTensors::ranges(&self.definition, self.weights.shape.input_size)
    }

    fn has_cell_state(&self) -> bool {
        self.weights.shape.has_cell_state()
    }

    /// Numbers of the cell states of a batch.
    fn cell_numbers(&self, batch: usize) -> usize {
        if self.has_cell_state() { batch * self.weights.shape.units } else { 0 }
    }

    fn kept_layout(&self) -> KeptLayout {
        KeptLayout::new(self.weights.shape, self.sequences.batch(), self.sequences.packed_rows(), true)
    }

    /// Puts masks where the kernels read them, for the sequences that are packed.
    fn set_masks(&mut self, masks: Option<LayerMasks>) -> Result<()> {
        let layout = self.kept_layout();
        self.kept.grow(layout.length())?;
        self.masked = masks.is_some();
        let Some(LayerMasks { recurrent, keep_hidden, keep_cell }) = masks else { return Ok(()) };
        let (batch, steps) = (self.sequences.batch(), self.steps);
        let masks = [("recurrent", recurrent), ("keep_hidden", keep_hidden), ("keep_cell", keep_cell)];
        for ((name, given), mask) in masks.into_iter().zip(layout.masks(self.weights.shape, &mut self.kept)) {
            let rows = if mask.rows == MaskRows::Batch { batch } else { batch * steps };
            check(name, given, if mask.values.is_empty() { 0 } else { rows * mask.columns })?;
            match mask.rows {
                _ if mask.values.is_empty() => {}
                MaskRows::Batch => pad_states(&self.sequences, mask.values, Some(given), mask.columns, mask.stride),
                MaskRows::Packed => {
                    pack_rows(&self.sequences, steps, given, mask.values, mask.columns, mask.stride);
                }
            }
        }
        Ok(())
    }

    fn final_states(&self, states: &[f32], width: usize, stride: usize) -> Vec<f32> {
        let batch = self.sequences.batch();
        per_sample(&self.sequences, width, |row| &states[(batch + self.sequences.last(self.direction, row)) * stride..])
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

/// States [B, H] into the kernels' rows [B, padded], zero where there are none.
fn pad_states(sequences: &Sequences, rows: &mut [f32], states: Option<&[f32]>, units: usize, padded: usize) {
    for (row, target) in rows.chunks_exact_mut(padded).take(sequences.batch()).enumerate() {
        target.fill(0.0);
        if let Some(states) = states {
            target[..units].copy_from_slice(&states[sequences.sample(row) * units..][..units]);
        }
    }
}

/// The rows `of(row)`, in the order of the samples, without padding.
fn per_sample<'a>(sequences: &Sequences, units: usize, of: impl Fn(usize) -> &'a [f32]) -> Vec<f32> {
    let mut out = vec![0.0; sequences.batch() * units];
    for row in 0..sequences.batch() {
        out[sequences.sample(row) * units..][..units].copy_from_slice(&of(row)[..units]);
    }
    out
}

/// Where each packed row belongs in a padded array [B, `steps`, …]: pairs of packed row and padded row.
fn placement(sequences: &Sequences, steps: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..sequences.steps()).flat_map(move |step| {
        (0..sequences.active(step)).map(move |row| (sequences.offset(step) + row, sequences.sample(row) * steps + step))
    })
}

/// Packed rows [P, stride] into a padded array [B, T, width], zero in the padding.
fn unpack(sequences: &Sequences, steps: usize, packed: &[f32], width: usize, stride: usize) -> Vec<f32> {
    let mut out = vec![0.0; sequences.batch() * steps * width];
    for (row, place) in placement(sequences, steps) {
        out[place * width..][..width].copy_from_slice(&packed[row * stride..][..width]);
    }
    out
}

/// A padded array [B, T, width] into packed rows [P, stride].
fn pack_rows(sequences: &Sequences, steps: usize, padded: &[f32], out: &mut [f32], width: usize, stride: usize) {
    for (row, place) in placement(sequences, steps) {
        out[row * stride..][..width].copy_from_slice(&padded[place * width..][..width]);
    }
}
