//! The one pass that every optimiser's step is: for each number, what becomes of its gradient before the optimiser sees it
//! (penalties, clipping, weight decay), and the optimiser's rule. Shares the numbers out over threads; each is computed
//! by itself, so that neither their number nor the instruction set changes a bit.

use std::ops::Range;

use crate::executor::Executor;
use crate::kernels::InstructionSet;
use crate::kernels::instruction_set::{Kernel, KernelIsa, dispatch};
use crate::memory::SharedRows;
use crate::network::embedding::TableRows;
use crate::training::clipping::Clipped;
use crate::training::trained::TrainedTensor;

/// What an optimiser does with one number. It keeps `N` others beside it from step to step, 0 at first.
pub(super) trait Rule<const N: usize>: Copy {
    /// The number after a step. Inlined, as all that a kernel runs.
    fn step(self, parameter: f32, gradient: f32, kept: &mut [f32; N]) -> f32;
}

/// A rule with a tensor's settings.
#[derive(Clone, Copy)]
pub(super) struct Ruled<R> {
    pub(super) rule: R,
    /// What is added to a gradient of its weight.
    pub(super) decay: f32,
    /// The part of a weight that the step takes away.
    pub(super) lost: f32,
}

/// What runs a step.
#[derive(Clone, Copy)]
pub(crate) struct Machine<'a> {
    pub(crate) set: InstructionSet,
    pub(crate) executor: &'a Executor,
}

/// What a step goes over, and what clipping has found out about it.
#[derive(Clone, Copy)]
pub(crate) struct Work<'a> {
    pub(crate) tensors: &'a [TrainedTensor],
    /// All numbers of the flat vectors, those that do not move among them.
    pub(crate) gradients: &'a [f32],
    pub(crate) clipped: Clipped<'a>,
    /// Of the table that comes first only these rows change, if they are given.
    pub(crate) rows: Option<TableRows<'a>>,
}

/// The numbers that change, and what is kept of each.
#[derive(Clone, Copy)]
pub(super) struct Moved<'a, const N: usize> {
    parameters: SharedRows<'a>,
    kept: [SharedRows<'a>; N],
}

impl<'a, const N: usize> Moved<'a, N> {
    pub(super) fn new(parameters: &'a mut [f32], kept: &'a mut [Vec<f32>]) -> Self {
        let length = parameters.len();
        let kept: &mut [Vec<f32>; N] = kept.try_into().expect("an optimiser has as many slots as its rule");
        assert!(kept.iter().all(|values| values.len() == length));
        Self { parameters: SharedRows::new(parameters), kept: kept.each_mut().map(|values| SharedRows::new(values)) }
    }
}

/// Takes a step with the rule that `rule` gives for a tensor, and for whether it is a table of which only some rows are seen.
pub(super) fn step<R: Rule<N> + Sync, const N: usize>(
    Machine { set, executor }: Machine,
    work: Work,
    moved: Moved<N>,
    rule: impl Fn(&TrainedTensor, bool) -> Ruled<R> + Sync,
) where
    Loops: Loop<N>,
{
    let count = work.gradients.len();
    assert!(moved.parameters.length() == count && work.tensors.iter().all(|tensor| tensor.range.end <= count));
    let first = work.rows.map_or(0, |rows| rows.length);
    // A number takes as long as some eighty operations: a root, a quotient, and up to nine trips to memory.
    let parts = executor.parts(80 * (count - first));
    executor.run(parts, |part| {
        let [start, end] = [part, part + 1].map(|part| first + (count - first) * part / parts);
        dispatch(set, Steps { range: start..end, work, moved, rule: &rule });
    });
    // A frozen table has no tensor.
    if let Some(TableRows { rows, size, length }) = work.rows
        && let Some(tensor) = work.tensors.first().filter(|tensor| tensor.range == (0..length))
    {
        assert!(length <= count && rows.iter().all(|&row| (row as usize + 1) * size <= length));
        let ruled = rule(tensor, true);
        let parts = executor.parts(80 * rows.len() * size);
        executor.run(parts, |part| {
            let rows = &rows[rows.len() * part / parts..rows.len() * (part + 1) / parts];
            dispatch(set, RowSteps { rows, tensor, work, moved, ruled });
        });
    }
}

/// The step of some of the numbers.
struct Steps<'a, F, const N: usize> {
    range: Range<usize>,
    work: Work<'a>,
    moved: Moved<'a, N>,
    rule: &'a F,
}

impl<R: Rule<N>, F: Fn(&TrainedTensor, bool) -> Ruled<R>, const N: usize> Kernel for Steps<'_, F, N>
where
    Loops: Loop<N>,
{
    type Output = ();
    #[inline(always)]
    fn run<I: KernelIsa>(self, _isa: I) {
        let Self { range, work, moved, rule } = self;
        for tensor in work.tensors {
            let (start, end) = (tensor.range.start.max(range.start), tensor.range.end.min(range.end));
            if start >= end {
                continue;
            }
            let ruled = rule(tensor, false);
            if work.clipped.units.is_empty() {
                // SAFETY: within all slices, as `step` asserts, and within this part's own range.
                unsafe { step_range(start..end, work.clipped.scale, tensor, work, moved, ruled) };
                continue;
            }
            let mut at = start;
            while at < end {
                let unit = (at - tensor.range.start) / tensor.unit;
                let next = end.min(tensor.range.start + (unit + 1) * tensor.unit);
                // SAFETY: as above.
                unsafe {
                    step_range(at..next, work.clipped.units[tensor.first_unit + unit], tensor, work, moved, ruled);
                };
                at = next;
            }
        }
    }
}

