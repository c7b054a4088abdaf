//! Clipping: by the norm of all gradients (Pascanu, Mikolov and Bengio 2013, as `torch.nn.utils.clip_grad_norm_` does it), by
//! value (`clip_grad_value_`), and unit by unit to the norm of the weights (Brock et al. 2021). Finds out how gradients are
//! to be scaled; the optimiser's pass does it. What is frozen does not count.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use super::optimizers::{Machine, penalised};
use super::options::TrainingOptions;
use super::trained::TrainedTensor;
use crate::executor::Executor;
use crate::kernels::instruction_set::{Kernel, KernelIsa, dispatch};
use crate::memory::SharedRows;
use crate::network::embedding::TableRows;

/// What PyTorch adds to the norm before dividing by it.
const EPSILON: f64 = 1e-6;

/// The least norm of weights that gradients are held to: what is zero could never move.
const LEAST_WEIGHTS: f64 = 1e-3;

/// Values that are summed by one thread. The sums of the chunks are added in their order, whoever computed them.
const CHUNK: usize = 1 << 14;

/// Reading a number that is not in the cache takes as long as some fifteen operations.
const OPERATIONS: usize = 15;

/// How gradients are clipped, with its scratch.
pub(crate) struct Clipping {
    kind: Kind,
    chunks: Vec<Chunk>,
    sums: Vec<AtomicU64>,
    units: Vec<f32>,
}

enum Kind {
    None,
    Norm(f32),
    Value(f32),
    Adaptive(f32),
}

/// Some of a tensor's pieces, which one thread reads.
struct Chunk {
    /// The number of its tensor.
    tensor: usize,
    /// Which of its numbers or units; of a sparse table, which of the rows that are given.
    pieces: Range<usize>,
}

/// What becomes of gradients.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clipped<'a> {
    /// They are multiplied with this,
    pub(crate) scale: f32,
    /// or those of each unit with its own, if there are any,
    pub(crate) units: &'a [f32],
    /// and then brought to within this.
    pub(crate) limit: f32,
}

impl Clipped<'_> {
    const NOT: Self = Self { scale: 1.0, units: &[], limit: f32::INFINITY };
}

/// What is clipped: the gradients and weights of all that is trained, of which some move, and of the table that comes first only
/// some rows have a gradient, if they are given.
#[derive(Clone, Copy)]
pub(crate) struct ToClip<'a> {
    pub(crate) tensors: &'a [TrainedTensor],
    pub(crate) gradients: &'a [f32],
    pub(crate) weights: &'a [f32],
    pub(crate) rows: Option<TableRows<'a>>,
}

impl Clipping {
    pub(crate) fn new(options: &TrainingOptions) -> Self {
        let kind = match *options {
            TrainingOptions { clip_norm: Some(limit), .. } => Kind::Norm(limit),
            TrainingOptions { clip_value: Some(limit), .. } => Kind::Value(limit),
            TrainingOptions { clip_adaptive: Some(limit), .. } => Kind::Adaptive(limit),
            _ => Kind::None,
        };
        Self { kind, chunks: Vec::new(), sums: Vec::new(), units: Vec::new() }
    }

    /// What is to become of these gradients, whose [`norm`](Self::norm) may be known already.
    pub(crate) fn clip(&mut self, machine: Machine, of: ToClip, norm: Option<f64>) -> Clipped<'_> {
        match self.kind {
            Kind::None => Clipped::NOT,
            Kind::Norm(limit) => {
                let norm = norm.unwrap_or_else(|| self.norm(machine, of));
                Clipped { scale: clip_factor(norm, limit), ..Clipped::NOT }
            }
            Kind::Value(limit) => Clipped { limit, ..Clipped::NOT },
            Kind::Adaptive(limit) => {
                self.scale_units(machine, of, limit);
                Clipped { units: &self.units, ..Clipped::NOT }
            }
        }
    }

    /// The Euclidean norm of all gradients, summed in f64.
    pub(crate) fn norm(&mut self, Machine { set, executor }: Machine, of: ToClip) -> f64 {
        let Self { chunks, sums, .. } = self;
        let parts = plan(chunks, of, executor, |tensor| (1, tensor.range.len()));
        sums.resize_with(chunks.len(), AtomicU64::default);
        executor.run(parts, |part| {
            let range = chunks.len() * part / parts..chunks.len() * (part + 1) / parts;
            for (chunk, sum) in chunks[range.clone()].iter().zip(&sums[range]) {
                sum.store(dispatch(set, ChunkSquares { of, chunk }).to_bits(), Ordering::Relaxed);
            }
        });
        libm::sqrt(sums.iter().map(|sum| f64::from_bits(sum.load(Ordering::Relaxed))).sum())
    }

    /// Finds the factor of each unit that brings its gradient's norm down to `limit` times that of its weights.
    fn scale_units(&mut self, Machine { set, executor }: Machine, of: ToClip, limit: f32) {
        let Self { chunks, units, .. } = self;
        let parts = plan(chunks, of, executor, |tensor| (tensor.unit, tensor.units()));
        units.resize(of.tensors.last().map_or(0, |tensor| tensor.first_unit + tensor.units()), 1.0);
        let units = SharedRows::new(units);
        executor.run(parts, |part| {
            for chunk in &chunks[chunks.len() * part / parts..chunks.len() * (part + 1) / parts] {
                dispatch(set, ChunkUnits { of, chunk, limit, units });
            }
        });
    }
}

