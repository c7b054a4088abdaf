//! How large a step is: the learning rate and the momentum as pure functions of the step, in f64 with `libm`, so that every
//! machine gets the same bits. Knows no weights.

mod anneal;
mod one_cycle;
mod plateau;

use self::one_cycle::OneCycle;
use self::plateau::Plateau;
pub use self::plateau::PlateauState;
use super::options::{LearningRate, LearningRateSchedule, OptimizerOptions, ScheduleKind};
use crate::{Error, ErrorCode, Result};

/// The steps of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Course {
    /// Passes over the data.
    pub epochs: u32,
    /// Steps of each.
    pub steps_per_epoch: u32,
}

impl Course {
    /// Steps in all.
    #[must_use]
    pub fn steps(self) -> u64 {
        u64::from(self.epochs) * u64::from(self.steps_per_epoch)
    }
}

/// What a step is taken with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pace {
    pub(crate) learning_rate: f64,
    /// In the place of the optimiser's, where the schedule has one.
    pub(crate) momentum: Option<f64>,
}

/// The learning rates of a run.
pub(crate) struct Schedule {
    shape: Shape,
    /// Steps before the schedule begins.
    warmup: u64,
    /// The part of the schedule's first learning rate that the first step has.
    from: f64,
    /// Steps of an epoch.
    epoch: u64,
}

/// What the learning rate is t steps after the schedule has begun.
enum Shape {
    Constant {
        rate: f64,
    },
    /// A fall after so many steps.
    Falling {
        rate: f64,
        every: u64,
        factor: f64,
    },
    Polynomial {
        rate: f64,
        end: f64,
        power: f64,
        steps: u64,
    },
    Cosine {
        rate: f64,
        end: f64,
        steps: u64,
        factor: u64,
    },
    OneCycle(OneCycle),
    Plateau {
        rate: f64,
        plateau: Plateau,
    },
    Table(Vec<f64>),
}

impl Schedule {
    /// The learning rates that an optimiser was given, over a run. Fails where they do not fit its length.
    pub(crate) fn new(options: &OptimizerOptions, course: Course) -> Result<Self> {
        let epoch = u64::from(course.steps_per_epoch);
        let schedule = match &options.learning_rate {
            Some(LearningRate::Schedule(schedule)) => schedule,
            rate => {
                let rate =
                    if let Some(LearningRate::Constant(rate)) = rate { *rate } else { options.default_learning_rate() };
                return Ok(Self { shape: Shape::Constant { rate }, warmup: 0, from: 1.0, epoch });
            }
        };
        let warmup = schedule.warmup.map_or(0, |warmup| {
            warmup.steps.map_or(0, u64::from) + warmup.epochs.map_or(0, |epochs| u64::from(epochs) * epoch)
        });
        if warmup > 0 && warmup >= course.steps() {
            let message = format!(
                "the warm-up takes {warmup} steps, and the run has {}: nothing is left for the schedule, give fewer",
                course.steps()
            );
            return refuse("warmup", message);
        }
        let from = schedule.warmup.map_or(1.0, |warmup| warmup.from.unwrap_or(1.0 / 3.0));
        let rate = schedule.rate.unwrap_or(options.default_learning_rate());
        let shape = Shape::new(schedule, rate, epoch, course.steps() - warmup)?;
        Ok(Self { shape, warmup, from, epoch })
    }

    /// What the step that so many were taken before is taken with.
    pub(crate) fn at(&self, step: u64, state: &PlateauState) -> Pace {
        let pace = self.shape.at(step.saturating_sub(self.warmup), state);
        if step >= self.warmup {
            return pace;
        }
        let part = self.from + (1.0 - self.from) * (step as f64 / self.warmup as f64);
        Pace { learning_rate: pace.learning_rate * part, ..pace }
    }

