//! The layer by itself. A translation and nothing else, as in `lib.rs`.

use lstm_core::network::definition::LayerDefinition;
use lstm_core::network::machine::MachineOptions;
use lstm_core::{
    Dropping, Error, InputGradients, LayerInput, LayerOptions, LayerStates, StateGradients, TrainingMasks, to_json,
};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{Result, crossing};

/// A layer by itself: see `lstm_core::Layer`.
#[wasm_bindgen]
pub struct Layer(Option<lstm_core::Layer>);

impl Layer {
    fn held(&mut self) -> Result<&mut lstm_core::Layer> {
        self.0.as_mut().ok_or_else(|| crossing(Error::disposed("layer")))
    }
}

#[wasm_bindgen]
impl Layer {
    #[wasm_bindgen(constructor)]
    pub fn new(definition: &str, options: &str, machine: &str) -> Result<Layer> {
        let definition = LayerDefinition::from_json(definition).map_err(crossing)?;
        let options = LayerOptions::from_json(options).map_err(crossing)?;
        let machine = MachineOptions::from_json(machine).map_err(crossing)?;
        lstm_core::Layer::new(definition, options, machine).map(|layer| Self(Some(layer))).map_err(crossing)
    }

    pub fn describe(&mut self) -> Result<String> {
        Ok(to_json(&self.held()?.describe()))
    }

    pub fn weights(&mut self) -> Result<Vec<f32>> {
        Ok(self.held()?.weights().to_vec())
    }

    pub fn commit(&mut self, weights: &[f32]) -> Result<()> {
        self.held()?.commit(weights).map_err(crossing)
    }

    #[expect(clippy::too_many_arguments, reason = "as many arrays as a layer reads and writes")]
    pub fn forward(
        &mut self,
        x: &[f32],
        steps: u32,
        lengths: Option<Vec<u32>>,
        initial_hidden: Option<Vec<f32>>,
        initial_cell: Option<Vec<f32>>,
        dropping: &str,
        recurrent: Option<Vec<f32>>,
        keep_hidden: Option<Vec<f32>>,
        keep_cell: Option<Vec<f32>>,
        weight: Option<Vec<f32>>,
        hidden: &mut [f32],
        final_hidden: &mut [f32],
        final_cell: &mut [f32],
    ) -> Result<()> {
        let masks = TrainingMasks {
            recurrent: recurrent.as_deref(),
            keep_hidden: keep_hidden.as_deref(),
            keep_cell: keep_cell.as_deref(),
            weight: weight.as_deref(),
        };
        let input = LayerInput {
            x,
            steps: steps as usize,
            lengths: lengths.as_deref(),
            initial_hidden: initial_hidden.as_deref(),
            initial_cell: initial_cell.as_deref(),
            dropping: Dropping::named(dropping, masks).map_err(crossing)?,
        };
        self.held()?.forward(input, LayerStates { hidden, final_hidden, final_cell }).map_err(crossing)
    }

    #[expect(clippy::too_many_arguments, reason = "as many arrays as a layer reads and writes")]
    pub fn backward(
        &mut self,
        hidden: Option<Vec<f32>>,
        final_hidden: Option<Vec<f32>>,
        final_cell: Option<Vec<f32>>,
        x: &mut [f32],
        weights: &mut [f32],
        initial_hidden: &mut [f32],
        initial_cell: &mut [f32],
    ) -> Result<()> {
        let gradients = StateGradients {
            hidden: hidden.as_deref(),
            final_hidden: final_hidden.as_deref(),
            final_cell: final_cell.as_deref(),
        };
        let out = InputGradients { x, weights, initial_hidden, initial_cell };
        self.held()?.backward(gradients, out).map_err(crossing)
    }

    pub fn dispose(&mut self) {
        self.0 = None;
    }
}
