//! A training run. A translation and nothing else, as in `lib.rs`.

use lstm_core::network::definition::ModelDefinition;
use lstm_core::network::machine::MachineOptions;
use lstm_core::training::optimizer_state::OptimizerContents;
use lstm_core::training::options::TrainingOptions;
use lstm_core::{Error, to_json};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{Result, crossing, inputs, targets};

/// A training run: see `lstm_core::Trainer`.
#[wasm_bindgen]
pub struct Trainer(Option<lstm_core::Trainer>);

impl Trainer {
    fn held(&mut self) -> Result<&mut lstm_core::Trainer> {
        self.0.as_mut().ok_or_else(|| crossing(Error::disposed("trainer")))
    }
}

#[wasm_bindgen]
impl Trainer {
    #[wasm_bindgen(constructor)]
    pub fn new(definition: &str, machine: &str, weights: &[f32], options: &str) -> Result<Trainer> {
        let definition = ModelDefinition::from_json(definition).map_err(crossing)?;
        let machine = MachineOptions::from_json(machine).map_err(crossing)?;
        let options = TrainingOptions::from_json(options).map_err(crossing)?;
        let trainer = lstm_core::Trainer::new(definition, machine, weights, options).map_err(crossing)?;
        Ok(Self(Some(trainer)))
    }

    #[expect(clippy::too_many_arguments, reason = "as many arrays as models read and are held to")]
    #[wasm_bindgen(js_name = setTraining)]
    pub fn set_training(
        &mut self,
        x: Option<Vec<f32>>,
        tokens: Option<Vec<u32>>,
        statics: Option<Vec<f32>>,
        steps: u32,
        lengths: Option<Vec<u32>>,
        classes: Option<Vec<u32>>,
        numbers: Option<Vec<f32>>,
        weights: Option<Vec<f32>>,
    ) -> Result<()> {
        let targets = targets(classes.as_deref(), numbers.as_deref(), weights.as_deref())?;
        let inputs = inputs(x.as_deref(), tokens.as_deref(), statics.as_deref());
        self.held()?.set_training(inputs, steps as usize, lengths.as_deref(), targets).map_err(crossing)
    }

    #[expect(clippy::too_many_arguments, reason = "as many arrays as models read and are held to")]
    #[wasm_bindgen(js_name = setValidation)]
    pub fn set_validation(
        &mut self,
        x: Option<Vec<f32>>,
        tokens: Option<Vec<u32>>,
        statics: Option<Vec<f32>>,
        steps: u32,
        lengths: Option<Vec<u32>>,
        classes: Option<Vec<u32>>,
        numbers: Option<Vec<f32>>,
        weights: Option<Vec<f32>>,
    ) -> Result<()> {
        let targets = targets(classes.as_deref(), numbers.as_deref(), weights.as_deref())?;
        let inputs = inputs(x.as_deref(), tokens.as_deref(), statics.as_deref());
        self.held()?.set_validation(inputs, steps as usize, lengths.as_deref(), targets).map_err(crossing)
    }

    #[wasm_bindgen(js_name = setChunks)]
    pub fn set_chunks(&mut self, sizes: &[u32]) -> Result<()> {
        self.held()?.set_chunks(sizes).map_err(crossing)
    }

    #[expect(clippy::too_many_arguments, reason = "as many arrays as models read and are held to")]
    #[wasm_bindgen(js_name = setChunk)]
    pub fn set_chunk(
        &mut self,
        chunk: u32,
        x: Option<Vec<f32>>,
        tokens: Option<Vec<u32>>,
        statics: Option<Vec<f32>>,
        steps: u32,
        lengths: Option<Vec<u32>>,
        classes: Option<Vec<u32>>,
        numbers: Option<Vec<f32>>,
        weights: Option<Vec<f32>>,
    ) -> Result<()> {
        let targets = targets(classes.as_deref(), numbers.as_deref(), weights.as_deref())?;
        let inputs = inputs(x.as_deref(), tokens.as_deref(), statics.as_deref());
        self.held()?.set_chunk(chunk, inputs, steps as usize, lengths.as_deref(), targets).map_err(crossing)
    }

    #[wasm_bindgen(js_name = setOptimizer)]
    pub fn set_optimizer(&mut self, contents: &str, numbers: &[f32]) -> Result<()> {
        let contents = OptimizerContents::from_json(contents).map_err(crossing)?;
        self.held()?.set_optimizer(&contents, numbers).map_err(crossing)
    }

    pub fn optimizer(&mut self) -> Result<String> {
        Ok(to_json(&self.held()?.optimizer()))
    }

    #[wasm_bindgen(js_name = optimizerNumbers)]
    pub fn optimizer_numbers(&mut self) -> Result<Vec<f32>> {
        Ok(self.held()?.optimizer_numbers())
    }

    pub fn start(&mut self) -> Result<String> {
        self.held()?.start().map(|progress| to_json(&progress)).map_err(crossing)
    }

    pub fn checkpoint(&mut self) -> Result<Vec<u8>> {
        self.held()?.checkpoint().map_err(crossing)
    }

    pub fn resume(&mut self, file: &[u8]) -> Result<String> {
        self.held()?.resume(file).map(|progress| to_json(&progress)).map_err(crossing)
    }

    /// Runs on the calling thread and gives a `TrainingProgress`.
    pub fn advance(&mut self, batches: u32) -> Result<String> {
        self.held()?.advance(batches).map(|progress| to_json(&progress)).map_err(crossing)
    }

    pub fn weights(&mut self, y: &mut [f32]) -> Result<()> {
        self.held()?.copy_weights(y).map_err(crossing)
    }

    #[wasm_bindgen(js_name = bestWeights)]
    pub fn best_weights(&mut self, y: &mut [f32]) -> Result<()> {
        self.held()?.copy_best_weights(y).map_err(crossing)
    }

    pub fn dispose(&mut self) {
        self.0 = None;
    }
}
