//! How well predicted probabilities fit the true classes. Knows nothing of the model that gave them.

use super::report::{ClassificationReport, LabelReport, ValueReport};
use crate::finite::first_not_finite;
use crate::{Error, ErrorCode, Result};

/// A row of one number a class; the first of equal maxima wins.
#[must_use]
pub fn most_probable(probabilities: &[f32]) -> usize {
    let mut best = 0;
    for (class, probability) in probabilities.iter().enumerate() {
        if *probability > probabilities[best] {
            best = class;
        }
    }
    best
}

/// Builds the report from `probabilities` `[n, classes]` and `targets` `[n]`, the true classes' indices.
///
/// Definitions are scikit-learn's: `log_loss`, `accuracy_score`, `balanced_accuracy_score`, `f1_score` (binary, or
/// macro over the labels that occur), `roc_auc_score` (binary, or `ovr` and macro), `confusion_matrix`.
pub fn classification_report(probabilities: &[f32], targets: &[u32], classes: usize) -> Result<ClassificationReport> {
    check(probabilities, targets, classes)?;
    let mut confusion = vec![vec![0; classes]; classes];
    for (row, &target) in probabilities.chunks_exact(classes).zip(targets) {
        confusion[target as usize][most_probable(row)] += 1;
    }
    let counts = Counts::of(&confusion);
    Ok(ClassificationReport {
        samples: targets.len() as u32,
        loss: cross_entropy(probabilities, targets, classes),
        accuracy: f64::from(counts.right.iter().sum::<u32>()) / targets.len() as f64,
        balanced_accuracy: counts.balanced_accuracy(),
        f1: counts.f1(),
        auc: area_under_curve(probabilities, targets, classes),
        confusion,
    })
}

fn check(probabilities: &[f32], targets: &[u32], classes: usize) -> Result<()> {
    if targets.is_empty() {
        return Err(Error::new(ErrorCode::EmptyData, "targets", "there is no sample: give at least one"));
    }
    if targets.len().checked_mul(classes) != Some(probabilities.len()) {
        let message = format!(
            "{} probabilities do not fit {} targets of {classes} classes: give one a class for each target",
            probabilities.len(),
            targets.len()
        );
        return Err(Error::new(ErrorCode::ShapeMismatch, "probabilities", message));
    }
    if let Some(index) = targets.iter().position(|&target| target as usize >= classes) {
        let message = format!("there is no class {}: the {classes} classes are counted from 0", targets[index]);
        return Err(Error::new(ErrorCode::UnknownClass, format!("targets[{index}]"), message));
    }
    if let Some(index) = first_not_finite(probabilities) {
        let message = format!("{} is no probability", probabilities[index]);
        return Err(Error::new(ErrorCode::NotFinite, format!("probabilities[{index}]"), message));
    }
    Ok(())
}

/// The mean of `−ln p` over each sample's true class, in nats. A probability of 0 counts as the least f32 above it,
/// 1.4e-45: what a softmax in f32 rounds to 0 is at most that, and the mean stays finite (at most 103.3).
fn cross_entropy(probabilities: &[f32], targets: &[u32], classes: usize) -> f64 {
    let rows = probabilities.chunks_exact(classes).zip(targets);
    let total: f64 = rows.map(|(row, &target)| -least_log(f64::from(row[target as usize]))).sum();
    total / targets.len() as f64
}

/// ln p, but of 0 that of the least f32 above it.
pub(super) fn least_log(probability: f64) -> f64 {
    libm::log(probability.max(f64::from(f32::from_bits(1))))
}

/// How often a label was there, was predicted, and both.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LabelCounts {
    right: u32,
    there: u32,
    predicted: u32,
}

impl LabelCounts {
    /// Counts one; whether it is right.
    pub(super) fn add(&mut self, predicted: bool, there: bool) -> bool {
        self.right += u32::from(predicted && there);
        self.there += u32::from(there);
        self.predicted += u32::from(predicted);
        predicted == there
    }

    /// As scikit-learn's `precision_recall_fscore_support`, with 0 where nothing is to be divided by.
    pub(super) fn report(&self) -> LabelReport {
        let over = |denominator: f64| if denominator > 0.0 { f64::from(self.right) / denominator } else { 0.0 };
        let [there, predicted] = [self.there, self.predicted].map(f64::from);
        let f1 = 2.0 * over(there + predicted);
        LabelReport { precision: over(predicted), recall: over(there), f1, support: self.there }
    }
}

/// Sums of the errors of one value, and of the spread of its targets around their mean (Welford 1962).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ValueSums {
    count: f64,
    absolute: f64,
    squares: f64,
    mean: f64,
    spread: f64,
}

