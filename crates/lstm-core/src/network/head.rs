//! The linear head, forward and backward: logits = W · h + b, with W [C, H] and b `[C]`.

use crate::Result;
use crate::kernels::instruction_set::InstructionSet;
use crate::kernels::outer::{OuterProduct, Right, Segmented, outer_product, scratch_length};
use crate::kernels::panels::packed_length;
use crate::kernels::product::{Product, Start, multiply, pack_matrix};
use crate::memory::{AlignedBuffer, Plan, Region, SharedRows, disjoint};

/// The head's weights, packed.
pub(crate) struct Head {
    set: InstructionSet,
    pub(crate) units: usize,
    pub(crate) classes: usize,
    memory: AlignedBuffer,
    /// Wᵀ [H, C], as the right operand of `h · Wᵀ`.
    forward: Region,
    bias: Region,
    /// W [C, H], as the right operand of `dlogits · W`.
    backward: Region,
    transposed: Region,
}

impl Head {
    pub(crate) fn new(set: InstructionSet, units: usize, classes: usize) -> Result<Self> {
        let lanes = set.lanes();
        let mut plan = Plan::default();
        let forward = plan.take(packed_length(units, classes, lanes));
        let bias = plan.take(classes.next_multiple_of(lanes));
        let backward = plan.take(packed_length(classes, units, lanes));
        let transposed = plan.take(units * classes);
        let memory = AlignedBuffer::zeros(plan.length())?;
        Ok(Self { set, units, classes, memory, forward, bias, backward, transposed })
    }

    /// Packs W [C, H] and b `[C]`.
    pub(crate) fn pack(&mut self, weight: &[f32], bias: &[f32]) {
        let lanes = self.set.lanes();
        let [forward, packed_bias, backward, transposed] =
            disjoint(&mut self.memory, [self.forward, self.bias, self.backward, self.transposed]);
        for (class, row) in weight.chunks_exact(self.units).enumerate() {
            for (unit, &value) in row.iter().enumerate() {
                transposed[unit * self.classes + class] = value;
            }
        }
        pack_matrix(forward, transposed, self.classes, lanes);
        pack_matrix(backward, weight, self.units, lanes);
        packed_bias[..self.classes].copy_from_slice(bias);
    }

    /// Numbers from one row of logits to the next: C rounded up to whole vectors.
    pub(crate) fn logit_stride(&self) -> usize {
        self.classes.next_multiple_of(self.set.lanes())
    }

    /// Numbers from one row of hidden states to the next: H rounded up to whole vectors.
    pub(crate) fn state_stride(&self) -> usize {
        self.units.next_multiple_of(self.set.lanes())
    }

    /// `logits[r] = W · hidden[r] + b` for `rows` rows.
    pub(crate) fn forward(&self, hidden: &[f32], rows: usize, logits: &mut [f32]) {
        let product = Product {
            left: hidden.into(),
            left_stride: self.state_stride(),
            depth: self.units,
            packed: &self.memory[self.forward.range()],
            columns: self.classes,
            start: Start::Bias(&self.memory[self.bias.range()]),
            out: SharedRows::new(logits),
            out_stride: self.logit_stride(),
            last_panel_first: false,
        };
        // SAFETY: this thread alone holds `logits`.
        unsafe { multiply(self.set, product, 0..rows) };
    }

    /// `dhidden[r] = dlogits[r] · W`, `dW = Σ dlogits[r]ᵀ · hidden[r]`, `db = Σ dlogits[r]`.
    pub(crate) fn backward(&self, dlogits: &[f32], rows: usize, hidden: &[f32], gradients: HeadGradients) {
        let product = Product {
            left: dlogits.into(),
            left_stride: self.logit_stride(),
            depth: self.classes,
            packed: &self.memory[self.backward.range()],
            columns: self.units,
            start: Start::Zero,
            out: SharedRows::new(gradients.hidden),
            out_stride: self.state_stride(),
            last_panel_first: false,
        };
        // SAFETY: this thread alone holds the gradients.
        unsafe { multiply(self.set, product, 0..rows) };
        let product = OuterProduct {
            rows,
            left: Segmented { values: dlogits, row_stride: self.logit_stride(), segments: &[0], columns: self.classes },
            rights: &[Right {
                values: hidden,
                row_stride: self.state_stride(),
                columns: self.units,
                index: None,
                gradient: SharedRows::new(gradients.weight),
                gradient_stride: self.units,
                gradient_column: 0,
            }],
            bias_gradient: Some(SharedRows::new(gradients.bias)),
        };
        // SAFETY: as above.
        unsafe { outer_product(self.set, product, 0..self.classes, gradients.scratch) };
    }

    /// Scratch values of the backward pass.
    pub(crate) fn scratch(&self) -> usize {
        scratch_length(self.classes, self.units, self.set.lanes())
    }
}

/// What the head's backward pass writes.
pub(crate) struct HeadGradients<'a> {
    /// [rows, `state_stride`]
    pub(crate) hidden: &'a mut [f32],
    /// [C, H]
    pub(crate) weight: &'a mut [f32],
    /// `[C]`
    pub(crate) bias: &'a mut [f32],
    pub(crate) scratch: &'a mut [f32],
}