    /// Tells a plateau the loss of an epoch (from 0) that has ended. One that ends within the warm-up does not count.
    pub(crate) fn end_epoch(&self, epoch: u32, loss: f64, state: &mut PlateauState) {
        if let Shape::Plateau { rate, plateau } = &self.shape
            && (u64::from(epoch) + 1) * self.epoch > self.warmup
        {
            plateau.observe(*rate, loss, state);
        }
    }
}

impl Shape {
    fn new(schedule: &LearningRateSchedule, rate: f64, epoch: u64, steps: u64) -> Result<Self> {
        let end = schedule.end.unwrap_or(0.0);
        Ok(match schedule.schedule {
            ScheduleKind::Constant => Self::Constant { rate },
            ScheduleKind::Step => {
                let every = u64::from(schedule.every.unwrap_or(1)) * epoch;
                Self::Falling { rate, every, factor: schedule.factor.unwrap_or(0.1) }
            }
            ScheduleKind::Exponential => Self::Falling { rate, every: epoch, factor: schedule.factor.unwrap_or(1.0) },
            ScheduleKind::Polynomial => Self::Polynomial { rate, end, power: schedule.power.unwrap_or(1.0), steps },
            ScheduleKind::Cosine => {
                let steps = schedule.restart_epochs.map_or(steps, |epochs| u64::from(epochs) * epoch);
                Self::Cosine { rate, end, steps, factor: u64::from(schedule.restart_factor.unwrap_or(1)) }
            }
            ScheduleKind::OneCycle => Self::OneCycle(OneCycle::new(schedule, steps)),
            ScheduleKind::Plateau => Self::Plateau { rate, plateau: Plateau::new(schedule) },
            ScheduleKind::Table => {
                let rates = schedule.rates.clone().unwrap_or_default();
                if rates.len() as u64 != steps {
                    let message =
                        format!("there are {} rates, and the run has {steps} steps: give one a step", rates.len());
                    return refuse("rates", message);
                }
                Self::Table(rates)
            }
        })
    }

    fn at(&self, t: u64, state: &PlateauState) -> Pace {
        let learning_rate = match *self {
            Self::Constant { rate } => rate,
            Self::Falling { rate, every, factor } => anneal::falling(rate, factor, t / every),
            Self::Polynomial { rate, end, power, steps } => {
                anneal::polynomial(rate, end, power, t as f64 / steps as f64)
            }
            Self::Cosine { rate, end, steps, factor } => {
                let (t, steps) = anneal::cycle(t, steps, factor);
                anneal::cosine(rate, end, t as f64 / steps as f64)
            }
            Self::OneCycle(ref cycle) => return cycle.at(t),
            Self::Plateau { rate, .. } => state.rate(rate),
            Self::Table(ref rates) => rates.get(t as usize).or(rates.last()).copied().unwrap_or(0.0),
        };
        Pace { learning_rate, momentum: None }
    }
}

/// The learning rate of every step of a run, before the groups' factors. A plateau's as if its loss got better all the time.
///
/// ```
/// use lstm_core::training::options::TrainingOptions;
/// use lstm_core::training::schedules::{Course, learning_rates};
/// let options = r#"{"optimizer":{"kind":"sgd","learningRate":{"schedule":"step","rate":0.5,"every":2,"factor":0.1}}}"#;
/// let options = TrainingOptions::from_json(options)?;
/// let rates = learning_rates(&options.optimizer, Course { epochs: 3, steps_per_epoch: 1 })?;
/// assert_eq!(rates, [0.5, 0.5, 0.05]);
/// # Ok::<(), lstm_core::Error>(())
/// ```
pub fn learning_rates(options: &OptimizerOptions, course: Course) -> Result<Vec<f64>> {
    let schedule = Schedule::new(options, course)?;
    Ok((0..course.steps()).map(|step| schedule.at(step, &PlateauState::default()).learning_rate).collect())
}

fn refuse<T>(field: &str, message: String) -> Result<T> {
    Err(Error::new(ErrorCode::InvalidOption, format!("optimizer.learningRate.{field}"), message))
}

#[cfg(test)]
mod tests;
