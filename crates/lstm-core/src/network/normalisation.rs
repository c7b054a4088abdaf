//! Layer normalisation of what a layer or the head reads (Ba, Kiros and Hinton 2016; `nn.LayerNorm` in `PyTorch`), forward beside
//! backward. Over the D numbers of each row, with norm and its r as in [`kernels::normalisation`](crate::kernels::normalisation):
//!
//! ```text
//! x̂ = norm(x)                                         y = gain ∘ x̂ + bias
//! dx = r · (dx̂ − mean(dx̂) − x̂ ∘ mean(dx̂ ∘ x̂))         dx̂ = dy ∘ gain
//! dgain = Σ dy ∘ x̂                                    dbias = Σ dy, over all rows
//! ```
//!
//! Rows of y and of gradients lie S numbers apart: D rounded up to whole vectors. Threads share out rows, and for the gradients of
//! gain and bias columns, so that the order of no sum depends on how many there are. Knows nothing of layers, cells and steps.

use std::ops::Range;

use rten_simd::ops::{BitOps, NumOps};

use super::between;
use super::parameters::NormRanges;
use crate::Result;
use crate::cells::recurrence::Input;
use crate::executor::Executor;
use crate::kernels::InstructionSet;
use crate::kernels::instruction_set::{Kernel, KernelIsa, MAX_LANES, dispatch};
use crate::kernels::normalisation::{centred, statistics, vectors};
use crate::memory::{AlignedBuffer, SharedRows};

/// What a row keeps for backward: its mean and r.
pub(super) const KEPT: usize = 2;

/// Rows whose gradients are added up by themselves before they join the sum of all, as in the products of weight gradients.
const BLOCK: usize = 256;

/// The gain and the bias of one normalisation, ready for the kernels.
pub(crate) struct Normalisation {
    set: InstructionSet,
    ranges: NormRanges,
    /// S
    stride: usize,
    /// [2, S]: gain, then bias.
    vectors: AlignedBuffer,
}

impl Normalisation {
    /// One of zeros.
    pub(crate) fn new(ranges: &NormRanges, set: InstructionSet) -> Result<Self> {
        let stride = ranges.size.next_multiple_of(set.lanes());
        Ok(Self { set, ranges: ranges.clone(), stride, vectors: AlignedBuffer::zeros(2 * stride)? })
    }

    /// Takes over new weights, a flat vector.
    pub(crate) fn pack(&mut self, weights: &[f32]) {
        let (gain, bias) = self.vectors.split_at_mut(self.stride);
        gain[..self.ranges.size].copy_from_slice(&weights[self.ranges.weight.clone()]);
        bias[..self.ranges.size].copy_from_slice(&weights[self.ranges.bias.clone()]);
    }

    fn gain(&self) -> &[f32] {
        &self.vectors[..self.stride]
    }

    fn bias(&self) -> &[f32] {
        &self.vectors[self.stride..][..self.stride]
    }

    /// Fills `y` [rows, S] from the rows of x, and `kept` [rows, [`KEPT`]] for backward.
    pub(crate) fn forward(&self, executor: &Executor, x: Input, rows: usize, y: &mut [f32], kept: &mut [f32]) {
        assert!(kept.len() >= rows * KEPT);
        let kept = SharedRows::new(kept);
        between::for_parts(executor, rows, self.stride, y, |rows, y| {
            // SAFETY: within `kept` as asserted above; the parts' rows are disjoint.
            let kept = unsafe { std::slice::from_raw_parts_mut(kept.at(rows.start * KEPT), rows.len() * KEPT) };
            dispatch(self.set, Forward { norm: self, x, rows, y, kept });
        });
    }

