//! The curves that learning rates fall along.

/// After so many falls.
pub(super) fn falling(rate: f64, factor: f64, falls: u64) -> f64 {
    rate * libm::pow(factor, falls as f64)
}

/// From `rate` to `end` along a power of what is left, after the part `part` of the way.
pub(super) fn polynomial(rate: f64, end: f64, power: f64, part: f64) -> f64 {
    end + (rate - end) * libm::pow(1.0 - part, power)
}

/// From `rate` to `end` along half a cosine, after the part `part` of the way.
pub(super) fn cosine(rate: f64, end: f64, part: f64) -> f64 {
    end + (rate - end) / 2.0 * (1.0 + libm::cos(std::f64::consts::PI * part))
}

/// How far step `t` is in its cycle, and how many steps that has: the first has `steps`, each `factor` times those of the one
/// before.
pub(super) fn cycle(mut t: u64, mut steps: u64, factor: u64) -> (u64, u64) {
    if factor == 1 {
        return (t % steps, steps);
    }
    while t >= steps {
        t -= steps;
        steps = steps.saturating_mul(factor);
    }
    (t, steps)
}
