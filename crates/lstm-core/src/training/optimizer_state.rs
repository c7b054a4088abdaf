//! What an optimiser knows beside its options, on its way into a run and out of one: so that training that began elsewhere goes on
//! here, and the other way round. Knows names, shapes and what can be true of the numbers; nothing of files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::optimizers::OptimizerSlot;
use super::options::OptimizerKind;
use super::trainer::Trainer;
use super::update::MOST_STEPS;
use crate::finite::first_not_finite;
use crate::network::parameters::Tensor;
use crate::{Error, ErrorCode, Result, json};

/// Where errors point to.
const PATH: &str = "optimizerState";

/// What an optimiser knows, without the numbers: those follow each other tensor by tensor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct OptimizerContents {
    /// Which optimiser it is of.
    pub kind: OptimizerKind,
    /// Steps taken, at most 2,147,483,647: Adam's correction of its moments depends on them.
    pub step: u32,
    /// What is kept, of each parameter and under each name, in the order of the numbers.
    pub tensors: Vec<OptimizerTensor>,
}

/// What an optimiser keeps of one parameter under one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct OptimizerTensor {
    /// The parameter's name.
    pub parameter: String,
    /// What is kept, by PyTorch's name: an `OptimizerSlot`, or what somebody else's file says in its place.
    pub slot: String,
    /// The parameter's shape.
    pub shape: Vec<u32>,
}

impl OptimizerContents {
    /// Reads it from JSON.
    pub fn from_json(text: &str) -> Result<Self> {
        json::parse(text, ErrorCode::InvalidOption)
            .map_err(|error: Error| Error { path: json::join(PATH, &error.path), ..error })
    }
}

impl Trainer {
    /// Begins with what an optimiser knew after its last step, in the place of nothing: the next step is the one that it would
    /// have taken. Before [`start`](Self::start); a learning-rate schedule still begins with the run. `numbers` are those of
    /// `contents.tensors`, one after the other.
    ///
    /// Every trained parameter that is not frozen has to be there with all that the run's optimiser keeps of it, and nothing else:
    /// what is missing, unexpected or of another shape is a `state_mismatch` that lists all of it. If it fails, the trainer stays
    /// as it was.
    ///
    /// ```
    /// use lstm_core::network::definition::ModelDefinition;
    /// use lstm_core::network::machine::MachineOptions;
    /// use lstm_core::network::targets::Targets;
    /// use lstm_core::training::options::TrainingOptions;
    /// use lstm_core::{Model, Trainer};
    ///
    /// let definition = r#"{"input":{"features":1},"layers":[{"cell":"gru","units":2}],"output":{"values":1}}"#;
    /// let definition = ModelDefinition::from_json(definition)?;
    /// let options = TrainingOptions::from_json(r#"{"epochs":3}"#)?;
    /// let weights = Model::new(definition.clone(), MachineOptions::default())?.weights().to_vec();
    /// let begin = |weights: &[f32]| {
    ///     let mut trainer = Trainer::new(definition.clone(), MachineOptions::default(), weights, options.clone())?;
    ///     trainer.set_training(&[0.5, 0.25][..], 1, None, Targets::numbers(&[1.0, 0.0]))?;
    ///     Ok::<_, lstm_core::Error>(trainer)
    /// };
    /// let mut first = begin(&weights)?;
    /// first.start()?;
    /// first.advance(10)?;
    ///
    /// let mut second = begin(first.weights())?;
    /// second.set_optimizer(&first.optimizer(), &first.optimizer_numbers())?;
    /// second.start()?;
    /// assert_eq!(second.optimizer().step, 3);
    /// # Ok::<_, lstm_core::Error>(())
    /// ```
    pub fn set_optimizer(&mut self, contents: &OptimizerContents, numbers: &[f32]) -> Result<()> {
        if self.update.has_begun() {
            return refuse("", "this run has begun: give it before the run starts");
        }
        self.check_kind(contents)?;
        let places = self.places(contents)?;
        let length: usize = places.iter().map(|place| place.tensor.length).sum();
        if length != numbers.len() {
            let message = format!("{} numbers were given, its shapes have {length}", numbers.len());
            return Err(Error::new(ErrorCode::ShapeMismatch, PATH, message));
        }
        check_numbers(contents.step, &places, numbers)?;
        let places: Vec<_> = places.iter().map(|place| (place.slot, place.tensor.range())).collect();
        let mut slots = self.update.slots_mut();
        let mut at = 0;
        for (index, range) in places {
            let end = at + range.len();
            slots[index].1[range].copy_from_slice(&numbers[at..end]);
            at = end;
        }
        self.update.set_steps(contents.step);
        Ok(())
    }

    /// What the optimiser knows after the last step that was done, whichever weights training leaves; frozen parameters of which
    /// it keeps nothing are left out. Between two steps.
    #[must_use]
    pub fn optimizer(&self) -> OptimizerContents {
        let tensors = self.kept().into_iter().map(|(tensor, slot, _)| OptimizerTensor {
            parameter: tensor.name.clone(),
            slot: slot.name().to_owned(),
            shape: tensor.shape.clone(),
        });
        let (kind, step) = (self.options.optimizer.kind, self.update.state().steps);
        OptimizerContents { kind, step, tensors: tensors.collect() }
    }

    /// The numbers of [`optimizer`](Self::optimizer), one tensor after the other.
    #[must_use]
    pub fn optimizer_numbers(&self) -> Vec<f32> {
        self.kept().into_iter().flat_map(|(_, _, values)| values).copied().collect()
    }