    /// Replaces `gradient` [rows, S], that of y, by that of x, and writes those of gain and bias into `flat`. `normal` [rows, S] is
    /// scratch; x and `kept` are as in the forward pass.
    pub(crate) fn backward(
        &self,
        executor: &Executor,
        x: Input,
        rows: usize,
        kept: &[f32],
        (normal, gradient): (&mut [f32], &mut [f32]),
        flat: &mut [f32],
    ) {
        between::for_parts(executor, rows, self.stride, normal, |rows, normal| {
            let kept = &kept[rows.start * KEPT..];
            dispatch(self.set, Recomputed { norm: self, x, rows, kept, normal });
        });
        self.gradients(executor, rows, normal, gradient, flat);
        between::for_parts(executor, rows, self.stride, gradient, |rows, gradient| {
            let (normal, kept) = (&normal[rows.start * self.stride..], &kept[rows.start * KEPT..]);
            dispatch(self.set, Backward { norm: self, normal, kept, gradient });
        });
    }

    /// The gradients of gain and bias from x̂ and dy [rows, S].
    fn gradients(&self, executor: &Executor, rows: usize, normal: &[f32], gradient: &[f32], flat: &mut [f32]) {
        let [weight, bias] = flat
            .get_disjoint_mut([self.ranges.weight.clone(), self.ranges.bias.clone()])
            .expect("tensors of one layout are disjoint");
        let [weight, bias] = [weight, bias].map(SharedRows::new);
        let (size, vectors) = (self.ranges.size, self.stride / self.set.lanes());
        let parts = executor.parts(between::OPERATIONS * rows * self.stride).min(vectors);
        executor.run(parts, |part| {
            let [start, end] = [part, part + 1].map(|part| (vectors * part / parts * self.set.lanes()).min(size));
            let part_of = |tensor: SharedRows| {
                // SAFETY: within the tensor of `size` numbers; the parts' columns are disjoint.
                unsafe { std::slice::from_raw_parts_mut(tensor.at(start), end - start) }
            };
            let [weight, bias] = [weight, bias].map(part_of);
            let [normal, gradient] = [normal, gradient].map(|values| &values[..rows * self.stride]);
            dispatch(self.set, ColumnSums { stride: self.stride, first: start, normal, gradient, weight, bias });
        });
    }
}

struct Forward<'a> {
    norm: &'a Normalisation,
    x: Input<'a>,
    rows: Range<usize>,
    y: &'a mut [f32],
    kept: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: KernelIsa>(self, isa: I) {
        let Self { norm, x, rows, y, kept } = self;
        let (ops, size) = (isa.f32(), norm.ranges.size);
        for ((row, y), kept) in rows.zip(y.chunks_exact_mut(norm.stride)).zip(kept.chunks_exact_mut(KEPT)) {
            x.copy_row(row, y);
            // SAFETY: a row of y is as long as whole vectors.
            let (mean, r) = unsafe { statistics(isa, y.as_ptr(), size) };
            kept.copy_from_slice(&[mean, r]);
            for (first, valid) in vectors(isa, size) {
                let normal = valid(ops.mul(ops.sub(ops.load(&y[first..]), ops.splat(mean)), ops.splat(r)));
                let (gain, bias) = (ops.load(&norm.gain()[first..]), ops.load(&norm.bias()[first..]));
                ops.store(ops.mul_add(gain, normal, bias), &mut y[first..]);
            }
        }
    }
}

/// Fills `normal` with x̂ once more; zeros beyond D.
struct Recomputed<'a> {
    norm: &'a Normalisation,
    x: Input<'a>,
    rows: Range<usize>,
    kept: &'a [f32],
    normal: &'a mut [f32],
}

impl Kernel for Recomputed<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: KernelIsa>(self, isa: I) {
        let Self { norm, x, rows, kept, normal } = self;
        let ops = isa.f32();
        for ((row, normal), kept) in rows.zip(normal.chunks_exact_mut(norm.stride)).zip(kept.chunks_exact(KEPT)) {
            x.copy_row(row, normal);
            let [mean, r] = [kept[0], kept[1]].map(|value| ops.splat(value));
            for (first, valid) in vectors(isa, norm.ranges.size) {
                let distance = ops.sub(ops.load(&normal[first..]), mean);
                ops.store(valid(ops.mul(distance, r)), &mut normal[first..]);
            }
        }
    }
}

