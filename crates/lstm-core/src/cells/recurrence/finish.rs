//! What a step does forward after the panels of its gates: states that had to wait, the projection of what the cells said,
//! zoneout of the hidden state, and the mask under which the gates of the next step see it. A plain layer does nothing here.

use rten_simd::ops::{BitOps, NumOps};

use super::forward::{ForwardShare, Mode, StepRows};
use super::{Cell, Deferred, Row, Shape};
use crate::cells::gru::RESET_SLOT;
use crate::kernels::instruction_set::KernelIsa;
use crate::kernels::product::{Product, Start};
use crate::memory::{ReadRows, SharedRows};

impl<C: Cell, M: Mode> ForwardShare<'_, C, M> {
    /// This share's rows of a step, one by one.
    #[inline(always)]
    fn rows(&self, step: usize, first_gates: usize) -> impl Iterator<Item = StepRows> {
        self.runs(step, first_gates).flat_map(|(rows, count)| (0..count).map(move |r| rows.nth(r)))
    }

    /// States that wait for more than their own panel.
    ///
    /// # Safety
    /// The pre-activations of the share's rows and units are in the gates' rows.
    #[inline(always)]
    pub(super) unsafe fn finish_deferred<I: KernelIsa>(&self, isa: I, step: usize, first_gates: usize) {
        let pass = &self.pass;
        let Shape { units, padded_units, padded_hidden, .. } = pass.shape;
        let stride = pass.shape.gate_stride();
        // SAFETY: rows and units are this share's; `forward` checked the sizes.
        unsafe {
            match C::DEFERRED {
                None => {}
                Some(Deferred::Row) => {
                    for rows in self.rows(step, first_gates) {
                        let statistics = pass.gates.at(rows.gates * stride + pass.shape.statistics());
                        let row = Row { units, statistics };
                        self.cell.forward_row(isa, row, self.unit(std::ptr::null(), rows, 0));
                    }
                }
                Some(Deferred::Product) => {
                    for rows in self.rows(step, first_gates) {
                        for unit in self.share.units.clone().step_by(I::LANES) {
                            let seen = pass.seen.at(rows.state_before * padded_hidden + unit);
                            self.cell.before_product(
                                isa,
                                seen,
                                pass.gates.at(rows.gates * stride + unit),
                                padded_units,
                            );
                        }
                    }
                    self.share.meet();
                    for (rows, count) in self.runs(step, first_gates) {
                        let product = Product {
                            left: ReadRows::from(pass.gates).skip(RESET_SLOT * padded_units),
                            left_stride: stride,
                            depth: units,
                            packed: pass.weights.second(),
                            columns: units,
                            start: Start::Sum,
                            out: pass.gates,
                            out_stride: stride,
                            last_panel_first: false,
                        };
                        product.block(isa, rows.gates..rows.gates + count, self.share.units.clone());
                    }
                    for rows in self.rows(step, first_gates) {
                        for unit in self.share.units.clone().step_by(I::LANES) {
                            self.cell.forward(isa, self.mode.training(), self.unit(std::ptr::null(), rows, unit));
                        }
                    }
                }
            }
        }
    }

    /// From what the cells said to the hidden states.
    ///
    /// # Safety
    /// Every unit of this share's rows has said it, but for those of other shares, which may be about to.
    #[inline(always)]
    pub(super) unsafe fn finish_hidden<I: KernelIsa>(&self, isa: I, step: usize, first_gates: usize) {
        let pass = &self.pass;
        let shape = &pass.shape;
        let batch = pass.sequences.batch();
        let columns = self.share.hidden.clone();
        if shape.projected {
            self.share.meet();
            for (rows, count) in self.runs(step, first_gates) {
                let said = if self.mode.training() { rows.packed_row } else { rows.row };
                let product = Product {
                    left: ReadRows::from(pass.said).skip(said * shape.padded_units),
                    left_stride: shape.padded_units,
                    depth: shape.units,
                    packed: pass.weights.second(),
                    columns: shape.hidden,
                    start: Start::Zero,
                    out: pass.hidden.skip((batch + rows.packed_row) * shape.padded_hidden),
                    out_stride: shape.padded_hidden,
                    last_panel_first: false,
                };
                // SAFETY: this block of the hidden states is this share's, and all that was said was said before the meeting.
                unsafe { product.block(isa, 0..count, columns.clone()) };
            }
        }
        let masked = !pass.masks.recurrent.is_empty();
        if shape.hidden_zoneout == 0.0 && !masked {
            return;
        }
        let ops = isa.f32();
        for rows in self.rows(step, first_gates) {
            let (before, state) = (rows.state_before, batch + rows.packed_row);
            for column in columns.clone().step_by(I::LANES) {
                // SAFETY: rows and columns are this share's; `forward` checked the sizes.
                unsafe {
                    let at = |hidden: SharedRows, row: usize| hidden.at(row * shape.padded_hidden + column);
                    let mut h = ops.load_ptr(at(pass.hidden, state).cast_const());
                    if shape.hidden_zoneout > 0.0 {
                        let keep = pass.masks.keep_hidden(shape, rows.packed_row, column);
                        h = keep.mix(isa, ops.load_ptr(at(pass.hidden, before).cast_const()), h);
                        ops.store_ptr(h, at(pass.hidden, state));
                    }
                    if masked {
                        let mask = pass.masks.recurrent.as_ptr().add(rows.row * shape.padded_hidden + column);
                        ops.store_ptr(ops.mul(h, ops.load_ptr(mask)), at(pass.seen, state));
                    }
                }
            }
        }
    }
}
