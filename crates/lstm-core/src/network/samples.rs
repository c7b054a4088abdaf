//! Sequences as callers hand them over: padded arrays of numbers and tokens, numbers of whole sequences, and the length of
//! each sample. Checks them, and brings a batch of them into the kernels' packed order.

use super::definition::InputDefinition;
use super::scaling::InputScaling;
use crate::cells::sequences::Sequences;
use crate::executor::Executor;
use crate::finite::first_not_finite;
use crate::memory::SharedRows;
use crate::{Error, ErrorCode, Result};

/// What a model reads of n sequences: each array that the model has an input for, and no other.
///
/// ```
/// use lstm_core::network::samples::Inputs;
/// let numbers = Inputs::from(&[0.5, 1.0, -0.5]);
/// let words = Inputs { tokens: Some(&[3, 1, 0]), ..Inputs::default() };
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Inputs<'a> {
    /// [n, steps, features]
    pub x: Option<&'a [f32]>,
    /// [n, steps]: each below the definition's `tokens`.
    pub tokens: Option<&'a [u32]>,
    /// [n, statics]
    pub statics: Option<&'a [f32]>,
}

impl<'a> From<&'a [f32]> for Inputs<'a> {
    fn from(x: &'a [f32]) -> Self {
        Self { x: Some(x), ..Self::default() }
    }
}

impl<'a> From<&'a Vec<f32>> for Inputs<'a> {
    fn from(x: &'a Vec<f32>) -> Self {
        x.as_slice().into()
    }
}

impl<'a, const N: usize> From<&'a [f32; N]> for Inputs<'a> {
    fn from(x: &'a [f32; N]) -> Self {
        x.as_slice().into()
    }
}

impl Inputs<'_> {
    /// Checks that there is each array that a model of this definition reads, and no other.
    pub(crate) fn check_present(self, definition: &InputDefinition) -> Result<()> {
        let arrays = [
            ("x", "numbers at each step", self.x.is_some(), definition.features.is_some()),
            ("tokens", "tokens", self.tokens.is_some(), definition.tokens.is_some()),
            ("statics", "numbers of whole sequences", self.statics.is_some(), definition.statics.is_some()),
        ];
        for (name, what, given, read) in arrays {
            if given != read {
                let message = if read {
                    format!("this model reads {what}: give them")
                } else {
                    format!("this model reads no {what}: leave them out")
                };
                return fail(ErrorCode::ShapeMismatch, name.into(), message);
            }
        }
        Ok(())
    }
}

/// A borrowed set of sequences, padded at the end. What lies in the padding is never read.
#[derive(Clone, Copy)]
pub struct Samples<'a> {
    /// [n, steps, features]
    x: &'a [f32],
    /// [n, steps]; empty where there are none.
    tokens: &'a [u32],
    /// [n, statics]
    statics: &'a [f32],
    count: usize,
    /// Steps of the padded array.
    steps: usize,
    features: usize,
    lengths: Option<&'a [u32]>,
    window: Window,
}

/// Some steps of every sequence, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    /// The first of them.
    pub(crate) first: usize,
    pub(crate) steps: usize,
}

impl Window {
    /// Every step.
    pub(crate) fn all(steps: usize) -> Self {
        Self { first: 0, steps }
    }

    /// Steps within of a sequence of `length` steps.
    pub(crate) fn length(self, length: usize) -> usize {
        length.saturating_sub(self.first).min(self.steps)
    }

    /// Whether a sequence of `length` steps ends within.
    pub(crate) fn holds_end(self, length: usize) -> bool {
        length > self.first && length <= self.first + self.steps
    }
}

impl<'a> Samples<'a> {
    /// Numbers alone. Checks that `x` [n, `steps`, `features`] has at least one sample, that every length is within
    /// 1..=`steps`, and that every number of a valid step is finite. Without `lengths` every sample has `steps` steps.
    pub fn new(x: &'a [f32], steps: usize, features: usize, lengths: Option<&'a [u32]>) -> Result<Self> {
        Self::of(x.into(), steps, lengths, &InputDefinition::of_features(features as u32))
    }