/// Cuts what is clipped into chunks, of which each tensor has as many pieces of as many numbers as `pieces` says, or the rows that
/// are given. Gives the parts that are worth running at once.
fn plan(
    chunks: &mut Vec<Chunk>,
    of: ToClip,
    executor: &Executor,
    pieces: impl Fn(&TrainedTensor) -> (usize, usize),
) -> usize {
    chunks.clear();
    let mut numbers = 0;
    for (index, tensor) in of.tensors.iter().enumerate() {
        let (size, count) = of.rows_of(tensor).map_or_else(|| pieces(tensor), |rows| (rows.size, rows.rows.len()));
        numbers += size * count;
        let step = (CHUNK / size).max(1);
        let starts = (0..count).step_by(step);
        chunks.extend(starts.map(|start| Chunk { tensor: index, pieces: start..count.min(start + step) }));
    }
    executor.parts(OPERATIONS * numbers)
}

impl<'a> ToClip<'a> {
    /// The rows that have a gradient, if the tensor is a table of which not all have.
    #[inline(always)]
    fn rows_of(&self, tensor: &TrainedTensor) -> Option<TableRows<'a>> {
        self.rows.filter(|rows| tensor.range == (0..rows.length))
    }

    /// The sum of the squares of the gradients, penalties among them.
    #[inline(always)]
    fn squares(&self, range: Range<usize>, penalty: [f32; 2]) -> f64 {
        let gradients = &self.gradients[range.clone()];
        if penalty == [0.0; 2] {
            return sum_of_squares(gradients);
        }
        let weights = &self.weights[range];
        let mut sum = 0.0;
        for (gradients, weights) in gradients.chunks(BLOCK).zip(weights.chunks(BLOCK)) {
            let mut block = [0.0; BLOCK];
            for (value, (&gradient, &weight)) in block.iter_mut().zip(gradients.iter().zip(weights)) {
                *value = penalised(gradient, weight, penalty);
            }
            sum += sum_of_squares(&block);
        }
        sum
    }
}

/// Numbers that are summed side by side, whatever the set, so that every set adds in the same order.
const LANES: usize = 32;

/// Gradients with their penalties that are held at once.
const BLOCK: usize = 16 * LANES;

#[inline(always)]
fn sum_of_squares(values: &[f32]) -> f64 {
    let mut sums = [0.0f64; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (sum, &value) in sums.iter_mut().zip(chunk) {
            *sum += f64::from(value) * f64::from(value);
        }
    }
    let mut sum = 0.0;
    for part in sums {
        sum += part;
    }
    for &value in rest {
        sum += f64::from(value) * f64::from(value);
    }
    sum
}

/// The sum of the squares of a chunk of numbers, or of rows.
struct ChunkSquares<'a> {
    of: ToClip<'a>,
    chunk: &'a Chunk,
}

impl Kernel for ChunkSquares<'_> {
    type Output = f64;
    #[inline(always)]
    fn run<I: KernelIsa>(self, _isa: I) -> f64 {
        let Self { of, chunk: Chunk { tensor, pieces } } = self;
        let tensor = &of.tensors[*tensor];
        let Some(TableRows { size, rows, .. }) = of.rows_of(tensor) else {
            let start = tensor.range.start;
            return of.squares(start + pieces.start..start + pieces.end, tensor.penalty);
        };
        let mut sum = 0.0;
        for &row in &rows[pieces.clone()] {
            sum += of.squares(row as usize * size..(row as usize + 1) * size, tensor.penalty);
        }
        sum
    }
}

/// The factors of a chunk of units.
struct ChunkUnits<'a> {
    of: ToClip<'a>,
    chunk: &'a Chunk,
    limit: f32,
    units: SharedRows<'a>,
}

impl Kernel for ChunkUnits<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: KernelIsa>(self, _isa: I) {
        let Self { of, chunk: Chunk { tensor, pieces }, limit, units } = self;
        let tensor = &of.tensors[*tensor];
        let rows = of.rows_of(tensor);
        for piece in pieces.clone() {
            let unit = rows.map_or(piece, |rows| rows.rows[piece] as usize);
            let start = tensor.range.start + unit * tensor.unit;
            let range = start..start + tensor.unit;
            let weights = libm::sqrt(sum_of_squares(&of.weights[range.clone()])).max(LEAST_WEIGHTS);
            let factor = factor(libm::sqrt(of.squares(range, tensor.penalty)), f64::from(limit) * weights);
            assert!(tensor.first_unit + unit < units.length());
            // SAFETY: within the factors as just asserted; each unit is one part's alone.
            unsafe { *units.at(tensor.first_unit + unit) = factor };
        }
    }
}

