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
use crate::training::spans::Span;

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
    pub(crate) spans: &'a [Span],
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
    rule: impl Fn(&Span, bool) -> Ruled<R> + Sync,
) {
    let count = work.gradients.len();
    assert!(moved.parameters.length() == count && work.spans.iter().all(|span| span.range.end <= count));
    let first = work.rows.map_or(0, |rows| rows.length);
    // A number takes as long as some eighty operations: a root, a quotient, and up to nine trips to memory.
    let parts = executor.parts(80 * (count - first));
    executor.run(parts, |part| {
        let [start, end] = [part, part + 1].map(|part| first + (count - first) * part / parts);
        dispatch(set, Steps { range: start..end, work, moved, rule: &rule });
    });
    // A frozen table has no span.
    if let Some(TableRows { rows, size, length }) = work.rows
        && let Some(span) = work.spans.first().filter(|span| span.range == (0..length))
    {
        assert!(length <= count && rows.iter().all(|&row| (row as usize + 1) * size <= length));
        let ruled = rule(span, true);
        let parts = executor.parts(80 * rows.len() * size);
        executor.run(parts, |part| {
            let rows = &rows[rows.len() * part / parts..rows.len() * (part + 1) / parts];
            dispatch(set, RowSteps { rows, span, work, moved, ruled });
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

impl<R: Rule<N>, F: Fn(&Span, bool) -> Ruled<R>, const N: usize> Kernel for Steps<'_, F, N> {
    type Output = ();
    #[inline(always)]
    fn run<I: KernelIsa>(self, _isa: I) {
        let Self { range, work, moved, rule } = self;
        for span in work.spans {
            let (start, end) = (span.range.start.max(range.start), span.range.end.min(range.end));
            if start >= end {
                continue;
            }
            let ruled = rule(span, false);
            if work.clipped.units.is_empty() {
                // SAFETY: within all slices, as `step` asserts, and within this part's own range.
                unsafe { step_range(start..end, work.clipped.scale, span, work, moved, ruled) };
                continue;
            }
            let mut at = start;
            while at < end {
                let unit = (at - span.range.start) / span.unit;
                let next = end.min(span.range.start + (unit + 1) * span.unit);
                // SAFETY: as above.
                unsafe { step_range(at..next, work.clipped.units[span.first_unit + unit], span, work, moved, ruled) };
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
    span: &'a Span,
    work: Work<'a>,
    moved: Moved<'a, N>,
    ruled: Ruled<R>,
}

impl<R: Rule<N>, const N: usize> Kernel for RowSteps<'_, R, N> {
    type Output = ();
    #[inline(always)]
    fn run<I: KernelIsa>(self, _isa: I) {
        let Self { rows, span, work, moved, ruled } = self;
        for &row in rows {
            let row = row as usize;
            let scale = work.clipped.units.get(span.first_unit + row).copied().unwrap_or(work.clipped.scale);
            // SAFETY: the rows are within the table, as `step` asserts, and each is one part's alone.
            unsafe { step_range(row * span.unit..(row + 1) * span.unit, scale, span, work, moved, ruled) };
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
    span: &Span,
    work: Work,
    moved: Moved<N>,
    ruled: Ruled<R>,
) {
    let gradients = &work.gradients[range.clone()];
    let gradient = Gradient { penalty: span.penalty, scale, limit: work.clipped.limit };
    let whole = range.len() - range.len() % BLOCK;
    for at in (0..whole).step_by(BLOCK) {
        // SAFETY: the caller answers for the range, which these are within.
        unsafe { step_block(BLOCK, range.start + at, &gradients[at..at + BLOCK], moved, gradient, ruled) };
    }
    if whole < range.len() {
        // SAFETY: as above.
        unsafe { step_block(range.len() - whole, range.start + whole, &gradients[whole..], moved, gradient, ruled) };
    }
}

/// Numbers that are in registers together, whatever the instruction set.
const BLOCK: usize = 16;

/// What becomes of a gradient before weight decay.
#[derive(Clone, Copy)]
struct Gradient {
    penalty: [f32; 2],
    scale: f32,
    limit: f32,
}

/// The step of `count` numbers, at most [`BLOCK`], that begin at `start`. Plain Rust over arrays of a fixed size: the compiler
/// makes vectors of them, with the set's features, and every operation rounds as IEEE 754 says.
///
/// # Safety
/// As [`step_range`].
#[inline(always)]
unsafe fn step_block<R: Rule<N>, const N: usize>(
    count: usize,
    start: usize,
    gradients: &[f32],
    moved: Moved<N>,
    gradient: Gradient,
    Ruled { rule, decay, lost }: Ruled<R>,
) {
    let mut g = [0.0; BLOCK];
    g[..count].copy_from_slice(&gradients[..count]);
    // SAFETY: the caller answers for these numbers.
    let parameters = unsafe { std::slice::from_raw_parts_mut(moved.parameters.at(start), count) };
    let mut p = [0.0; BLOCK];
    p[..count].copy_from_slice(parameters);
    let mut kept = [[0.0; BLOCK]; N];
    for (values, slot) in kept.iter_mut().zip(moved.kept) {
        // SAFETY: as above.
        values[..count].copy_from_slice(unsafe { std::slice::from_raw_parts(slot.at(start), count) });
    }
    for i in 0..BLOCK {
        let mut of_number = [0.0; N];
        for slot in 0..N {
            of_number[slot] = kept[slot][i];
        }
        let g = gradient.clipped(g[i], p[i]) + decay * p[i];
        p[i] = rule.step(p[i] - lost * p[i], g, &mut of_number);
        for slot in 0..N {
            kept[slot][i] = of_number[slot];
        }
    }
    parameters.copy_from_slice(&p[..count]);
    for (values, slot) in kept.iter().zip(moved.kept) {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(slot.at(start), count) }.copy_from_slice(&values[..count]);
    }
}

impl Gradient {
    #[inline(always)]
    fn clipped(self, gradient: f32, parameter: f32) -> f32 {
        let gradient = penalised(gradient, parameter, self.penalty) * self.scale;
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
