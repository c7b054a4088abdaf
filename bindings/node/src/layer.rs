//! The layer by itself. A translation and nothing else, as in `lib.rs`.

// Of the module: napi's macro does not pass it on where it stands at a method.
#![expect(clippy::too_many_arguments, reason = "as many arrays as a layer reads and writes")]

use lstm_core::network::definition::LayerDefinition;
use lstm_core::network::machine::MachineOptions;
use lstm_core::{
    Dropping, Error, InputGradients, LayerInput, LayerOptions, LayerStates, StateGradients, TrainingMasks, to_json,
};
use napi::Result;
use napi::bindgen_prelude::{Float32Array, Float32ArraySlice};
use napi_derive::napi;

use crate::crossing;

/// A layer by itself: see `lstm_core::Layer`.
#[napi]
pub struct Layer(Option<lstm_core::Layer>);

impl Layer {
    fn held(&mut self) -> Result<&mut lstm_core::Layer> {
        self.0.as_mut().ok_or_else(|| crossing(Error::disposed("layer")))
    }
}

#[napi]
impl Layer {
    #[napi(constructor, catch_unwind)]
    pub fn new(definition: String, options: String, machine: String) -> Result<Self> {
        let definition = LayerDefinition::from_json(&definition).map_err(crossing)?;
        let options = LayerOptions::from_json(&options).map_err(crossing)?;
        let machine = MachineOptions::from_json(&machine).map_err(crossing)?;
        lstm_core::Layer::new(definition, options, machine).map(|layer| Self(Some(layer))).map_err(crossing)
    }

    #[napi(catch_unwind)]
    pub fn describe(&mut self) -> Result<String> {
        Ok(to_json(&self.held()?.describe()))
    }

    #[napi(catch_unwind)]
    pub fn weights(&mut self) -> Result<Float32Array> {
        Ok(Float32Array::new(self.held()?.weights().to_vec()))
    }

    #[napi(catch_unwind)]
    pub fn commit(&mut self, weights: &[f32]) -> Result<()> {
        self.held()?.commit(weights).map_err(crossing)
    }

    #[napi(catch_unwind)]
    pub fn forward(
        &mut self,
        x: &[f32],
        steps: u32,
        lengths: Option<&[u32]>,
        initial_hidden: Option<&[f32]>,
        initial_cell: Option<&[f32]>,
        dropping: String,
        recurrent: Option<&[f32]>,
        keep_hidden: Option<&[f32]>,
        keep_cell: Option<&[f32]>,
        weight: Option<&[f32]>,
        mut hidden: Float32ArraySlice,
        mut final_hidden: Float32ArraySlice,
        mut final_cell: Float32ArraySlice,
    ) -> Result<()> {
        // SAFETY: as in `Model::run`.
        let [hidden, final_hidden, final_cell] =
            unsafe { [hidden.as_mut(), final_hidden.as_mut(), final_cell.as_mut()] };
        let masks = TrainingMasks { recurrent, keep_hidden, keep_cell, weight };
        let dropping = Dropping::named(&dropping, masks).map_err(crossing)?;
        let input = LayerInput { x, steps: steps as usize, lengths, initial_hidden, initial_cell, dropping };
        self.held()?.forward(input, LayerStates { hidden, final_hidden, final_cell }).map_err(crossing)
    }

    #[napi(catch_unwind)]
    pub fn backward(
        &mut self,
        hidden: Option<&[f32]>,
        final_hidden: Option<&[f32]>,
        final_cell: Option<&[f32]>,
        mut x: Float32ArraySlice,
        mut weights: Float32ArraySlice,
        mut initial_hidden: Float32ArraySlice,
        mut initial_cell: Float32ArraySlice,
    ) -> Result<()> {
        // SAFETY: as in `Model::run`.
        let [x, weights, initial_hidden, initial_cell] =
            unsafe { [x.as_mut(), weights.as_mut(), initial_hidden.as_mut(), initial_cell.as_mut()] };
        let gradients = StateGradients { hidden, final_hidden, final_cell };
        let out = InputGradients { x, weights, initial_hidden, initial_cell };
        self.held()?.backward(gradients, out).map_err(crossing)
    }

    #[napi(catch_unwind)]
    pub fn dispose(&mut self) {
        self.0 = None;
    }
}
