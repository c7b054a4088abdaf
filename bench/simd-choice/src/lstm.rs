//! The fused LSTM forward pass, written once over [`Vectors`], and the plain f64 one that checks it.

use std::mem::MaybeUninit;

use crate::vectors::Vectors;

/// Batch B, steps T, inputs I, hidden units H (a multiple of LANES).
#[derive(Clone, Copy)]
pub struct Shape {
    pub batch: usize,
    pub steps: usize,
    pub inputs: usize,
    pub units: usize,
}

impl Shape {
    /// Floating-point operations of a forward pass: 2 · B · T · 4H · (I + H).
    pub fn operations(self) -> f64 {
        (8 * self.batch * self.steps * self.units * (self.inputs + self.units)) as f64
    }
}

/// The tensors of a forward pass.
pub struct Lstm {
    pub shape: Shape,
    /// [T, B, I]
    x: Vec<f32>,
    /// [4H, I] and [4H, H], gates i, f, g, o.
    weights: [Vec<f32>; 2],
    /// [4H]
    bias: Vec<f32>,
    /// Per panel of LANES units: bias [4, LANES], then for each input, then each hidden index [4, LANES].
    packed: Vec<f32>,
    /// [T + 1, B, H]: the initial state, then each step's.
    h: Vec<f32>,
    c: Vec<f32>,
    /// [T, B, 4, H], after the activations.
    gates: Vec<f32>,
}

impl Lstm {
    pub fn new(shape: Shape) -> Self {
        let Shape { batch, steps, inputs, units } = shape;
        let mut state = 1_u32;
        let mut uniform = |count: usize, bound: f32| -> Vec<f32> {
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                ((state >> 8) as f32 / (1 << 23) as f32 - 1.0) * bound
            };
            (0..count).map(|_| next()).collect()
        };
        let bound = (units as f32).sqrt().recip();
        Self {
            shape,
            x: uniform(steps * batch * inputs, 2.0),
            weights: [uniform(4 * units * inputs, bound), uniform(4 * units * units, bound)],
            bias: uniform(4 * units, bound),
            packed: Vec::new(),
            h: vec![0.0; (steps + 1) * batch * units],
            c: vec![0.0; (steps + 1) * batch * units],
            gates: vec![0.0; steps * batch * 4 * units],
        }
    }

    pub fn pack(&mut self, lanes: usize) {
        let Shape { inputs, units, .. } = self.shape;
        self.packed.clear();
        for panel in 0..units / lanes {
            let rows: Vec<usize> = (0..4 * lanes).map(|n| n / lanes * units + panel * lanes + n % lanes).collect();
            self.packed.extend(rows.iter().map(|&row| self.bias[row]));
            for (weights, depth) in self.weights.iter().zip([inputs, units]) {
                for k in 0..depth {
                    self.packed.extend(rows.iter().map(|&row| weights[row * depth + k]));
                }
            }
        }
    }

    /// All steps, in register tiles of at most ROWS rows. [`pack`](Self::pack) came before.
    #[inline(always)]
    pub fn forward<A: Vectors, const ROWS: usize>(&mut self, a: A) {
        let Shape { batch, steps, inputs, units } = self.shape;
        let panel_size = (1 + inputs + units) * 4 * A::LANES;
        assert_eq!(units % A::LANES, 0);
        assert_eq!(self.packed.len(), units / A::LANES * panel_size);
        for step in 0..steps {
            for panel in 0..units / A::LANES {
                for row in (0..batch).step_by(ROWS) {
                    let at = At { row: step * batch + row, unit: panel * A::LANES, packed: panel * panel_size };
                    // SAFETY: the rows and the panel lie within the shape that every tensor was made for.
                    unsafe {
                        match ROWS.min(batch - row) {
                            1 => self.tile::<A, 1>(a, at),
                            2 if ROWS >= 2 => self.tile::<A, 2>(a, at),
                            3 if ROWS >= 3 => self.tile::<A, 3>(a, at),
                            4 if ROWS >= 4 => self.tile::<A, 4>(a, at),
                            5 if ROWS >= 5 => self.tile::<A, 5>(a, at),
                            6 if ROWS >= 6 => self.tile::<A, 6>(a, at),
                            7 if ROWS >= 7 => self.tile::<A, 7>(a, at),
                            8 if ROWS >= 8 => self.tile::<A, 8>(a, at),
                            _ => unreachable!("a tile has at most 8 rows"),
                        }
                    }
                }
            }
        }
    }

    /// R rows of one panel at one step: 4 · R sums over x and h, then the gates.
    ///
    /// # Safety
    /// `at` and the R rows from it lie within the tensors.
    #[inline(always)]
    unsafe fn tile<A: Vectors, const R: usize>(&mut self, a: A, at: At) {
        let Shape { inputs, units, .. } = self.shape;
        let width = 4 * A::LANES;
        let mut tile = MaybeUninit::<[f32; 8 * 4 * 16]>::uninit();
        let tile = tile.as_mut_ptr().cast::<f32>();
        // SAFETY: the caller's; the tile has room for 8 rows of 4 vectors of 16 lanes.
        unsafe {
            let packed = self.packed.as_ptr().add(at.packed);
            let mut bias = [a.splat(0.0); 4];
            for (gate, bias) in bias.iter_mut().enumerate() {
                *bias = a.load(packed.add(gate * A::LANES));
            }
            let sums = [bias; R];
            let packed = packed.add(width);
            let sums = multiply_add(a, sums, inputs, self.x.as_ptr().add(at.row * inputs), packed);
            let packed = packed.add(inputs * width);
            let sums = multiply_add(a, sums, units, self.h.as_ptr().add(at.row * units), packed);
            // Constant indices only: a sum that is indexed by a variable would live on the stack, in the loop too.
            for r in 0..R {
                for gate in 0..4 {
                    a.store(sums[r][gate], tile.add(r * width + gate * A::LANES));
                }
            }
            for r in 0..R {
                self.gates(a, tile.add(r * width), at.row + r, at.unit);
            }
        }
    }

    /// The gates and the new state of one vector of units, from the sums [4, LANES].
    ///
    /// # Safety
    /// As [`tile`](Self::tile).
    #[inline(always)]
    unsafe fn gates<A: Vectors>(&mut self, a: A, sums: *const f32, row: usize, unit: usize) {
        let Shape { batch, units, .. } = self.shape;
        // SAFETY: the caller's.
        unsafe {
            let i = a.sigmoid(a.load(sums));
            let f = a.sigmoid(a.load(sums.add(A::LANES)));
            let g = a.tanh(a.load(sums.add(2 * A::LANES)));
            let o = a.sigmoid(a.load(sums.add(3 * A::LANES)));
            let c = a.mul_add(f, a.load(self.c.as_ptr().add(row * units + unit)), a.mul(i, g));
            let h = a.mul(o, a.tanh(c));
            a.store(c, self.c.as_mut_ptr().add((row + batch) * units + unit));
            a.store(h, self.h.as_mut_ptr().add((row + batch) * units + unit));
            for (gate, value) in [i, f, g, o].into_iter().enumerate() {
                a.store(value, self.gates.as_mut_ptr().add((row * 4 + gate) * units + unit));
            }
        }
    }

    /// The same pass in scalar f64: states h and c [T + 1, B, H] and gates [T, B, 4, H].
    pub fn reference(&self) -> [Vec<f64>; 3] {
        let Shape { batch, steps, inputs, units } = self.shape;
        let mut h = vec![0.0; self.h.len()];
        let mut c = vec![0.0; self.c.len()];
        let mut gates = vec![0.0; self.gates.len()];
        let dot =
            |a: &[f32], b: &mut dyn Iterator<Item = f64>| a.iter().zip(b).map(|(&a, b)| f64::from(a) * b).sum::<f64>();
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        for row in 0..steps * batch {
            for unit in 0..units {
                let [i, f, g, o] = [0, 1, 2, 3].map(|gate| {
                    let n = gate * units + unit;
                    let x = &mut self.x[row * inputs..][..inputs].iter().map(|&x| f64::from(x));
                    let before = &mut h[row * units..][..units].iter().copied();
                    let sum = f64::from(self.bias[n])
                        + dot(&self.weights[0][n * inputs..][..inputs], x)
                        + dot(&self.weights[1][n * units..][..units], before);
                    let value = if gate == 2 { sum.tanh() } else { sigmoid(sum) };
                    gates[(row * 4 + gate) * units + unit] = value;
                    value
                });
                let cell = f * c[row * units + unit] + i * g;
                c[(row + batch) * units + unit] = cell;
                h[(row + batch) * units + unit] = o * cell.tanh();
            }
        }
        [h, c, gates]
    }

    /// The largest error of any state or gate.
    pub fn error(&self, reference: &[Vec<f64>; 3]) -> f64 {
        let error = |(&actual, expected): (&f32, &f64)| (f64::from(actual) - expected).abs();
        let tensors = [&self.h, &self.c, &self.gates].into_iter().zip(reference);
        // Not `f64::max`, which would let NaN pass.
        tensors.flat_map(|(a, b)| a.iter().zip(b)).map(error).fold(0.0, |a, b| if b <= a { a } else { b })
    }

    /// Forgets all results, so that no kernel passes on another's.
    pub fn clear(&mut self) {
        let initial = self.shape.batch * self.shape.units;
        self.h[initial..].fill(f32::NAN);
        self.c[initial..].fill(f32::NAN);
        self.gates.fill(f32::NAN);
    }
}

