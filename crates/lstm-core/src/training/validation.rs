//! The pass over the validation data at the end of an epoch: its loss, and the report that `evaluate` gives.

use super::averaging::averaged;
use super::evaluation::Evaluation;
use super::position::Position;
use super::report::ValidationReport;
use super::trainer::Trainer;
use crate::Result;
use crate::network::loss::BatchLoss;

impl Trainer {
    /// Predicts a batch of the validation data, or its span that begins with step `first`.
    pub(super) fn validate_span(&mut self) -> Result<()> {
        let Position::Validation { epoch, start, first } = self.position else { return Ok(()) };
        let Self { stack, spans, validation, average, definition, .. } = self;
        let Some(data) = validation.as_ref() else { return Ok(()) };
        let weights = averaged(average.as_ref(), &self.weights);
        if start == 0 && first == 0 {
            self.totals = BatchLoss::default();
            self.evaluation = None;
        }
        let evaluation = self.evaluation.get_or_insert_with(|| Evaluation::new(&definition.output));
        let end = data.count().min(start + self.options.batch_size as usize);
        spans.choose(data, start as u32..end as u32, first);
        let (place, pick) = (|s: usize| spans.place(s), |s: usize| spans.sample(s));
        let (samples, targets) = data.within(spans.window());
        let initial = spans.carried(start, &place);
        stack.forward(weights, &samples, spans.sequences(), pick, initial, None)?;
        let loss = stack.loss(&self.loss, targets, pick);
        if !loss.mean().is_finite() {
            return Err(self.diagnose_validation(epoch, loss.mean()));
        }
        self.totals.add(loss);
        stack.predictions(|s, step, prediction| {
            let (sample, weight) = (pick(s), targets.weight(pick(s), step));
            evaluation.add_checked(prediction, targets.row_of(sample, step), weight);
        });
        spans.carry(stack);
        let (start, first) = spans.next(data).map_or((end, 0), |first| (start, first));
        self.position = Position::Validation { epoch, start, first };
        if start == data.count() {
            let report = self.validation_report()?;
            self.end_epoch(epoch, Some(report));
        }
        Ok(())
    }

    /// What the pass over the validation data came to.
    fn validation_report(&mut self) -> Result<ValidationReport> {
        let totals = std::mem::take(&mut self.totals);
        let evaluation = self.evaluation.take().unwrap_or_else(|| Evaluation::new(&self.definition.output));
        Ok(ValidationReport { loss: totals.mean(), accuracy: totals.accuracy(), report: evaluation.report()? })
    }
}
