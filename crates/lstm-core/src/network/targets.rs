//! What outputs are held to: a target for each sample, or for each step of each sample, and how much it counts.

use super::definition::{At, OutputDefinition, OutputKind};
use super::samples::Window;
use crate::{Error, ErrorCode, Result};

/// The class of a step that has none: it counts nowhere.
pub const NO_CLASS: u32 = u32::MAX;

/// Borrowed targets and their weights.
///
/// ```
/// use lstm_core::network::targets::Targets;
/// let classes = Targets::classes(&[0, 2, 1]);
/// let values = Targets { weights: Some(&[1.0, 0.5]), ..Targets::numbers(&[3.5, -1.0]) };
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Targets<'a> {
    /// One for each of n samples, or for each step of each, padding included.
    pub values: TargetValues<'a>,
    /// `[n]`, or [n, steps] where there is an output at each step: by how much each counts, from 0 on. 1 unless given.
    /// What weighs 0 is not looked at.
    pub weights: Option<&'a [f32]>,
}

/// The targets themselves; n may be n times the steps.
#[derive(Debug, Clone, Copy)]
pub enum TargetValues<'a> {
    /// Indices of classes, `[n]`; where there is an output at each step, [`NO_CLASS`] for a step without one.
    Classes(&'a [u32]),
    /// [n, labels], each from 0 to 1; or [n, steps ahead, values].
    Numbers(&'a [f32]),
}

impl<'a> Targets<'a> {
    /// Classes, by their indices.
    #[must_use]
    pub fn classes(classes: &'a [u32]) -> Self {
        Self { values: TargetValues::Classes(classes), weights: None }
    }

    /// Labels or values.
    #[must_use]
    pub fn numbers(numbers: &'a [f32]) -> Self {
        Self { values: TargetValues::Numbers(numbers), weights: None }
    }

    /// As they cross from JavaScript: the one or the other.
    pub fn of(classes: Option<&'a [u32]>, numbers: Option<&'a [f32]>, weights: Option<&'a [f32]>) -> Result<Self> {
        let values = match (classes, numbers) {
            (Some(classes), None) => TargetValues::Classes(classes),
            (None, Some(numbers)) => TargetValues::Numbers(numbers),
            _ => return fail(ErrorCode::InvalidTarget, "targets".into(), "give either classes or numbers".into()),
        };
        Ok(Self { values, weights })
    }
}

/// Targets that fit an output and its samples.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TargetRows<'a> {
    targets: Targets<'a>,
    /// Numbers of a target.
    size: usize,
    /// Whether there is one for every step.
    each: bool,
    /// Whether there is a weight for every step.
    weighs_each: bool,
    steps: usize,
    window: Window,
    /// Of the samples, where not all of their steps are there.
    lengths: Option<&'a [u32]>,
}

impl<'a> TargetRows<'a> {
    /// Checks targets against an output of so many samples, of which each has so many valid steps. What lies in the
    /// padding is not looked at.
    pub(crate) fn new(
        targets: Targets<'a>,
        output: &OutputDefinition,
        samples: usize,
        steps: usize,
        length: impl Fn(usize) -> usize,
    ) -> Result<Self> {
        let rows = Self::checked(targets, output, samples, steps);
        rows.check_lengths(output, samples, steps)?;
        for sample in 0..samples {
            for step in 0..rows.valid(length(sample)) {
                rows.check_weight(sample, step)?;
                rows.check_target(output, sample, step)?;
            }
        }
        Ok(rows)
    }

    /// Targets that count of a sample of so many steps.
    pub(crate) fn valid(&self, length: usize) -> usize {
        if self.each { length } else { 1 }
    }

    /// The sum of the weights of samples, given each one's place and its valid steps.
    pub(crate) fn weight_of(&self, samples: usize, sample: impl Fn(usize) -> (usize, usize)) -> f64 {
        let of_sample = |(sample, length): (usize, usize)| {
            (0..self.valid(length)).map(|step| f64::from(self.weight(sample, step))).sum::<f64>()
        };
        (0..samples).map(|index| of_sample(sample(index))).sum()
    }

    /// Targets that have been checked before, of so many samples and steps.
    pub(crate) fn checked(targets: Targets<'a>, output: &OutputDefinition, samples: usize, steps: usize) -> Self {
        let each = output.at == At::Each;
        let weighs_each = each && targets.weights.is_some_and(|weights| weights.len() == samples * steps);
        let window = Window::all(steps);
        Self { targets, size: output.targets(), each, weighs_each, steps, window, lengths: None }
    }

    /// The same targets of samples of these lengths, of which only these steps are there: a sample's own target counts where
    /// its last step is.
    pub(crate) fn within(self, window: Window, lengths: Option<&'a [u32]>) -> Self {
        Self { window, lengths, ..self }
    }

    /// Whether a sample's own target counts.
    fn holds_end(&self, sample: usize) -> bool {
        self.window.holds_end(self.lengths.map_or(self.steps, |lengths| lengths[sample] as usize))
    }