    /// All that a model of this definition reads. Checks the same, that the arrays hold as many sequences, that every
    /// token of a valid step is one, and that every static is finite.
    pub fn of(
        inputs: Inputs<'a>,
        steps: usize,
        lengths: Option<&'a [u32]>,
        definition: &InputDefinition,
    ) -> Result<Self> {
        inputs.check_present(definition)?;
        let (features, statics) = (definition.features(), definition.statics());
        let samples = Self::checked(inputs, steps, features, lengths);
        // What says how many sequences there are.
        let (first, length, size) = match inputs.x {
            Some(x) => ("x", x.len(), steps * features),
            None => ("tokens", samples.tokens.len(), steps),
        };
        if length == 0 || size == 0 {
            let message = "there is no sample; give at least one sequence of at least one step";
            return fail(ErrorCode::EmptyData, first.into(), message.into());
        }
        if !length.is_multiple_of(size) {
            let what = if inputs.x.is_some() { format!(" of {features} features") } else { String::new() };
            let message = format!("{first} holds {length} numbers, which is no multiple of {steps} steps{what}");
            return fail(ErrorCode::ShapeMismatch, first.into(), message);
        }
        let n = samples.count;
        for (name, length, expected) in [
            ("tokens", inputs.tokens.map_or(0, <[u32]>::len), if inputs.tokens.is_some() { n * steps } else { 0 }),
            ("statics", samples.statics.len(), n * statics),
        ] {
            if length != expected {
                let message = format!("{name} holds {length} numbers, {n} sequences of {steps} steps have {expected}");
                return fail(ErrorCode::ShapeMismatch, name.into(), message);
            }
        }
        samples.check_lengths()?;
        samples.check_finite()?;
        samples.check_tokens(definition.tokens.unwrap_or(0))?;
        Ok(samples)
    }

    /// Samples that have been checked before.
    pub(crate) fn checked(inputs: Inputs<'a>, steps: usize, features: usize, lengths: Option<&'a [u32]>) -> Self {
        let [x, statics] = [inputs.x, inputs.statics].map(Option::unwrap_or_default);
        let tokens = inputs.tokens.unwrap_or_default();
        let count =
            if inputs.x.is_some() { x.len().checked_div(steps * features) } else { tokens.len().checked_div(steps) };
        let window = Window::all(steps);
        Self { x, tokens, statics, count: count.unwrap_or(0), steps, features, lengths, window }
    }

    /// The same sequences, of which only these steps are there.
    pub(crate) fn within(self, window: Window) -> Self {
        Self { window, ..self }
    }

    fn check_lengths(&self) -> Result<()> {
        let Some(lengths) = self.lengths else { return Ok(()) };
        if lengths.len() != self.count {
            let message = format!("there are {} lengths for {} sequences", lengths.len(), self.count);
            return fail(ErrorCode::ShapeMismatch, "lengths".into(), message);
        }
        match lengths.iter().position(|&length| length == 0 || length as usize > self.steps) {
            Some(index) => {
                let message = format!("length {} is not within 1 to the {} steps of x", lengths[index], self.steps);
                fail(ErrorCode::InvalidLength, format!("lengths[{index}]"), message)
            }
            None => Ok(()),
        }
    }

    fn check_finite(&self) -> Result<()> {
        for sample in 0..self.count {
            let valid = &self.x[sample * self.steps * self.features..][..self.length(sample) * self.features];
            if let Some(index) = first_not_finite(valid) {
                let (step, feature) = (index / self.features, index % self.features);
                let message = format!(
                    "sequence {sample} has {} at step {step}, feature {feature}; replace or leave out what is missing",
                    valid[index]
                );
                return fail(ErrorCode::NotFinite, format!("x[{sample}][{step}][{feature}]"), message);
            }
            let statics = self.statics(sample);
            if let Some(index) = first_not_finite(statics) {
                let message =
                    format!("sequence {sample} has {} as static {index}; replace what is missing", statics[index]);
                return fail(ErrorCode::NotFinite, format!("statics[{sample}][{index}]"), message);
            }
        }
        Ok(())
    }