/// What brings a norm down to a limit. Of a norm that is no number it is 1: what is wrong shows.
#[inline(always)]
fn factor(norm: f64, limit: f64) -> f32 {
    if norm > limit { (limit / norm) as f32 } else { 1.0 }
}

/// The factor that brings gradients of the given norm down to `limit`, as PyTorch has it; 1 where they are within it.
fn clip_factor(norm: f64, limit: f32) -> f32 {
    (f64::from(limit) / (norm + EPSILON)).min(1.0) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::InstructionSet;

    fn tensor(range: Range<usize>, unit: usize, first_unit: usize, penalty: [f32; 2]) -> TrainedTensor {
        TrainedTensor { range, learning_rate_factor: 1.0, weight_decay: 0.0, penalty, unit, first_unit }
    }

    /// Clips on every instruction set, and gives the norm and the factors of units.
    fn clip(options: &str, of: ToClip) -> Vec<(f32, Vec<f32>, f32)> {
        let executor = Executor::new(Some(1)).unwrap();
        let clip = |set| {
            let mut clipping = Clipping::new(&TrainingOptions::from_json(options).unwrap());
            let clipped = clipping.clip(Machine { set, executor: &executor }, of, None);
            (clipped.scale, clipped.units.to_vec(), clipped.limit)
        };
        InstructionSet::available().into_iter().map(clip).collect()
    }

    #[test]
    fn the_norm_is_that_of_what_moves_and_has_a_gradient() {
        let mut gradients = vec![0.0; 35];
        (gradients[0], gradients[34]) = (3.0, -4.0);
        let (all, weights) = ([tensor(0..33, 3, 0, [0.0; 2]), tensor(33..35, 2, 11, [0.0; 2])], [1.0; 35]);
        let of = ToClip { tensors: &all, gradients: &gradients, weights: &weights, rows: None };
        for (scale, _, _) in clip(r#"{"clipNorm":1}"#, of) {
            assert_eq!(scale, (1.0 / (5.0 + 1e-6)) as f32);
        }
        for (scale, _, _) in clip(r#"{"clipNorm":5.5}"#, of) {
            assert_eq!(scale, 1.0);
        }
        // Of a table of eleven rows of three, only the first, which holds the 3, is read; and nothing of what is frozen.
        let mut unread = gradients.clone();
        unread[5] = f32::NAN;
        let rows = Some(TableRows { length: 33, size: 3, rows: &[0] });
        for (scale, _, _) in clip(r#"{"clipNorm":1}"#, ToClip { gradients: &unread, rows, ..of }) {
            assert_eq!(scale, (1.0 / (5.0 + 1e-6)) as f32);
        }
        for (scale, _, _) in clip(r#"{"clipNorm":1}"#, ToClip { tensors: &all[1..], gradients: &unread, rows, ..of }) {
            assert_eq!(scale, (1.0 / (4.0 + 1e-6)) as f32);
        }
        // |3 + 0.5 + 0.25| in the first place, 0.75 in the other 32 and 4 in the last.
        let penalised = [tensor(0..33, 3, 0, [0.5, 0.25]), all[1].clone()];
        let norm = f64::sqrt(3.75 * 3.75 + 32.0 * 0.75 * 0.75 + 16.0);
        for (scale, _, _) in clip(r#"{"clipNorm":1}"#, ToClip { tensors: &penalised, ..of }) {
            assert_eq!(scale, (1.0 / (norm + 1e-6)) as f32);
        }
    }

    #[test]
    fn units_are_clipped_by_the_norm_of_their_own_weights() {
        // Rows of norm 5, 0 and 10, and a vector of norm 13.
        let gradients = [3.0, 4.0, 0.0, 0.0, 6.0, -8.0, 12.0, 5.0];
        let weights = [0.0, 2.0, 1.0, 1.0, 0.0, 0.0, 100.0, 0.0];
        let tensors = [tensor(0..6, 2, 0, [0.0; 2]), tensor(6..8, 2, 3, [0.0; 2])];
        let of = ToClip { tensors: &tensors, gradients: &gradients, weights: &weights, rows: None };
        for (scale, units, limit) in clip(r#"{"clipAdaptive":0.5}"#, of) {
            // 0.5 · 2 / 5; nothing to clip; 0.5 · 0.001 / 10 for weights of zero; 13 is below 0.5 · 100.
            assert_eq!((scale, units.as_slice(), limit), (1.0, &[0.2, 1.0, 0.000_05, 1.0][..], f32::INFINITY));
        }
        let rows = Some(TableRows { length: 6, size: 2, rows: &[2] });
        for (_, units, _) in clip(r#"{"clipAdaptive":0.5}"#, ToClip { rows, ..of }) {
            assert_eq!(units, [1.0, 1.0, 0.000_05, 1.0]);
        }
    }
}