    fn check_lengths(&self, output: &OutputDefinition, n: usize, steps: usize) -> Result<()> {
        let found = match (self.targets.values, output.kind()) {
            (TargetValues::Classes(classes), OutputKind::Classes) => classes.len(),
            (TargetValues::Numbers(numbers), OutputKind::Labels | OutputKind::Values) => numbers.len(),
            (_, kind) => {
                let wanted = if kind == OutputKind::Classes { "indices of classes" } else { "numbers" };
                return fail(ErrorCode::InvalidTarget, "targets".into(), format!("this model's targets are {wanted}"));
            }
        };
        let mut sizes = vec![n];
        sizes.extend(self.each.then_some(steps));
        let weights: usize = sizes.iter().product();
        sizes.extend((output.kind() != OutputKind::Classes).then_some(self.size));
        if found != sizes.iter().product::<usize>() {
            let message = format!("there are {found} numbers of targets, {n} sequences need {sizes:?}");
            return fail(ErrorCode::ShapeMismatch, "targets".into(), message);
        }
        match self.targets.weights.map(<[f32]>::len) {
            Some(found) if found != n && found != weights => {
                let or = if self.each { format!(", or [{n}, {steps}], one a step") } else { String::new() };
                let message = format!("there are {found} weights: give [{n}], one a sequence{or}");
                fail(ErrorCode::ShapeMismatch, "weights".into(), message)
            }
            _ => Ok(()),
        }
    }

    fn check_weight(&self, sample: usize, step: usize) -> Result<()> {
        let Some(weights) = self.targets.weights else { return Ok(()) };
        let index = self.weight_index(sample, step);
        let weight = weights[index];
        if weight >= 0.0 && weight.is_finite() && !weight.is_subnormal() {
            return Ok(());
        }
        let message = format!("{weight:?} is no weight: give a finite number from 0 on");
        fail(ErrorCode::InvalidTarget, format!("weights[{index}]"), message)
    }

    /// What has no weight may be anything.
    fn check_target(&self, output: &OutputDefinition, sample: usize, step: usize) -> Result<()> {
        if self.weight(sample, step) == 0.0 {
            return Ok(());
        }
        let index = self.index(sample, step);
        match self.row(index) {
            RowTarget::Class(class) if class >= output.size() => {
                let message = format!("class {class} is not one of the {} classes, which count from 0", output.size());
                fail(ErrorCode::UnknownClass, format!("targets[{index}]"), message)
            }
            RowTarget::Class(_) => Ok(()),
            RowTarget::Numbers(numbers) => {
                let is_label = output.kind() == OutputKind::Labels;
                let right = |number: f32| number.is_finite() && (!is_label || (0.0..=1.0).contains(&number));
                let Some(place) = numbers.iter().position(|&number| !right(number)) else { return Ok(()) };
                let (path, number) = (format!("targets[{}]", index * self.size + place), numbers[place]);
                if is_label {
                    let message = format!("{number:?} is no label: give 1 for one that is there, else 0");
                    fail(ErrorCode::InvalidTarget, path, message)
                } else {
                    let message = format!("the target is {number:?}; replace it, or give it the weight 0");
                    fail(ErrorCode::NotFinite, path, message)
                }
            }
        }
    }

    /// The place of a target among all.
    pub(crate) fn index(&self, sample: usize, step: usize) -> usize {
        if self.each { sample * self.steps + self.window.first + step } else { sample }
    }

    fn weight_index(&self, sample: usize, step: usize) -> usize {
        if self.weighs_each { sample * self.steps + self.window.first + step } else { sample }
    }

    /// By how much a target counts; 0 for a class that is none.
    pub(crate) fn weight(&self, sample: usize, step: usize) -> f32 {
        match self.targets.values {
            _ if !self.each && !self.holds_end(sample) => 0.0,
            TargetValues::Classes(classes) if self.each && classes[self.index(sample, step)] == NO_CLASS => 0.0,
            _ => self.targets.weights.map_or(1.0, |weights| weights[self.weight_index(sample, step)]),
        }
    }

    /// The target of a sample, or of a step of it where there is one for each.
    pub(crate) fn row_of(&self, sample: usize, step: usize) -> RowTarget<'a> {
        self.row(self.index(sample, step))
    }

    /// The target at a place.
    pub(crate) fn row(&self, index: usize) -> RowTarget<'a> {
        match self.targets.values {
            TargetValues::Classes(classes) => RowTarget::Class(classes[index] as usize),
            TargetValues::Numbers(numbers) => RowTarget::Numbers(&numbers[index * self.size..][..self.size]),
        }
    }
}

/// One row's target.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RowTarget<'a> {
    Class(usize),
    Numbers(&'a [f32]),
}

/// The targets of a batch's rows of outputs, in their order.
#[derive(Clone, Copy)]
pub(crate) struct RowTargets<'a> {
    pub(crate) targets: TargetRows<'a>,
    /// Each row's target among all.
    pub(crate) indices: &'a [usize],
    pub(crate) weights: &'a [f32],
}

impl<'a> RowTargets<'a> {
    pub(crate) fn row(&self, row: usize) -> RowTarget<'a> {
        self.targets.row(self.indices[row])
    }

    pub(crate) fn weight(&self, row: usize) -> f32 {
        self.weights[row]
    }
}

fn fail<T>(code: ErrorCode, path: String, message: String) -> Result<T> {
    Err(Error::new(code, path, message))
}
