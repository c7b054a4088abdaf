//! A linear map over many rows, forward and backward: y = W · x + b, with W [K, D] and b `[K]`.

use crate::Result;
use crate::executor::Executor;
use crate::kernels::instruction_set::InstructionSet;
use crate::kernels::outer::{OuterProduct, Right, Segmented, outer_product, scratch_length};
use crate::kernels::panels::packed_length;
use crate::kernels::product::{Product, Start, multiply, pack_matrix};
use crate::memory::{AlignedBuffer, Plan, Region, SharedRows, disjoint};

/// The map's weights, packed.
pub(crate) struct Linear {
    set: InstructionSet,
    /// D
    pub(crate) inputs: usize,
    /// K
    pub(crate) outputs: usize,
    memory: AlignedBuffer,
    /// Wᵀ [D, K], as the right operand of `x · Wᵀ`.
    forward: Region,
    bias: Region,
    /// W [K, D], as the right operand of `dy · W`.
    backward: Region,
    transposed: Region,
}

impl Linear {
    pub(crate) fn new(set: InstructionSet, inputs: usize, outputs: usize) -> Result<Self> {
        let lanes = set.lanes();
        let mut plan = Plan::default();
        let forward = plan.take(packed_length(inputs, outputs, lanes));
        let bias = plan.take(outputs.next_multiple_of(lanes));
        let backward = plan.take(packed_length(outputs, inputs, lanes));
        let transposed = plan.take(inputs * outputs);
        let memory = AlignedBuffer::zeros(plan.length())?;
        Ok(Self { set, inputs, outputs, memory, forward, bias, backward, transposed })
    }

    /// Packs W [K, D] and b `[K]`.
    pub(crate) fn pack(&mut self, weight: &[f32], bias: &[f32]) {
        let lanes = self.set.lanes();
        let [forward, packed_bias, backward, transposed] =
            disjoint(&mut self.memory, [self.forward, self.bias, self.backward, self.transposed]);
        for (output, row) in weight.chunks_exact(self.inputs).enumerate() {
            for (input, &value) in row.iter().enumerate() {
                transposed[input * self.outputs + output] = value;
            }
        }
        pack_matrix(forward, transposed, self.outputs, lanes);
        pack_matrix(backward, weight, self.inputs, lanes);
        packed_bias[..self.outputs].copy_from_slice(bias);
    }

    /// Numbers from one row of y to the next: K rounded up to whole vectors.
    pub(crate) fn output_stride(&self) -> usize {
        self.outputs.next_multiple_of(self.set.lanes())
    }

    /// Numbers from one row of x to the next: D rounded up to whole vectors.
    pub(crate) fn input_stride(&self) -> usize {
        self.inputs.next_multiple_of(self.set.lanes())
    }

    /// Parts that a product over so many rows is worth cutting into.
    fn parts(&self, executor: &Executor, rows: usize) -> usize {
        executor.parts(2 * rows * self.inputs * self.outputs)
    }

    /// `y[r] = W · x[r] + b` for `rows` rows.
    pub(crate) fn forward(&self, executor: &Executor, x: &[f32], rows: usize, y: &mut [f32]) {
        let product = Product {
            left: x.into(),
            left_stride: self.input_stride(),
            depth: self.inputs,
            packed: &self.memory[self.forward.range()],
            columns: self.outputs,
            start: Start::Bias(&self.memory[self.bias.range()]),
            out: SharedRows::new(y),
            out_stride: self.output_stride(),
            last_panel_first: false,
        };
        self.share_rows(executor, product, rows);
    }

    /// `dx[r] = dy[r] · W`, `dW = Σ dy[r]ᵀ · x[r]`, `db = Σ dy[r]`.
    pub(crate) fn backward(&self, executor: &Executor, dy: &[f32], rows: usize, x: &[f32], gradients: LinearGradients) {
        let product = Product {
            left: dy.into(),
            left_stride: self.output_stride(),
            depth: self.outputs,
            packed: &self.memory[self.backward.range()],
            columns: self.inputs,
            start: if gradients.add { Start::Sum } else { Start::Zero },
            out: SharedRows::new(gradients.x),
            out_stride: self.input_stride(),
            last_panel_first: false,
        };
        self.share_rows(executor, product, rows);
        let LinearGradients { weight, bias, scratch, .. } = gradients;
        self.weight_gradients(executor, dy, rows, x, (weight, bias), scratch);
    }

    /// The gradients of the weights alone.
    pub(crate) fn weight_gradients(
        &self,
        executor: &Executor,
        dy: &[f32],
        rows: usize,
        x: &[f32],
        (weight, bias): (&mut [f32], &mut [f32]),
        scratch: &mut [f32],
    ) {
        let product = OuterProduct {
            rows,
            left: Segmented { values: dy, row_stride: self.output_stride(), segments: &[0], columns: self.outputs },
            rights: &[Right {
                values: x,
                row_stride: self.input_stride(),
                columns: self.inputs,
                index: None,
                gradient: SharedRows::new(weight),
                gradient_stride: self.inputs,
                gradient_column: 0,
            }],
            bias_gradient: Some(SharedRows::new(bias)),
        };
        let parts = self.parts(executor, rows).min(self.outputs);
        let each = scratch_length(self.outputs, self.inputs, self.set.lanes());
        assert!(scratch.len() >= parts * each);
        let scratch = SharedRows::new(scratch);
        executor.run(parts, |part| {
            let outputs = self.outputs * part / parts..self.outputs * (part + 1) / parts;
            // SAFETY: the parts' outputs are disjoint, and so are their pieces of the scratch, whose length was just checked.
            unsafe {
                let scratch = std::slice::from_raw_parts_mut(scratch.at(part * each), each);
                outer_product(self.set, product, outputs, scratch);
            }
        });
    }

    fn share_rows(&self, executor: &Executor, product: Product, rows: usize) {
        let parts = self.parts(executor, rows).min(rows);
        executor.run(parts, |part| {
            let rows = rows * part / parts..rows * (part + 1) / parts;
            // SAFETY: the parts' rows are disjoint, and the caller of this module holds `out` alone.
            unsafe { multiply(self.set, product, rows) };
        });
    }

    /// Scratch values of the backward pass on `parts` threads.
    pub(crate) fn scratch(&self, parts: usize) -> usize {
        parts.min(self.outputs) * scratch_length(self.outputs, self.inputs, self.set.lanes())
    }
}

/// What the backward pass writes.
pub(crate) struct LinearGradients<'a> {
    /// [rows, `input_stride`]
    pub(crate) x: &'a mut [f32],
    /// Whether to add to what `x` holds.
    pub(crate) add: bool,
    /// [K, D]
    pub(crate) weight: &'a mut [f32],
    /// `[K]`
    pub(crate) bias: &'a mut [f32],
    pub(crate) scratch: &'a mut [f32],
}
