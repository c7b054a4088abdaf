//! The core as a WebAssembly module. A translation and nothing else: arguments in, results out, errors as the core's
//! JSON. `bindings/node` has the same classes with the same methods; `docs/architecture.md` lists them.
//!
//! A panic is a trap here: it ends the instance, and the facade goes on with a fresh one.

#![allow(missing_docs, reason = "the methods are those of `lstm_core`, which documents them")]

mod layer;
mod loading;
mod trainer;

use lstm_core::formats::header;
use lstm_core::network::definition::ModelDefinition;
use lstm_core::network::machine::{MachineOptions, describe_machine};
use lstm_core::network::samples::Inputs;
use lstm_core::network::targets::Targets;
use lstm_core::training::options::OptimizerOptions;
use lstm_core::{Error, to_json};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

type Result<T> = std::result::Result<T, JsError>;

/// The form in which every error of the core crosses: its JSON as the message.
fn crossing(error: Error) -> JsError {
    JsError::new(&error.to_json())
}

fn targets<'a>(
    classes: Option<&'a [u32]>,
    numbers: Option<&'a [f32]>,
    weights: Option<&'a [f32]>,
) -> Result<Targets<'a>> {
    Targets::of(classes, numbers, weights).map_err(crossing)
}

fn inputs<'a>(x: Option<&'a [f32]>, tokens: Option<&'a [u32]>, statics: Option<&'a [f32]>) -> Inputs<'a> {
    Inputs { x, tokens, statics }
}

/// A model: see `lstm_core::Model`.
#[wasm_bindgen]
pub struct Model(Option<lstm_core::Model>);

impl Model {
    fn held(&mut self) -> Result<&mut lstm_core::Model> {
        self.0.as_mut().ok_or_else(|| crossing(Error::disposed("model")))
    }
}

#[wasm_bindgen]
impl Model {
    #[wasm_bindgen(constructor)]
    pub fn new(definition: &str, machine: &str) -> Result<Model> {
        let definition = ModelDefinition::from_json(definition).map_err(crossing)?;
        let machine = MachineOptions::from_json(machine).map_err(crossing)?;
        lstm_core::Model::new(definition, machine).map(|model| Self(Some(model))).map_err(crossing)
    }

    pub fn describe(&mut self) -> Result<String> {
        Ok(to_json(&self.held()?.describe()))
    }

    pub fn summarise(&mut self, batch_size: u32, steps: u32, optimizer: &str) -> Result<String> {
        let optimizer = OptimizerOptions::from_json(optimizer).map_err(crossing)?;
        self.held()?.summarise(batch_size, steps, &optimizer).map(|summary| to_json(&summary)).map_err(crossing)
    }

    pub fn weights(&mut self) -> Result<Vec<f32>> {
        Ok(self.held()?.weights().to_vec())
    }

    /// Where in this instance's memory they lie, in bytes, and how many they are. Whoever has asked can read them after a trap,
    /// when nothing can be called any more.
    #[wasm_bindgen(js_name = weightsPlace)]
    pub fn weights_place(&mut self) -> Result<Vec<u32>> {
        let weights = self.held()?.weights();
        Ok(vec![weights.as_ptr().addr() as u32, weights.len() as u32])
    }

    pub fn commit(&mut self, weights: &[f32], allow_not_finite: bool) -> Result<()> {
        let model = self.held()?;
        if allow_not_finite { model.commit_not_finite(weights) } else { model.commit(weights) }.map_err(crossing)
    }

    pub fn run(
        &mut self,
        x: Option<Vec<f32>>,
        tokens: Option<Vec<u32>>,
        statics: Option<Vec<f32>>,
        lengths: Option<Vec<u32>>,
        states: &mut [f32],
        y: &mut [f32],
    ) -> Result<()> {
        let inputs = inputs(x.as_deref(), tokens.as_deref(), statics.as_deref());
        let states = (!states.is_empty()).then_some(states);
        self.held()?.run(inputs, lengths.as_deref(), states, y).map_err(crossing)
    }

    #[wasm_bindgen(js_name = openEvaluation)]
    pub fn open_evaluation(&mut self) -> Result<u32> {
        Ok(self.held()?.open_evaluation())
    }

    #[wasm_bindgen(js_name = addToEvaluation)]
    pub fn add_to_evaluation(
        &mut self,
        evaluation: u32,
        predictions: &[f32],
        lengths: Option<Vec<u32>>,
        classes: Option<Vec<u32>>,
        numbers: Option<Vec<f32>>,
        weights: Option<Vec<f32>>,
    ) -> Result<()> {
        let targets = targets(classes.as_deref(), numbers.as_deref(), weights.as_deref())?;
        self.held()?.add_to_evaluation(evaluation, predictions, lengths.as_deref(), targets).map_err(crossing)
    }

    #[wasm_bindgen(js_name = closeEvaluation)]
    pub fn close_evaluation(&mut self, evaluation: u32) -> Result<String> {
        self.held()?.close_evaluation(evaluation).map(|report| to_json(&report)).map_err(crossing)
    }

    #[wasm_bindgen(js_name = openStream)]
    pub fn open_stream(&mut self, statics: Option<Vec<f32>>) -> Result<u32> {
        self.held()?.open_stream(statics.as_deref()).map_err(crossing)
    }

    #[wasm_bindgen(js_name = nextStep)]
    pub fn next_step(&mut self, stream: u32, x: Option<Vec<f32>>, token: Option<u32>, y: &mut [f32]) -> Result<()> {
        let step = inputs(x.as_deref(), token.as_ref().map(std::slice::from_ref), None);
        self.held()?.next_step(stream, step, y).map_err(crossing)
    }

    #[wasm_bindgen(js_name = resetStream)]
    pub fn reset_stream(&mut self, stream: u32) -> Result<()> {
        self.held()?.reset_stream(stream).map_err(crossing)
    }

    #[wasm_bindgen(js_name = closeStream)]
    pub fn close_stream(&mut self, stream: u32) -> Result<()> {
        self.held()?.close_stream(stream);
        Ok(())
    }

    #[wasm_bindgen(js_name = setPreprocessing)]
    pub fn set_preprocessing(&mut self, text: Option<String>) -> Result<()> {
        self.held()?.set_preprocessing(text).map_err(crossing)
    }

    pub fn save(&mut self) -> Result<Vec<u8>> {
        self.held()?.save().map_err(crossing)
    }

    pub fn dispose(&mut self) {
        self.0 = None;
    }
}

/// What this build finds on the machine: a `MachineDescription`.
#[wasm_bindgen]
pub fn machine() -> Result<String> {
    describe_machine().map(|machine| to_json(&machine)).map_err(crossing)
}

/// What a safetensors file begins with: a `FileHeader`.
#[wasm_bindgen(js_name = readHeader)]
pub fn read_header(beginning: &[u8], file_length: f64) -> Result<String> {
    header::read(beginning, file_length).map(|header| to_json(&header)).map_err(crossing)
}

#[wasm_bindgen(js_name = writeHeader)]
pub fn write_header(json: &str) -> Result<Vec<u8>> {
    header::write(json).map_err(crossing)
}