    /// Every tensor that is kept, and its numbers: each parameter's slots side by side.
    fn kept(&self) -> Vec<(&Tensor, OptimizerSlot, &[f32])> {
        let slots = self.update.slots();
        let trained = self.layout.tensors().iter().filter(|tensor| tensor.trained);
        trained
            .filter(|tensor| {
                let is_kept =
                    || slots.iter().any(|(_, values)| values[tensor.range()].iter().any(|&value| value != 0.0));
                self.update.moves(tensor.offset) || is_kept()
            })
            .flat_map(|tensor| slots.iter().map(move |&(slot, values)| (tensor, slot, &values[tensor.range()])))
            .collect()
    }

    fn check_kind(&self, contents: &OptimizerContents) -> Result<()> {
        let (there, here) = (contents.kind, self.options.optimizer.kind);
        if there != here {
            let message = format!(
                "it is of `{}`, and `optimizer.kind` is `{}`: give the optimiser that it is of",
                there.name(),
                here.name()
            );
            return refuse(".kind", &message);
        }
        if contents.step > MOST_STEPS {
            return refuse(".step", &format!("{} is out of range: give at most {MOST_STEPS} steps", contents.step));
        }
        Ok(())
    }

    /// Where each tensor goes to. Fails with all that does not fit.
    fn places<'a>(&'a self, contents: &'a OptimizerContents) -> Result<Vec<Place<'a>>> {
        let slots = self.update.slots();
        let trained = || self.layout.tensors().iter().filter(|tensor| tensor.trained);
        let mut missing = BTreeMap::new();
        for tensor in trained().filter(|tensor| self.update.moves(tensor.offset)) {
            for (slot, _) in &slots {
                missing.insert((tensor.offset, slot.name()), format!("{}.{}", tensor.name, slot.name()));
            }
        }
        let (mut unexpected, mut other_shapes, mut places) = (Vec::new(), Vec::new(), Vec::new());
        let mut seen = std::collections::BTreeSet::new();
        for given in &contents.tensors {
            let OptimizerTensor { parameter, slot: name, shape } = given;
            let tensor = trained().find(|tensor| tensor.name == *parameter);
            let slot = slots.iter().position(|(slot, _)| slot.name() == name);
            let (Some(tensor), Some(slot), true) = (tensor, slot, seen.insert((parameter, name))) else {
                unexpected.push(format!("{parameter}.{name}"));
                continue;
            };
            missing.remove(&(tensor.offset, name.as_str()));
            if tensor.shape == *shape {
                places.push(Place { tensor, slot, given });
            } else {
                other_shapes.push(format!("{parameter}.{name} {shape:?} in the place of {:?}", tensor.shape));
            }
        }
        let found = [
            ("missing", missing.into_values().collect()),
            ("unexpected", unexpected),
            ("of another shape", other_shapes),
        ];
        let found: Vec<_> = found.iter().filter(|(_, names)| !names.is_empty()).collect();
        if found.is_empty() {
            return Ok(places);
        }
        let told: Vec<_> = found.iter().map(|(what, names)| format!("{what}: {}", names.join(", "))).collect();
        let kept: Vec<_> = slots.iter().map(|(slot, _)| slot.name()).collect();
        let kept = if kept.is_empty() { "nothing".to_owned() } else { kept.join(", ") };
        let message = format!(
            "the optimiser's state does not fit the model and `optimizer`, which keeps {kept} of each parameter that is not \
             frozen; {}",
            told.join("; ")
        );
        Err(Error::new(ErrorCode::StateMismatch, format!("{PATH}.parameters"), message))
    }
}

/// A given tensor, the parameter that it is of, and the number of the slot that it goes to.
struct Place<'a> {
    tensor: &'a Tensor,
    slot: usize,
    given: &'a OptimizerTensor,
}

/// Whether these can be what an optimiser has kept after so many steps.
fn check_numbers(step: u32, places: &[Place], numbers: &[f32]) -> Result<()> {
    let mut rest = numbers;
    for Place { tensor, given, .. } in places {
        let (values, after) = rest.split_at(tensor.length);
        rest = after;
        let path = format!("{PATH}.parameters[{:?}].{}", given.parameter, given.slot);
        if let Some(index) = first_not_finite(values) {
            let message = format!("number {index} is {}: only finite numbers can be gone on with", values[index]);
            return Err(Error::new(ErrorCode::NotFinite, path, message));
        }
        let squares = [OptimizerSlot::ExpAvgSq, OptimizerSlot::MaxExpAvgSq, OptimizerSlot::SquareAvg];
        let of_squares = squares.iter().any(|slot| slot.name() == given.slot);
        if let Some(index) = values.iter().position(|&value| of_squares && value < 0.0) {
            let message = format!("number {index} is {}, and this is a mean of squares", values[index]);
            return Err(Error::new(ErrorCode::InvalidOption, path, message));
        }
        if step == 0 && values.iter().any(|&value| value != 0.0) {
            let message = format!(
                "it is 0, and {}.{} is not: give the number of steps that were taken",
                given.parameter, given.slot
            );
            return refuse(".step", &message);
        }
    }
    Ok(())
}

fn refuse<T>(place: &str, message: &str) -> Result<T> {
    Err(Error::new(ErrorCode::InvalidOption, format!("{PATH}{place}"), message))
}
