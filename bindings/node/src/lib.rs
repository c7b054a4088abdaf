//! The core as a Node addon. A translation and nothing else: arguments in, results out, errors as the core's JSON.
//! `bindings/wasm` has the same classes with the same methods; `docs/architecture.md` lists them.

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
use napi::Result;
use napi::bindgen_prelude::{Float32Array, Float32ArraySlice, Uint8Array};
use napi_derive::napi;

/// The form in which every error of the core crosses: its JSON as the message.
fn crossing(error: Error) -> napi::Error {
    napi::Error::from_reason(error.to_json())
}

/// A model: see `lstm_core::Model`.
#[napi]
pub struct Model(Option<lstm_core::Model>);

impl Model {
    fn held(&mut self) -> Result<&mut lstm_core::Model> {
        self.0.as_mut().ok_or_else(|| crossing(Error::disposed("model")))
    }
}

#[napi]
impl Model {
    #[napi(constructor, catch_unwind)]
    pub fn new(definition: String, machine: String) -> Result<Self> {
        let definition = ModelDefinition::from_json(&definition).map_err(crossing)?;
        let machine = MachineOptions::from_json(&machine).map_err(crossing)?;
        lstm_core::Model::new(definition, machine).map(|model| Self(Some(model))).map_err(crossing)
    }

    #[napi(catch_unwind)]
    pub fn describe(&mut self) -> Result<String> {
        Ok(to_json(&self.held()?.describe()))
    }

    #[napi(catch_unwind)]
    pub fn summarise(&mut self, batch_size: u32, steps: u32, optimizer: String) -> Result<String> {
        let optimizer = OptimizerOptions::from_json(&optimizer).map_err(crossing)?;
        self.held()?.summarise(batch_size, steps, &optimizer).map(|summary| to_json(&summary)).map_err(crossing)
    }

    #[napi(catch_unwind)]
    pub fn weights(&mut self) -> Result<Float32Array> {
        Ok(Float32Array::new(self.held()?.weights().to_vec()))
    }

    #[napi(catch_unwind)]
    pub fn commit(&mut self, weights: &[f32], allow_not_finite: bool) -> Result<()> {
        let model = self.held()?;
        if allow_not_finite { model.commit_not_finite(weights) } else { model.commit(weights) }.map_err(crossing)
    }

    #[napi(catch_unwind)]
    pub fn run(
        &mut self,
        x: Option<&[f32]>,
        tokens: Option<&[u32]>,
        statics: Option<&[f32]>,
        lengths: Option<&[u32]>,
        mut states: Float32ArraySlice,
        mut y: Float32ArraySlice,
    ) -> Result<()> {
        // SAFETY: JavaScript waits for this call, and the facade refuses arrays that are shared or overlap.
        let (states, y) = unsafe { (states.as_mut(), y.as_mut()) };
        let states = (!states.is_empty()).then_some(states);
        self.held()?.run(Inputs { x, tokens, statics }, lengths, states, y).map_err(crossing)
    }

    #[napi(catch_unwind)]
    pub fn open_evaluation(&mut self) -> Result<u32> {
        Ok(self.held()?.open_evaluation())
    }

    #[napi(catch_unwind)]
    pub fn add_to_evaluation(
        &mut self,
        evaluation: u32,
        predictions: &[f32],
        lengths: Option<&[u32]>,
        classes: Option<&[u32]>,
        numbers: Option<&[f32]>,
        weights: Option<&[f32]>,
    ) -> Result<()> {
        let targets = Targets::of(classes, numbers, weights).map_err(crossing)?;
        self.held()?.add_to_evaluation(evaluation, predictions, lengths, targets).map_err(crossing)
    }

    #[napi(catch_unwind)]
    pub fn close_evaluation(&mut self, evaluation: u32) -> Result<String> {
        self.held()?.close_evaluation(evaluation).map(|report| to_json(&report)).map_err(crossing)
    }

    #[napi(catch_unwind)]
    pub fn open_stream(&mut self, statics: Option<&[f32]>) -> Result<u32> {
        self.held()?.open_stream(statics).map_err(crossing)
    }

    #[napi(catch_unwind)]
    pub fn next_step(
        &mut self,
        stream: u32,
        x: Option<&[f32]>,
        token: Option<u32>,
        mut y: Float32ArraySlice,
    ) -> Result<()> {
        // SAFETY: as in `run`.
        let y = unsafe { y.as_mut() };
        let step = Inputs { x, tokens: token.as_ref().map(std::slice::from_ref), statics: None };
        self.held()?.next_step(stream, step, y).map_err(crossing)
    }

    #[napi(catch_unwind)]
    pub fn reset_stream(&mut self, stream: u32) -> Result<()> {
        self.held()?.reset_stream(stream).map_err(crossing)
    }

    #[napi(catch_unwind)]
    pub fn close_stream(&mut self, stream: u32) -> Result<()> {
        self.held()?.close_stream(stream);
        Ok(())
    }

    #[napi(catch_unwind)]
    pub fn set_preprocessing(&mut self, text: Option<String>) -> Result<()> {
        self.held()?.set_preprocessing(text).map_err(crossing)
    }

    #[napi(catch_unwind)]
    pub fn save(&mut self) -> Result<Uint8Array> {
        self.held()?.save().map(Uint8Array::new).map_err(crossing)
    }

    #[napi(catch_unwind)]
    pub fn dispose(&mut self) {
        self.0 = None;
    }
}

/// What this build finds on the machine: a `MachineDescription`.
#[napi(catch_unwind)]
pub fn machine() -> Result<String> {
    describe_machine().map(|machine| to_json(&machine)).map_err(crossing)
}

/// What a safetensors file begins with: a `FileHeader`.
#[napi(catch_unwind)]
pub fn read_header(beginning: &[u8], file_length: f64) -> Result<String> {
    header::read(beginning, file_length).map(|header| to_json(&header)).map_err(crossing)
}

#[napi(catch_unwind)]
pub fn write_header(json: String) -> Result<Uint8Array> {
    header::write(&json).map(Uint8Array::new).map_err(crossing)
}