impl ValueSums {
    /// Adds one; its error.
    pub(super) fn add(&mut self, value: f64, target: f64) -> f64 {
        let error = value - target;
        self.count += 1.0;
        self.absolute += error.abs();
        self.squares += error * error;
        let before = target - self.mean;
        self.mean += before / self.count;
        self.spread += before * (target - self.mean);
        error
    }

    /// As scikit-learn's `mean_absolute_error`, `root_mean_squared_error` and `r2_score`.
    pub(super) fn report(&self) -> ValueReport {
        ValueReport {
            mae: self.absolute / self.count,
            rmse: libm::sqrt(self.squares / self.count),
            r2: (self.spread > 0.0).then(|| 1.0 - self.squares / self.spread),
        }
    }
}

/// The confusion matrix by class: how many were recognised, how many there are, how many were predicted.
struct Counts {
    right: Vec<u32>,
    there: Vec<u32>,
    predicted: Vec<u32>,
}

impl Counts {
    fn of(confusion: &[Vec<u32>]) -> Self {
        let classes = 0..confusion.len();
        Self {
            right: classes.clone().map(|class| confusion[class][class]).collect(),
            there: confusion.iter().map(|row| row.iter().sum()).collect(),
            predicted: classes.map(|class| confusion.iter().map(|row| row[class]).sum()).collect(),
        }
    }

    /// Mean recall over the classes that have a sample.
    fn balanced_accuracy(&self) -> f64 {
        let recalls = self.right.iter().zip(&self.there).filter(|&(_, &there)| there > 0);
        mean(recalls.map(|(&right, &there)| f64::from(right) / f64::from(there)))
    }

    /// `2·right / (there + predicted)`: of the second of two classes (0 where it neither occurs nor is predicted), else
    /// the mean over the classes that occur or are predicted.
    fn f1(&self) -> f64 {
        let of_class = |class: usize| {
            let sum = f64::from(self.there[class]) + f64::from(self.predicted[class]);
            (sum > 0.0).then(|| 2.0 * f64::from(self.right[class]) / sum)
        };
        let classes = self.right.len();
        if classes == 2 { of_class(1).unwrap_or(0.0) } else { mean((0..classes).filter_map(of_class)) }
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}

/// Area under the ROC curve of the second of two classes, else the mean over all classes, each against the rest. None
/// where a class has no sample, or nothing else has.
fn area_under_curve(probabilities: &[f32], targets: &[u32], classes: usize) -> Option<f64> {
    let of_class = |class: usize| {
        let scores = probabilities.iter().skip(class).step_by(classes).copied();
        area_of_class(scores.zip(targets.iter().map(|&target| target as usize == class)).collect())
    };
    if classes == 2 {
        return of_class(1);
    }
    let areas = (0..classes).map(of_class).collect::<Option<Vec<f64>>>()?;
    Some(mean(areas.into_iter()))
}

/// The part of pairs, one positive and one negative, in which the positive has the higher score; a tie is half a pair.
///
/// By Mann and Whitney (1947): with every sample ranked by its score from 1, ties sharing the mean of their ranks, the
/// pairs won are the positives' ranks in sum, less the `p(p + 1)/2` that they would have below all negatives. Every
/// sum is of halves and so exact in f64.
fn area_of_class(mut samples: Vec<(f32, bool)>) -> Option<f64> {
    let positives = samples.iter().filter(|(_, positive)| *positive).count() as f64;
    let negatives = samples.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return None;
    }
    samples.sort_unstable_by(|(first, _), (second, _)| first.total_cmp(second));
    let mut ranks_below = 0.0;
    let mut rank_sum = 0.0;
    // In rising order, what is not less is equal, -0 and 0 too.
    for tied in samples.chunk_by(|(first, _), (second, _)| first >= second) {
        let tied_positives = tied.iter().filter(|(_, positive)| *positive).count() as f64;
        rank_sum += tied_positives * (ranks_below + f64::midpoint(1.0, tied.len() as f64));
        ranks_below += tied.len() as f64;
    }
    Some((rank_sum - positives * (positives + 1.0) / 2.0) / (positives * negatives))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Rows that are exact in f32 and sum to 1, so that scikit-learn sees the same numbers. Scores tie within and
    /// across classes; the row of halves ties for the prediction.
    const TWO: [[f32; 2]; 7] =
        [[0.875, 0.125], [0.375, 0.625], [0.3125, 0.6875], [0.8125, 0.1875], [0.375, 0.625], [0.5, 0.5], [0.25, 0.75]];
    const THREE: [[f32; 3]; 8] = [
        [0.5, 0.25, 0.25],
        [0.25, 0.5, 0.25],
        [0.125, 0.125, 0.75],
        [0.5, 0.25, 0.25],
        [0.25, 0.25, 0.5],
        [0.125, 0.75, 0.125],
        [0.375, 0.375, 0.25],
        [0.25, 0.625, 0.125],
    ];