    fn check_tokens(&self, tokens: u32) -> Result<()> {
        for sample in 0..if self.tokens.is_empty() { 0 } else { self.count } {
            let valid = &self.tokens[sample * self.steps..][..self.length(sample)];
            if let Some(step) = valid.iter().position(|&token| token >= tokens) {
                let message = format!(
                    "sequence {sample} has {} at step {step}, the model's {tokens} tokens count from 0 to {}",
                    valid[step],
                    tokens - 1
                );
                return fail(ErrorCode::UnknownToken, format!("tokens[{sample}][{step}]"), message);
            }
        }
        Ok(())
    }

    /// n: sequences.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Steps that a sample may have.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.window.steps
    }

    /// Valid steps of a sample.
    #[must_use]
    pub fn length(&self, sample: usize) -> usize {
        self.window.length(self.lengths.map_or(self.steps, |lengths| lengths[sample] as usize))
    }

    /// The features of one step of one sample.
    #[must_use]
    pub fn step(&self, sample: usize, step: usize) -> &'a [f32] {
        &self.x[(sample * self.steps + self.window.first + step) * self.features..][..self.features]
    }

    /// The token of one step of one sample, of samples that have tokens.
    #[must_use]
    pub fn token(&self, sample: usize, step: usize) -> u32 {
        self.tokens[sample * self.steps + self.window.first + step]
    }

    /// The numbers of a whole sample.
    #[must_use]
    pub fn statics(&self, sample: usize) -> &'a [f32] {
        let width = self.statics.len() / self.count;
        &self.statics[sample * width..][..width]
    }
}

fn fail<T>(code: ErrorCode, path: String, message: String) -> Result<T> {
    Err(Error::new(code, path, message))
}

/// What a step's input has behind its numbers: the embedding of its token, and the statics of its sequence.
#[derive(Clone, Copy, Default)]
pub(crate) struct BehindNumbers<'a> {
    /// [tokens, `embedding`]
    pub(crate) embeddings: &'a [f32],
    pub(crate) embedding: usize,
    /// Of each packed row.
    pub(crate) tokens: &'a [u32],
    /// Of each row, scaled, `stride` apart; `statics` of them.
    pub(crate) rows: &'a [f32],
    pub(crate) stride: usize,
    pub(crate) statics: usize,
}

impl BehindNumbers<'_> {
    fn size(&self) -> usize {
        self.embedding + self.statics
    }

    /// Fills what lies behind the numbers of a packed row, which is a step of `row`.
    #[inline(always)]
    fn fill(&self, packed_row: usize, row: usize, target: &mut [f32]) {
        let (embedding, statics) = target.split_at_mut(self.embedding);
        if self.embedding > 0 {
            let token = self.tokens[packed_row] as usize;
            embedding.copy_from_slice(&self.embeddings[token * self.embedding..][..self.embedding]);
        }
        if self.statics > 0 {
            statics.copy_from_slice(&self.rows[row * self.stride..][..self.statics]);
        }
    }
}

/// Where a batch goes in packed order, scaled, and who brings it there: `parts` threads, each the rows that are its own
/// in the time loop too.
pub(crate) struct Gathering<'a> {
    pub(crate) sequences: &'a Sequences,
    pub(crate) scaling: &'a InputScaling,
    pub(crate) behind: BehindNumbers<'a>,
    pub(crate) executor: &'a Executor,
    pub(crate) parts: usize,
}

