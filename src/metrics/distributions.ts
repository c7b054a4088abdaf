// The tail probabilities that tests end in. Knows nothing of the tests.

/**
 * P(|T| ≥ |t|) of Student's t with a whole number of degrees of freedom, by the finite sums for its angle θ = atan(t / √ν)
 * (Abramowitz and Stegun, 26.7.3 and 26.7.4). Absolute errors stay below 1e-14; smaller values are noise.
 */
export function studentTwoSided(t: number, freedom: number): number {
  if (!Number.isFinite(t)) return Number.isNaN(t) ? NaN : 0;
  const angle = Math.atan(Math.abs(t) / Math.sqrt(freedom));
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const odd = freedom % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = freedom === 1 ? 0 : term;
  // cos θ + 2/3 cos³ θ + … for odd ν, 1 + 1/2 cos² θ + 3/8 cos⁴ θ + … for even.
  for (let k = odd ? 2 : 1; k <= freedom - 3; k += 2) {
    term *= (k / (k + 1)) * cosine * cosine;
    sum += term;
  }
  const within = odd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
  return Math.min(1, Math.max(0, 1 - within));
}

/**
 * P(|Z| ≥ |z|) of the standard normal: 1 less the series of the distribution up to |z| = 3, the continued fraction of its tail
 * beyond (Abramowitz and Stegun, 26.2.11 and 26.2.14). Relative errors stay below 1e-12.
 */
export function normalTwoSided(z: number): number {
  const x = Math.abs(z);
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  if (x < 3) {
    let [term, sum] = [x, x];
    for (let k = 3; Math.abs(term) > 1e-18; k += 2) {
      term *= (x * x) / k;
      sum += term;
    }
    return 1 - 2 * density * sum;
  }
  let fraction = x;
  for (let k = 100; k >= 1; k--) fraction = x + k / fraction;
  return (2 * density) / fraction;
}

/** The z with P(|Z| ≤ z) = `level`, by bisection: what an interval of a normal distribution reaches to both sides. */
export function normalInterval(level: number): number {
  let [low, high] = [0, 40];
  for (let k = 0; k < 100; k++) {
    const middle = (low + high) / 2;
    if (1 - normalTwoSided(middle) < level) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(K ≤ k) and P(K = k) of a fair coin thrown n times. */
export function fairCoin(k: number, n: number): { readonly atMost: number; readonly exactly: number } {
  // Logarithms: 2ⁿ leaves the range of doubles beyond 1,000 throws.
  let log = -n * Math.LN2;
  let [atMost, exactly] = [0, 0];
  for (let i = 0; i <= k; i++) {
    exactly = Math.exp(log);
    atMost += exactly;
    log += Math.log((n - i) / (i + 1));
  }
  return { atMost: Math.min(1, atMost), exactly };
}