    /// The figures are those of scikit-learn 1.9.1's functions, named at `classification_report`; f64 sums in another
    /// order differ by some 1e-16.
    fn assert_report(report: &ClassificationReport, [loss, accuracy, balanced, f1, auc]: [f64; 5]) {
        let found =
            [report.loss, report.accuracy, report.balanced_accuracy, report.f1, report.auc.expect("classes occur")];
        for (found, expected) in found.into_iter().zip([loss, accuracy, balanced, f1, auc]) {
            assert!((found - expected).abs() < 1e-15, "{report:?}");
        }
    }

    #[test]
    fn two_classes_agree_with_scikit_learn() {
        let report = classification_report(TWO.as_flattened(), &[0, 0, 1, 1, 1, 1, 0], 2).unwrap();
        assert_eq!((report.samples, &report.confusion), (7, &vec![vec![1, 2], vec![2, 2]]));
        assert_report(
            &report,
            [
                0.816_067_957_082_129_1,
                0.428_571_428_571_428_55,
                0.416_666_666_666_666_63,
                0.5,
                0.458_333_333_333_333_37,
            ],
        );
    }

    #[test]
    fn three_classes_agree_with_scikit_learn() {
        let report = classification_report(THREE.as_flattened(), &[0, 1, 2, 1, 0, 1, 0, 2], 3).unwrap();
        assert_eq!(report.confusion, [[2, 0, 1], [1, 2, 0], [0, 1, 1]]);
        assert_report(
            &report,
            [0.974_314_752_869_349_5, 0.625, 0.611_111_111_111_111, 0.611_111_111_111_111, 0.680_555_555_555_555_5],
        );
    }

    #[test]
    fn the_first_of_equal_probabilities_wins() {
        assert_eq!(most_probable(&[0.25, 0.375, 0.375]), 1);
        assert_eq!(most_probable(&[0.5, 0.5]), 0);
    }

    #[test]
    fn a_class_that_does_not_occur_counts_nowhere_and_leaves_no_curve() {
        let report = classification_report(&THREE.as_flattened()[..6], &[0, 1], 3).unwrap();
        assert_eq!((report.accuracy, report.balanced_accuracy, report.f1), (1.0, 1.0, 1.0));
        assert_eq!(report.auc, None);
        // Neither there nor predicted: no F1 of the second class.
        let report = classification_report(&[0.75, 0.25], &[0], 2).unwrap();
        assert_eq!((report.f1, report.auc), (0.0, None));
    }

    #[test]
    fn a_probability_of_zero_costs_much_but_not_everything() {
        let report = classification_report(&[1.0, 0.0, 1.0, 0.0], &[1, 0], 2).unwrap();
        // The mean of −ln 2⁻¹⁴⁹ and 0.
        assert!((report.loss - 149.0 * std::f64::consts::LN_2 / 2.0).abs() < 1e-12, "{}", report.loss);
    }

    #[test]
    fn each_mistake_has_its_code_and_path() {
        let cases: [(&[f32], &[u32], ErrorCode, &str); 5] = [
            (&[], &[], ErrorCode::EmptyData, "targets"),
            (&[0.5, 0.5, 1.0], &[0, 1], ErrorCode::ShapeMismatch, "probabilities"),
            (&[0.5, 0.5], &[0, 1], ErrorCode::ShapeMismatch, "probabilities"),
            (&[0.5, 0.5, 0.5, 0.5], &[1, 2], ErrorCode::UnknownClass, "targets[1]"),
            (&[0.5, 0.5, 0.5, f32::NAN], &[1, 0], ErrorCode::NotFinite, "probabilities[3]"),
        ];
        for (probabilities, targets, code, path) in cases {
            let error = classification_report(probabilities, targets, 2).unwrap_err();
            assert_eq!((error.code, error.path.as_str()), (code, path));
        }
    }

    proptest! {
        /// Scores of few values, so that many tie.
        #[test]
        fn the_area_is_the_part_of_pairs_won(
            samples in prop::collection::vec(((-3_i8..4).prop_map(f32::from), any::<bool>()), 0..40)
        ) {
            let scores_of = |wanted: bool| {
                samples.iter().filter(move |(_, positive)| *positive == wanted).map(|(score, _)| *score)
            };
            let pairs = scores_of(true).count() * scores_of(false).count();
            let won: f64 = scores_of(true)
                .flat_map(|positive| scores_of(false).map(move |negative| match positive.total_cmp(&negative) {
                    std::cmp::Ordering::Greater => 1.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Less => 0.0,
                }))
                .sum();
            // Both sides are sums of halves, exact in f64, over the same number.
            prop_assert_eq!(area_of_class(samples.clone()), (pairs > 0).then(|| won / pairs as f64));
        }
    }
}
