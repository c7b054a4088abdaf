//! How numbers are scaled on their way in, and what the scaling is fitted to.

use super::samples::Samples;

/// How numbers are scaled on their way in: `(value − mean) · factor`, and no further than to the ends of f32, because
/// the kernels' products with an infinite feature would be NaN where a weight is zero.
#[derive(Debug, Clone, Default)]
pub(crate) struct InputScaling {
    mean: Vec<f32>,
    factor: Vec<f32>,
}

impl InputScaling {
    /// From a model's means and deviations; the identity while the deviations are 0, not fitted yet.
    pub(crate) fn set(&mut self, mean: &[f32], deviation: &[f32]) {
        self.mean.clear();
        self.factor.clear();
        if deviation.iter().all(|&value| value != 0.0) {
            self.mean.extend_from_slice(mean);
            // The reciprocal of a subnormal deviation may be infinite.
            self.factor.extend(deviation.iter().map(|value| finite(1.0 / value)));
        }
    }

    pub(crate) fn apply(&self, numbers: &mut [f32]) {
        for ((value, mean), factor) in numbers.iter_mut().zip(&self.mean).zip(&self.factor) {
            *value = finite((*value - mean) * factor);
        }
    }
}

/// The value, or the end of f32 that it is beyond.
fn finite(value: f32) -> f32 {
    value.clamp(f32::MIN, f32::MAX)
}

/// Mean and variance of each of some numbers over rows that may come part by part.
#[derive(Debug, Clone, Default)]
pub(crate) struct Moments {
    rows: f64,
    mean: Vec<f64>,
    variance: Vec<f64>,
}

impl Moments {
    /// Adds the features of all valid steps.
    pub(crate) fn add_steps(&mut self, samples: &Samples) {
        let steps = |sample: usize| (0..samples.length(sample)).map(move |step| samples.step(sample, step));
        self.add(moments(|| (0..samples.count()).flat_map(steps)));
    }

    /// Adds the statics of all samples.
    pub(crate) fn add_statics(&mut self, samples: &Samples) {
        self.add(moments(|| (0..samples.count()).map(|sample| samples.statics(sample))));
    }

    /// Chan, Golub and `LeVeque` (1979): no less precise than all rows at once, and of the first part the same bits.
    fn add(&mut self, part: Self) {
        if self.rows == 0.0 {
            *self = part;
            return;
        }
        let rows = self.rows + part.rows;
        let (of_all, of_part) = (self.rows / rows, part.rows / rows);
        let both = self.mean.iter_mut().zip(&mut self.variance).zip(part.mean.iter().zip(&part.variance));
        for ((mean, variance), (part_mean, part_variance)) in both {
            let apart = part_mean - *mean;
            *variance = of_all * *variance + of_part * part_variance + of_all * of_part * apart * apart;
            *mean += of_part * apart;
        }
        self.rows = rows;
    }

    /// The means, and the standard deviations, which are 1 for a number that never changes.
    pub(crate) fn scaling(&self) -> (Vec<f32>, Vec<f32>) {
        let deviation = self.variance.iter().map(|&variance| libm::sqrt(variance) as f32);
        // A spread below rounding is a constant: dividing by it would blow noise up to size 1. So is one that is subnormal,
        // which the kernels take for zero.
        let least = |mean: f64| (1e-6 * mean.abs() as f32).max(f32::MIN_POSITIVE);
        let deviation = deviation.zip(&self.mean).map(|(d, &mean)| if d > least(mean) { d } else { 1.0 }).collect();
        (self.mean.iter().map(|&value| value as f32).collect(), deviation)
    }
}

fn moments<'a, Rows: Iterator<Item = &'a [f32]>>(rows: impl Fn() -> Rows) -> Moments {
    let count = rows().count() as f64;
    let width = rows().next().map_or(0, <[f32]>::len);
    let mut mean = vec![0.0; width];
    for row in rows() {
        for (sum, &value) in mean.iter_mut().zip(row) {
            *sum += f64::from(value) / count;
        }
    }
    let mut variance = vec![0.0; width];
    for row in rows() {
        for ((sum, mean), &value) in variance.iter_mut().zip(&mean).zip(row) {
            *sum += (f64::from(value) - mean) * (f64::from(value) - mean) / count;
        }
    }
    Moments { rows: count, mean, variance }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit_scaling(samples: &Samples) -> (Vec<f32>, Vec<f32>) {
        let mut moments = Moments::default();
        moments.add_steps(samples);
        moments.scaling()
    }

    #[test]
    fn parts_come_to_what_all_rows_do() {
        let x: Vec<f32> = (0..60).map(|value| ((value * 37 % 61) as f32 - 20.0) * 1e3).collect();
        let (mean, deviation) = fit_scaling(&Samples::new(&x, 3, 2, None).unwrap());
        let mut parts = Moments::default();
        for part in [&x[..12], &x[12..18], &x[18..]] {
            parts.add_steps(&Samples::new(part, 3, 2, None).unwrap());
        }
        let (part_mean, part_deviation) = parts.scaling();
        for (a, b) in mean.iter().chain(&deviation).zip(part_mean.iter().chain(&part_deviation)) {
            assert!((a - b).abs() <= 2e-7 * a.abs(), "{a}, {b}");
        }
    }

    #[test]
    fn scaling_is_fitted_over_valid_steps_and_leaves_constants_alone() {
        let x = [1.0, 7.0, 3.0, 7.0, 5.0, 7.0, 1e9, f32::NAN];
        let (mean, deviation) = fit_scaling(&Samples::new(&x, 2, 2, Some(&[2, 1])).unwrap());
        assert_eq!(mean, [3.0, 7.0]);
        assert!((deviation[0] - (8.0f32 / 3.0).sqrt()).abs() < 1e-6 && deviation[1] == 1.0, "{deviation:?}");

        let (_, deviation) = fit_scaling(&Samples::new(&[1e-39, -1e-39, 3e38, -3e38], 1, 1, None).unwrap());
        assert!(deviation[0] > 1e38 && deviation[0].is_finite(), "{deviation:?}");
        let (_, deviation) = fit_scaling(&Samples::new(&[1e-39, -1e-39], 1, 1, None).unwrap());
        assert_eq!(deviation, [1.0], "subnormal numbers are as good as equal");
    }

    #[test]
    fn scaling_goes_no_further_than_to_the_ends_of_f32() {
        let mut scaling = InputScaling::default();
        scaling.set(&[-1e38, 0.0, 0.0], &[1e-3, 1e-39, 1e-39]);
        let mut features = [3e38, 0.0, -1.0];
        scaling.apply(&mut features);
        assert_eq!(features, [f32::MAX, 0.0, f32::MIN]);
    }
}
