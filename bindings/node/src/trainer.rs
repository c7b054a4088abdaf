//! A training run. A translation and nothing else, as in `lib.rs`.

// Of the module: napi's macro does not pass it on where it stands at a method.
#![expect(clippy::too_many_arguments, reason = "as many arrays as models read and are held to")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard};

use lstm_core::network::definition::ModelDefinition;
use lstm_core::network::machine::MachineOptions;
use lstm_core::network::samples::Inputs;
use lstm_core::network::targets::Targets;
use lstm_core::training::optimizer_state::OptimizerContents;
use lstm_core::training::options::TrainingOptions;
use lstm_core::{Error, ErrorCode, to_json};
use napi::bindgen_prelude::{AsyncTask, Float32Array, Float32ArraySlice, Uint8Array};
use napi::{Env, Result, Task};
use napi_derive::napi;

use crate::crossing;

type SharedTrainer = Arc<Mutex<lstm_core::Trainer>>;

/// A training run: see `lstm_core::Trainer`.
#[napi]
pub struct Trainer(Option<SharedTrainer>);

impl Trainer {
    fn shared(&self) -> Result<&SharedTrainer> {
        self.0.as_ref().ok_or_else(|| crossing(Error::disposed("trainer")))
    }

    /// The trainer, unless a thread is advancing it.
    fn held(&self) -> Result<MutexGuard<'_, lstm_core::Trainer>> {
        let message = "the trainer is advancing; wait for it first";
        self.shared()?.try_lock().map_err(|_| crossing(Error::new(ErrorCode::ModelBusy, "trainer", message)))
    }
}

#[napi]
impl Trainer {
    #[napi(constructor, catch_unwind)]
    pub fn new(definition: String, machine: String, weights: &[f32], options: String) -> Result<Self> {
        let definition = ModelDefinition::from_json(&definition).map_err(crossing)?;
        let machine = MachineOptions::from_json(&machine).map_err(crossing)?;
        let options = TrainingOptions::from_json(&options).map_err(crossing)?;
        let trainer = lstm_core::Trainer::new(definition, machine, weights, options).map_err(crossing)?;
        Ok(Self(Some(Arc::new(Mutex::new(trainer)))))
    }

    #[napi(catch_unwind)]
    pub fn set_training(
        &self,
        x: Option<&[f32]>,
        tokens: Option<&[u32]>,
        statics: Option<&[f32]>,
        steps: u32,
        lengths: Option<&[u32]>,
        classes: Option<&[u32]>,
        numbers: Option<&[f32]>,
        weights: Option<&[f32]>,
    ) -> Result<()> {
        let targets = Targets::of(classes, numbers, weights).map_err(crossing)?;
        let inputs = Inputs { x, tokens, statics };
        self.held()?.set_training(inputs, steps as usize, lengths, targets).map_err(crossing)
    }

    #[napi(catch_unwind)]
    pub fn set_validation(
        &self,
        x: Option<&[f32]>,
        tokens: Option<&[u32]>,
        statics: Option<&[f32]>,
        steps: u32,
        lengths: Option<&[u32]>,
        classes: Option<&[u32]>,
        numbers: Option<&[f32]>,
        weights: Option<&[f32]>,
    ) -> Result<()> {
        let targets = Targets::of(classes, numbers, weights).map_err(crossing)?;
        let inputs = Inputs { x, tokens, statics };
        self.held()?.set_validation(inputs, steps as usize, lengths, targets).map_err(crossing)
    }

    #[napi(catch_unwind)]
    pub fn set_chunks(&self, sizes: &[u32]) -> Result<()> {
        self.held()?.set_chunks(sizes).map_err(crossing)
    }

    #[napi(catch_unwind)]
    pub fn set_chunk(
        &self,
        chunk: u32,
        x: Option<&[f32]>,
        tokens: Option<&[u32]>,
        statics: Option<&[f32]>,
        steps: u32,
        lengths: Option<&[u32]>,
        classes: Option<&[u32]>,
        numbers: Option<&[f32]>,
        weights: Option<&[f32]>,
    ) -> Result<()> {
        let targets = Targets::of(classes, numbers, weights).map_err(crossing)?;
        let inputs = Inputs { x, tokens, statics };
        self.held()?.set_chunk(chunk, inputs, steps as usize, lengths, targets).map_err(crossing)
    }

    #[napi(catch_unwind)]
    pub fn set_optimizer(&self, contents: String, numbers: &[f32]) -> Result<()> {
        let contents = OptimizerContents::from_json(&contents).map_err(crossing)?;
        self.held()?.set_optimizer(&contents, numbers).map_err(crossing)
    }

    #[napi(catch_unwind)]
    pub fn optimizer(&self) -> Result<String> {
        Ok(to_json(&self.held()?.optimizer()))
    }

    #[napi(catch_unwind)]
    pub fn optimizer_numbers(&self) -> Result<Float32Array> {
        Ok(Float32Array::new(self.held()?.optimizer_numbers()))
    }

    #[napi(catch_unwind)]
    pub fn start(&self) -> Result<String> {
        self.held()?.start().map(|progress| to_json(&progress)).map_err(crossing)
    }

    #[napi(catch_unwind)]
    pub fn checkpoint(&self) -> Result<Uint8Array> {
        self.held()?.checkpoint().map(Uint8Array::new).map_err(crossing)
    }

    #[napi(catch_unwind)]
    pub fn resume(&self, file: &[u8]) -> Result<String> {
        self.held()?.resume(file).map(|progress| to_json(&progress)).map_err(crossing)
    }

    /// Runs on a thread of Node's pool; the promise gives a `TrainingProgress`.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn advance(&self, batches: u32) -> Result<AsyncTask<Advance>> {
        Ok(AsyncTask::new(Advance { trainer: Arc::clone(self.shared()?), batches }))
    }

    #[napi(catch_unwind)]
    pub fn weights(&self, mut y: Float32ArraySlice) -> Result<()> {
        // SAFETY: as in `Model::run`.
        let y = unsafe { y.as_mut() };
        self.held()?.copy_weights(y).map_err(crossing)
    }

    #[napi(catch_unwind)]
    pub fn best_weights(&self, mut y: Float32ArraySlice) -> Result<()> {
        // SAFETY: as in `Model::run`.
        let y = unsafe { y.as_mut() };
        self.held()?.copy_best_weights(y).map_err(crossing)
    }

    /// Lets go of the memory, once a thread that is advancing is done.
    #[napi(catch_unwind)]
    pub fn dispose(&mut self) {
        self.0 = None;
    }
}

/// Some batches, as a job of Node's thread pool.
pub struct Advance {
    trainer: SharedTrainer,
    batches: u32,
}

impl Task for Advance {
    type Output = String;
    type JsValue = String;

    fn compute(&mut self) -> Result<String> {
        let advance = || self.trainer.lock().ok().map(|mut trainer| trainer.advance(self.batches));
        // No panic may cross into Node; it also marks the trainer as broken, so that every later call fails too.
        if let Ok(Some(progress)) = catch_unwind(AssertUnwindSafe(advance)) {
            return progress.map(|progress| to_json(&progress)).map_err(crossing);
        }
        let message = "training stopped by a defect; the model keeps its last committed weights";
        Err(crossing(Error::new(ErrorCode::InternalError, "fit", message)))
    }

    fn resolve(&mut self, _env: Env, progress: String) -> Result<String> {
        Ok(progress)
    }
}