impl Gathering<'_> {
    /// Fills `out` [packed rows, numbers of a step's input]. Sample `s` of the batch is `samples`' `pick(s)`.
    pub(crate) fn gather(&self, samples: &Samples, pick: impl Fn(usize) -> usize + Sync, out: &mut [f32]) {
        let (sequences, features) = (self.sequences, samples.features);
        let size = features + self.behind.size();
        assert!(out.len() >= sequences.packed_rows() * size);
        let out = SharedRows::new(out);
        self.executor.run(self.parts, |part| {
            let [start, end] = [part, part + 1].map(|part| sequences.part_start(part, self.parts));
            for step in 0..sequences.steps() {
                let rows = start..end.min(sequences.active(step)).max(start);
                let (first, length) = ((sequences.offset(step) + start) * size, rows.len() * size);
                if length == 0 {
                    break;
                }
                // SAFETY: within `out` as just asserted; the rows are this part's own.
                let targets = unsafe { std::slice::from_raw_parts_mut(out.at(first), length) };
                for (row, target) in rows.zip(targets.chunks_exact_mut(size)) {
                    let (numbers, behind) = target.split_at_mut(features);
                    numbers.copy_from_slice(samples.step(pick(sequences.sample(row)), step));
                    self.scaling.apply(numbers);
                    self.behind.fill(sequences.offset(step) + row, row, behind);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(result: Result<Samples>) -> (ErrorCode, String) {
        let error = result.err().unwrap();
        (error.code, error.path)
    }

    #[test]
    fn wrong_samples_are_told_apart() {
        let x = [0.0; 12];
        assert_eq!(code(Samples::new(&[], 2, 3, None)), (ErrorCode::EmptyData, "x".into()));
        assert_eq!(code(Samples::new(&x, 0, 3, None)), (ErrorCode::EmptyData, "x".into()));
        assert_eq!(code(Samples::new(&x, 5, 3, None)), (ErrorCode::ShapeMismatch, "x".into()));
        assert_eq!(code(Samples::new(&x, 2, 3, Some(&[1]))), (ErrorCode::ShapeMismatch, "lengths".into()));
        assert_eq!(code(Samples::new(&x, 2, 3, Some(&[1, 3]))), (ErrorCode::InvalidLength, "lengths[1]".into()));
        assert_eq!(code(Samples::new(&x, 2, 3, Some(&[0, 2]))), (ErrorCode::InvalidLength, "lengths[0]".into()));
    }

    #[test]
    fn a_number_that_is_not_finite_counts_only_in_a_valid_step() {
        let x = [0.0, 1.0, f32::NAN, 2.0, f32::INFINITY, 3.0];
        assert!(Samples::new(&x, 3, 1, Some(&[2, 1])).is_ok());
        assert_eq!(code(Samples::new(&x, 3, 1, Some(&[3, 1]))), (ErrorCode::NotFinite, "x[0][2][0]".into()));
        assert_eq!(code(Samples::new(&x, 3, 1, Some(&[2, 3]))), (ErrorCode::NotFinite, "x[1][1][0]".into()));
    }

    #[test]
    fn wrong_tokens_and_statics_are_told_apart() {
        let definition =
            InputDefinition { tokens: Some(4), embedding: Some(2), statics: Some(2), ..InputDefinition::default() };
        let (tokens, statics) = ([0, 3, 1, 2, 9, 9], [0.0, 1.0, 2.0, 3.0]);
        let all = Inputs { x: None, tokens: Some(&tokens), statics: Some(&statics) };
        let of = |inputs, lengths| Samples::of(inputs, 3, lengths, &definition);
        let samples = of(all, Some(&[3, 1])).unwrap();
        assert_eq!((samples.count(), samples.token(0, 1), samples.statics(1)), (2, 3, &statics[2..]));

        assert_eq!(code(of(all, None)), (ErrorCode::UnknownToken, "tokens[1][1]".into()));
        let lacking = |path: &str| (ErrorCode::ShapeMismatch, path.to_owned());
        assert_eq!(code(of(Inputs { tokens: None, ..all }, None)), lacking("tokens"));
        assert_eq!(code(of(Inputs { statics: None, ..all }, None)), lacking("statics"));
        assert_eq!(code(of(Inputs { x: Some(&statics), ..all }, None)), lacking("x"));
        assert_eq!(code(of(Inputs { tokens: Some(&tokens[1..]), ..all }, None)), lacking("tokens"));
        assert_eq!(code(of(Inputs { statics: Some(&statics[1..]), ..all }, Some(&[3, 1]))), lacking("statics"));
        let unknown = Inputs { statics: Some(&[0.0, 1.0, 2.0, f32::NAN]), ..all };
        assert_eq!(code(of(unknown, Some(&[3, 1]))), (ErrorCode::NotFinite, "statics[1][1]".into()));
        assert_eq!(code(of(Inputs { tokens: Some(&[]), ..all }, None)), (ErrorCode::EmptyData, "tokens".into()));

        let both = InputDefinition { features: Some(1), ..definition };
        let both = |tokens| {
            Samples::of(
                Inputs { x: Some(&statics[..3]), tokens: Some(tokens), statics: Some(&statics[..2]) },
                3,
                None,
                &both,
            )
        };
        assert!(both(&tokens[..3]).is_ok());
        assert_eq!(code(both(&tokens)), lacking("tokens"));
    }
}