/// From dy to dx, in place; zeros beyond D.
struct Backward<'a> {
    norm: &'a Normalisation,
    normal: &'a [f32],
    kept: &'a [f32],
    gradient: &'a mut [f32],
}

impl Kernel for Backward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: KernelIsa>(self, isa: I) {
        let Self { norm, normal, kept, gradient } = self;
        let (ops, size) = (isa.f32(), norm.ranges.size);
        let rows = gradient.chunks_exact_mut(norm.stride).zip(normal.chunks_exact(norm.stride));
        for ((gradient, normal), kept) in rows.zip(kept.chunks_exact(KEPT)) {
            let mut sums = [ops.zero(); 2];
            for (first, valid) in vectors(isa, size) {
                let d_normal = valid(ops.mul(ops.load(&gradient[first..]), ops.load(&norm.gain()[first..])));
                ops.store(d_normal, &mut gradient[first..]);
                sums = [ops.add(sums[0], d_normal), ops.mul_add(d_normal, ops.load(&normal[first..]), sums[1])];
            }
            let means = sums.map(|sum| ops.splat(ops.sum(sum) / size as f32));
            let r = ops.splat(kept[1]);
            for (first, valid) in vectors(isa, size) {
                let (d_normal, normal) = (ops.load(&gradient[first..]), ops.load(&normal[first..]));
                ops.store(valid(ops.mul(r, centred(isa, d_normal, normal, means))), &mut gradient[first..]);
            }
        }
    }
}

/// Σ dy ∘ x̂ and Σ dy over all rows, of as many columns from `first` on as `weight` and `bias` have.
struct ColumnSums<'a> {
    stride: usize,
    first: usize,
    normal: &'a [f32],
    gradient: &'a [f32],
    weight: &'a mut [f32],
    bias: &'a mut [f32],
}

