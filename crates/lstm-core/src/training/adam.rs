//! Adam (Kingma and Ba 2015, algorithm 1), in the order of operations of PyTorch's `torch.optim.Adam`; of a sparse table as
//! `torch.optim.SparseAdam` has it.

use std::ops::Range;

use crate::executor::Executor;
use crate::kernels::InstructionSet;
use crate::kernels::instruction_set::{Kernel, KernelIsa, dispatch};
use crate::memory::SharedRows;
use crate::network::embedding::TableRows;

/// The settings of Adam.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AdamSettings {
    pub(crate) learning_rate: f32,
    pub(crate) beta1: f32,
    pub(crate) beta2: f32,
    pub(crate) epsilon: f32,
}

/// The moments of every parameter.
pub(crate) struct Adam {
    settings: AdamSettings,
    step: i32,
    /// m: decaying mean of gradients.
    mean: Vec<f32>,
    /// v: decaying mean of squared gradients.
    square: Vec<f32>,
}

impl Adam {
    pub(crate) fn new(settings: AdamSettings, parameters: usize) -> Self {
        Self { settings, step: 0, mean: vec![0.0; parameters], square: vec![0.0; parameters] }
    }

    /// What is kept of every parameter, under its name.
    pub(crate) fn slots(&self) -> Vec<(&'static str, &[f32])> {
        vec![("mean", &self.mean), ("square", &self.square)]
    }

    /// The same, to be filled.
    pub(crate) fn slots_mut(&mut self) -> Vec<(&'static str, &mut [f32])> {
        vec![("mean", &mut self.mean), ("square", &mut self.square)]
    }

    /// Steps done.
    pub(crate) fn steps(&self) -> u32 {
        self.step.cast_unsigned()
    }

    /// Goes on as after so many steps.
    pub(crate) fn set_steps(&mut self, steps: u32) {
        self.step = steps.cast_signed();
    }

    /// One step:
    ///
    /// ```text
    /// m = m + (1 − β1) (g − m)      v = β2 v + (1 − β2) g²
    /// p = p − lr / (1 − β1ᵗ) · m / (√v / √(1 − β2ᵗ) + ε)
    /// ```
    ///
    /// Each gradient is multiplied by `scale` first, which is how clipping arrives. With `rows`, of the table that comes
    /// first only these change, and their moments.
    pub(crate) fn step(
        &mut self,
        set: InstructionSet,
        executor: &Executor,
        (parameters, gradients): (&mut [f32], &[f32]),
        scale: f32,
        rows: Option<TableRows>,
    ) {
        let count = gradients.len();
        assert!(parameters.len() == count && self.mean.len() == count && self.square.len() == count);
        let factors = self.next_factors(scale);
        let [parameters, mean, square] = [parameters, &mut self.mean, &mut self.square].map(SharedRows::new);
        let moved = Moved { parameters, mean, square, gradients };
        let first = rows.map_or(0, |rows| rows.length);
        // A number takes as long as some eighty operations: a root, a quotient, and seven trips to memory.
        let parts = executor.parts(80 * (count - first));
        executor.run(parts, |part| {
            let [start, end] = [part, part + 1].map(|part| first + (count - first) * part / parts);
            // SAFETY: the parts' ranges are disjoint and within every slice, as asserted above.
            dispatch(set, unsafe { moved.update(start..end, factors) });
        });
        if let Some(TableRows { rows, size, length }) = rows {
            // PyTorch's sparse Adam adds ε to the root before its correction: √v / √(1 − β2ᵗ) + ε / √(1 − β2ᵗ).
            let factors = Factors { epsilon: factors.epsilon * factors.root_factor, ..factors };
            assert!(length <= count && rows.iter().all(|&row| (row as usize + 1) * size <= length));
            let parts = executor.parts(80 * rows.len() * size);
            executor.run(parts, |part| {
                let rows = &rows[rows.len() * part / parts..rows.len() * (part + 1) / parts];
                dispatch(set, RowUpdates { moved, rows, size, factors });
            });
        }
    }

    /// Counts a step, and gives what it multiplies with.
    fn next_factors(&mut self, scale: f32) -> Factors {
        self.step += 1;
        let AdamSettings { learning_rate, beta1, beta2, epsilon } = self.settings;
        let correction = |beta: f32| 1.0 - libm::pow(f64::from(beta), f64::from(self.step));
        Factors {
            scale,
            beta1_complement: (1.0 - f64::from(beta1)) as f32,
            beta2,
            beta2_complement: (1.0 - f64::from(beta2)) as f32,
            step_size: (f64::from(learning_rate) / correction(beta1)) as f32,
            root_factor: (1.0 / libm::sqrt(correction(beta2))) as f32,
            epsilon,
        }
    }
}

/// What a step reads and changes: slices of one length.
#[derive(Clone, Copy)]
struct Moved<'a> {
    parameters: SharedRows<'a>,
    mean: SharedRows<'a>,
    square: SharedRows<'a>,
    gradients: &'a [f32],
}

impl Moved<'_> {
    /// The step of some of them.
    ///
    /// # Safety
    /// The range is within every slice, and no other thread touches it.
    #[inline(always)]
    unsafe fn update(&self, range: Range<usize>, factors: Factors) -> Update<'_> {
        // SAFETY: the caller answers for the range.
        let [parameters, mean, square] = [self.parameters, self.mean, self.square]
            .map(|values| unsafe { std::slice::from_raw_parts_mut(values.at(range.start), range.len()) });
        Update { parameters, gradients: &self.gradients[range], mean, square, factors }
    }
}

#[derive(Clone, Copy)]
struct Factors {
    scale: f32,
    beta1_complement: f32,
    beta2: f32,
    beta2_complement: f32,
    step_size: f32,
    /// 1 / √(1 − β2ᵗ)
    root_factor: f32,
    epsilon: f32,
}

struct Update<'a> {
    parameters: &'a mut [f32],
    gradients: &'a [f32],
    mean: &'a mut [f32],
    square: &'a mut [f32],
    factors: Factors,
}

impl Kernel for Update<'_> {
    type Output = ();
    // Plain Rust: the compiler vectorises it with the set's features, and every operation rounds as IEEE 754 says.
    #[inline(always)]
    fn run<I: KernelIsa>(self, _isa: I) {
        let Factors { scale, beta1_complement, beta2, beta2_complement, step_size, root_factor, epsilon } =
            self.factors;
        let moments = self.mean.iter_mut().zip(self.square);
        for ((p, &g), (m, v)) in self.parameters.iter_mut().zip(self.gradients).zip(moments) {
            let g = g * scale;
            *m += beta1_complement * (g - *m);
            *v = beta2 * *v + beta2_complement * g * g;
            *p -= step_size * (*m / (v.sqrt() * root_factor + epsilon));
        }
    }
}

/// The step of some rows of a table.
struct RowUpdates<'a> {
    moved: Moved<'a>,
    /// No two alike, within the table, which comes first.
    rows: &'a [u32],
    /// Numbers of a row.
    size: usize,
    factors: Factors,
}

impl Kernel for RowUpdates<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: KernelIsa>(self, isa: I) {
        for &row in self.rows {
            let start = row as usize * self.size;
            // SAFETY: the rows are within the table, as `step` asserts, and each is one part's alone.
            unsafe { self.moved.update(start..start + self.size, self.factors) }.run(isa);
        }
    }
}