/// Where a tile lies: its first row of T · B, its first unit, its panel in `packed`.
#[derive(Clone, Copy)]
struct At {
    row: usize,
    unit: usize,
    packed: usize,
}

/// The inner loop: `sums[r][v] += Σ_k left[r, k] · packed[k, v]`, with `left` in rows of `depth` values.
///
/// The R left values are broadcast first and the vectors of `packed` come one at a time: 4R + R + 1 registers, 16 for
/// R = 3. With the four vectors first it would be 4R + 4 + 1, and AVX2 would spill.
///
/// # Safety
/// `left` is readable at R · `depth` values, `packed` at `depth` · 4 · LANES.
#[inline(always)]
unsafe fn multiply_add<A: Vectors, const R: usize>(
    a: A,
    mut sums: [[A::V; 4]; R],
    depth: usize,
    left: *const f32,
    packed: *const f32,
) -> [[A::V; 4]; R] {
    for k in 0..depth {
        let mut rows = [a.splat(0.0); R];
        for (r, row) in rows.iter_mut().enumerate() {
            // SAFETY: r < R and k < depth.
            *row = a.splat(unsafe { *left.add(r * depth + k) });
        }
        for v in 0..4 {
            // SAFETY: k < depth and v < 4.
            let right = unsafe { a.load(packed.add((k * 4 + v) * A::LANES)) };
            for r in 0..R {
                sums[r][v] = a.mul_add(rows[r], right, sums[r][v]);
            }
        }
    }
    sums
}
