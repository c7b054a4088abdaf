//! Clipping by the global norm (Pascanu, Mikolov and Bengio 2013), as `torch.nn.utils.clip_grad_norm_` does it.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::executor::Executor;
use crate::kernels::InstructionSet;
use crate::kernels::instruction_set::{Kernel, KernelIsa, dispatch};
use crate::network::embedding::TableRows;

/// What PyTorch adds to the norm before dividing by it.
const EPSILON: f64 = 1e-6;

/// Values that are summed by one thread. The sums of the chunks are added in their order, whoever computed them.
const CHUNK: usize = 1 << 14;

/// The Euclidean norm of all values, summed in f64. With `rows`, all but these are zero in the table that comes first, and
/// are not read. `sums` is scratch, kept from call to call: the bits of each chunk's sum.
pub(crate) fn global_norm(
    set: InstructionSet,
    executor: &Executor,
    values: &[f32],
    rows: Option<TableRows>,
    sums: &mut Vec<AtomicU64>,
) -> f64 {
    let TableRows { length, size, rows } = rows.unwrap_or(TableRows { length: 0, size: 1, rows: &[] });
    let (table, rest) = values.split_at(length);
    let chunk_rows = (CHUNK / size).max(1);
    let row_chunks = rows.len().div_ceil(chunk_rows);
    let chunks = row_chunks + rest.len().div_ceil(CHUNK);
    sums.resize_with(chunks, AtomicU64::default);
    let sum_of_rows = |rows: &[u32]| -> f64 {
        rows.iter().map(|&row| dispatch(set, SumOfSquares(&table[row as usize * size..][..size]))).sum()
    };
    let sum_of = |chunk: usize| {
        if chunk < row_chunks {
            return sum_of_rows(&rows[chunk * chunk_rows..rows.len().min((chunk + 1) * chunk_rows)]);
        }
        let start = (chunk - row_chunks) * CHUNK;
        dispatch(set, SumOfSquares(&rest[start..rest.len().min(start + CHUNK)]))
    };
    // Reading a number that is not in the cache takes as long as some fifteen operations.
    let parts = executor.parts(15 * (rest.len() + rows.len() * size));
    executor.run(parts, |part| {
        let range = chunks * part / parts..chunks * (part + 1) / parts;
        for (sum, chunk) in sums[range.clone()].iter().zip(range) {
            sum.store(sum_of(chunk).to_bits(), Ordering::Relaxed);
        }
    });
    libm::sqrt(sums.iter().map(|sum| f64::from_bits(sum.load(Ordering::Relaxed))).sum())
}

struct SumOfSquares<'a>(&'a [f32]);

impl Kernel for SumOfSquares<'_> {
    type Output = f64;
    #[inline(always)]
    fn run<I: KernelIsa>(self, _isa: I) -> f64 {
        // Thirty-two sums whatever the set, so that every set adds in the same order.
        let mut sums = [0.0f64; 32];
        let (chunks, rest) = self.0.as_chunks::<32>();
        for chunk in chunks {
            for (sum, &value) in sums.iter_mut().zip(chunk) {
                *sum += f64::from(value) * f64::from(value);
            }
        }
        sums.iter().sum::<f64>() + rest.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>()
    }
}

/// The factor that brings gradients of the given norm down to `limit`; 1 where they are within it.
pub(crate) fn clip_factor(norm: f64, limit: Option<f32>) -> f32 {
    limit.map_or(1.0, |limit| (f64::from(limit) / (norm + EPSILON)).min(1.0) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norm_and_factor_are_those_of_a_triangle() {
        for set in InstructionSet::available() {
            let mut values = vec![0.0; 35];
            (values[0], values[34]) = (3.0, -4.0);
            let executor = Executor::new(Some(1)).unwrap();
            assert_eq!(global_norm(set, &executor, &values, None, &mut Vec::new()).to_bits(), 5.0f64.to_bits());
            // Of a table of eleven rows of three, only the first, which holds the 3, is read.
            values[5] = f32::NAN;
            let rows = Some(TableRows { length: 33, size: 3, rows: &[0] });
            assert_eq!(global_norm(set, &executor, &values, rows, &mut Vec::new()).to_bits(), 5.0f64.to_bits());
        }
        assert!((clip_factor(5.0, Some(1.0)) - 0.2).abs() < 1e-7);
        assert!((clip_factor(0.5, Some(1.0)) - 1.0).abs() < f32::EPSILON);
        assert!((clip_factor(5.0, None) - 1.0).abs() < f32::EPSILON);
    }
}