/// The step of some rows of the table that comes first.
struct RowSteps<'a, R, const N: usize> {
    /// No two alike, within the table.
    rows: &'a [u32],
    /// The table.
    tensor: &'a TrainedTensor,
    work: Work<'a>,
    moved: Moved<'a, N>,
    ruled: Ruled<R>,
}

impl<R: Rule<N>, const N: usize> Kernel for RowSteps<'_, R, N>
where
    Loops: Loop<N>,
{
    type Output = ();
    #[inline(always)]
    fn run<I: KernelIsa>(self, _isa: I) {
        let Self { rows, tensor, work, moved, ruled } = self;
        for &row in rows {
            let row = row as usize;
            let scale = work.clipped.units.get(tensor.first_unit + row).copied().unwrap_or(work.clipped.scale);
            // SAFETY: the rows are within the table, as `step` asserts, and each is one part's alone.
            unsafe { step_range(row * tensor.unit..(row + 1) * tensor.unit, scale, tensor, work, moved, ruled) };
        }
    }
}

/// The step of numbers whose gradients are scaled alike.
///
/// # Safety
/// The range is within every slice, and no other thread touches it.
#[inline(always)]
unsafe fn step_range<R: Rule<N>, const N: usize>(
    range: Range<usize>,
    scale: f32,
    tensor: &TrainedTensor,
    work: Work,
    moved: Moved<N>,
    ruled: Ruled<R>,
) where
    Loops: Loop<N>,
{
    let shape = Shape { penalty: tensor.penalty, limit: work.clipped.limit };
    // SAFETY: the caller answers for the range.
    let parameters = unsafe { std::slice::from_raw_parts_mut(moved.parameters.at(range.start), range.len()) };
    // SAFETY: as above.
    let kept = moved.kept.map(|values| unsafe { std::slice::from_raw_parts_mut(values.at(range.start), range.len()) });
    let gradients = &work.gradients[range];
    if shape == Shape::NONE {
        Loops::run(Each::<R, false> { shape, scale, ruled }, parameters, gradients, kept);
    } else {
        Loops::run(Each::<R, true> { shape, scale, ruled }, parameters, gradients, kept);
    }
}

/// What becomes of a gradient beside its scaling.
#[derive(Clone, Copy, PartialEq)]
struct Shape {
    penalty: [f32; 2],
    limit: f32,
}

impl Shape {
    /// Nothing: most often, and then not worth half a step's time.
    const NONE: Self = Self { penalty: [0.0; 2], limit: f32::INFINITY };
}

/// All that becomes of one number; of its gradient what `shape` says, if it is `SHAPED`.
#[derive(Clone, Copy)]
pub(super) struct Each<R, const SHAPED: bool> {
    shape: Shape,
    scale: f32,
    ruled: Ruled<R>,
}

impl<R, const SHAPED: bool> Each<R, SHAPED> {
    #[inline(always)]
    fn step<const N: usize>(self, parameter: f32, gradient: f32, kept: &mut [f32; N]) -> f32
    where
        R: Rule<N>,
    {
        let Ruled { rule, decay, lost } = self.ruled;
        let gradient = if SHAPED {
            self.shape.clipped(penalised(gradient, parameter, self.shape.penalty) * self.scale)
        } else {
            gradient * self.scale
        };
        rule.step(parameter - lost * parameter, gradient + decay * parameter, kept)
    }
}

impl Shape {
    #[inline(always)]
    fn clipped(&self, gradient: f32) -> f32 {
        // NaN stays NaN.
        if gradient > self.limit {
            self.limit
        } else if gradient < -self.limit {
            -self.limit
        } else {
            gradient
        }
    }
}

/// The loop over numbers of which `N` others are kept.
pub(super) trait Loop<const N: usize> {
    fn run<R: Rule<N>, const SHAPED: bool>(
        each: Each<R, SHAPED>,
        parameters: &mut [f32],
        gradients: &[f32],
        kept: [&mut [f32]; N],
    );
}

pub(super) struct Loops;

/// Plain Rust: the compiler vectorises it with the set's features, and every operation rounds as IEEE 754 says. It has to know
/// that the slices are apart, and knows it of a function's arguments: hence one function for each number of them.
macro_rules! loops {
    ($count:literal: $($slot:ident $value:ident),*) => {
        impl Loop<$count> for Loops {
            #[inline(always)]
            fn run<R: Rule<$count>, const SHAPED: bool>(each: Each<R, SHAPED>, parameters: &mut [f32], gradients: &[f32], kept: [&mut [f32]; $count]) {
                #[inline(always)]
                fn apart<R: Rule<$count>, const SHAPED: bool>(each: Each<R, SHAPED>, parameters: &mut [f32], gradients: &[f32], $($slot: &mut [f32]),*) {
                    let count = parameters.len();
                    assert!(gradients.len() == count $(&& $slot.len() == count)*);
                    for i in 0..count {
                        let mut kept = [$($slot[i]),*];
                        parameters[i] = each.step(parameters[i], gradients[i], &mut kept);
                        let [$($value),*] = kept;
                        $($slot[i] = $value;)*
                    }
                }
                let [$($slot),*] = kept;
                apart(each, parameters, gradients, $($slot),*);
            }
        }
    };
}

loops!(0:);
loops!(1: a of_a);
loops!(2: a of_a, b of_b);
loops!(3: a of_a, b of_b, c of_c);

/// A gradient with that of the penalties on its weight: `l1` |w| + `l2`/2 w².
#[inline(always)]
pub(crate) fn penalised(gradient: f32, parameter: f32, [l1, l2]: [f32; 2]) -> f32 {
    gradient + l1 * sign(parameter) + l2 * parameter
}

/// −1, 0 or 1; NaN of NaN, which then shows.
#[inline(always)]
pub(super) fn sign(x: f32) -> f32 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        x
    }
}