impl Kernel for ColumnSums<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: KernelIsa>(self, isa: I) {
        let Self { stride, first, normal, gradient, weight, bias } = self;
        let ops = isa.f32();
        let columns = weight.chunks_mut(I::LANES).zip(bias.chunks_mut(I::LANES)).enumerate();
        for (vector, (weight, bias)) in columns {
            let column = first + vector * I::LANES;
            let mut sums = [ops.zero(); 2];
            for (gradient, normal) in gradient.chunks(BLOCK * stride).zip(normal.chunks(BLOCK * stride)) {
                let mut block = [ops.zero(); 2];
                for (gradient, normal) in gradient.chunks_exact(stride).zip(normal.chunks_exact(stride)) {
                    let (dy, normal) = (ops.load(&gradient[column..]), ops.load(&normal[column..]));
                    block = [ops.mul_add(dy, normal, block[0]), ops.add(block[1], dy)];
                }
                sums = [ops.add(sums[0], block[0]), ops.add(sums[1], block[1])];
            }
            for (sum, target) in sums.into_iter().zip([weight, bias]) {
                let mut lanes = [0.0; MAX_LANES];
                ops.store(sum, &mut lanes);
                target.copy_from_slice(&lanes[..target.len()]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cells::recurrence::Columns;
    use crate::random::{RandomStream, Stream};

    /// More than a block, and not a whole number of them.
    const ROWS: usize = 2 * BLOCK + 77;
    /// No whole number of vectors, in two pieces of which neither is.
    const PIECES: [usize; 2] = [9, 12];
    const SIZE: usize = PIECES[0] + PIECES[1];

    fn largest_error(found: impl Iterator<Item = f32>, exact: impl Iterator<Item = f64>) -> f64 {
        found.zip(exact).fold(0.0, |most, (found, exact)| most.max((f64::from(found) - exact).abs()))
    }

    #[test]
    fn rows_and_their_gradients_are_those_of_the_equations() {
        let mut random = RandomStream::new(3, Stream::Shuffling);
        let mut draw = |count: usize| -> Vec<f32> { (0..count).map(|_| random.uniform(-1.0, 1.0)).collect() };
        // Far from 0, so that the mean counts.
        let x: Vec<f32> = draw(ROWS * SIZE).iter().map(|value| value + 8.0).collect();
        let (flat, dy) = (draw(2 * SIZE), draw(ROWS * SIZE));
        let pieces = [0, 1].map(|piece| -> Vec<f32> {
            let first = piece * PIECES[0];
            x.chunks(SIZE).flat_map(|row| row[first..first + PIECES[piece]].to_vec()).collect()
        });
        let columns =
            [0, 1].map(|piece| Columns { values: &pieces[piece], stride: PIECES[piece], count: PIECES[piece] });
        let x_rows = Input { first: columns[0], second: Some(columns[1]) };
        let ranges = NormRanges { weight: 0..SIZE, bias: SIZE..2 * SIZE, size: SIZE };
        let (y, dx, [dgain, dbias]) = exact(&x, &flat, &dy);

        for set in InstructionSet::available() {
            let executor = Executor::new(Some(1)).unwrap();
            let mut norm = Normalisation::new(&ranges, set).unwrap();
            norm.pack(&flat);
            let stride = norm.stride;
            // What lies beyond a row's numbers is read by nobody.
            let [mut out, mut gradient] = [(); 2].map(|()| vec![f32::NAN; ROWS * stride]);
            let (mut kept, mut gradients) = (vec![f32::NAN; ROWS * KEPT], vec![f32::NAN; 2 * SIZE]);
            norm.forward(&executor, x_rows, ROWS, &mut out, &mut kept);
            let valid = |rows: &[f32]| rows.chunks(stride).flat_map(|row| row[..SIZE].to_vec()).collect::<Vec<_>>();
            // Numbers about 8 with a deviation of 0.6: their last place, 5e-7, over that.
            assert!(largest_error(valid(&out).into_iter(), y.iter().copied()) < 3e-6, "{set:?}");
            for (row, dy) in gradient.chunks_exact_mut(stride).zip(dy.chunks_exact(SIZE)) {
                row[..SIZE].copy_from_slice(dy);
            }
            norm.backward(&executor, x_rows, ROWS, &kept, (&mut out, &mut gradient), &mut gradients);
            assert!(largest_error(valid(&gradient).into_iter(), dx.iter().copied()) < 5e-6, "{set:?}");
            let (of_gain, of_bias) = gradients.split_at(SIZE);
            // Sums of some 600 terms.
            assert!(largest_error(of_gain.iter().copied(), dgain.iter().copied()) < 5e-5, "{set:?}");
            assert!(largest_error(of_bias.iter().copied(), dbias.iter().copied()) < 5e-5, "{set:?}");
        }
    }

    /// y, dx, and the gradients of gain and bias.
    fn exact(x: &[f32], flat: &[f32], dy: &[f32]) -> (Vec<f64>, Vec<f64>, [Vec<f64>; 2]) {
        let size = SIZE as f64;
        let [gain, bias] =
            [0, SIZE].map(|first| flat[first..][..SIZE].iter().copied().map(f64::from).collect::<Vec<_>>());
        let (mut y, mut dx, mut sums) = (Vec::new(), Vec::new(), [vec![0.0; SIZE], vec![0.0; SIZE]]);
        for (x, dy) in x.chunks(SIZE).zip(dy.chunks(SIZE)) {
            let mean = x.iter().copied().map(f64::from).sum::<f64>() / size;
            let variance = x.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / size;
            let r = 1.0 / (variance + 1e-5).sqrt();
            let normal: Vec<f64> = x.iter().map(|&x| (f64::from(x) - mean) * r).collect();
            let d_normal: Vec<f64> = dy.iter().zip(&gain).map(|(&dy, gain)| f64::from(dy) * gain).collect();
            let first = d_normal.iter().sum::<f64>() / size;
            let second = d_normal.iter().zip(&normal).map(|(d, normal)| d * normal).sum::<f64>() / size;
            for j in 0..SIZE {
                y.push(gain[j] * normal[j] + bias[j]);
                dx.push(r * (d_normal[j] - first - normal[j] * second));
                sums[0][j] += f64::from(dy[j]) * normal[j];
                sums[1][j] += f64::from(dy[j]);
            }
        }
        (y, dx, sums)
    }
}
