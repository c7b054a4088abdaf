//! A model as one safetensors file: its tensors under their names, its definition, and how raw rows become
//! its input, in the metadata. Any safetensors reader opens it. Nothing of a file is believed before it is checked; bytes may come from anywhere.

use std::collections::BTreeMap;

use safetensors::Dtype;
use serde::{Deserialize, Serialize};

use super::header;
use super::loading::Loading;
use crate::finite::first_not_finite;
use crate::network::definition::ModelDefinition;
use crate::network::parameters::{Layout, Tensor};
use crate::{Error, ErrorCode, Result, json};

/// The metadata's one key, so that the same model gives the same bytes: readers and writers keep no order of keys.
pub(super) const KEY: &str = "gatewise";
/// The version of what is under [`KEY`].
pub(super) const VERSION: u32 = 1;
/// Bytes of preprocessing, at most. Escaped twice on its way into the header, a byte takes at most 7, and readers take headers
/// of up to 100 MB.
const MOST_PREPROCESSING: usize = 8 << 20;

/// What is under [`KEY`], as JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Saved<Definition, Text> {
    version: u32,
    pub(super) definition: Definition,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) preprocessing: Option<Text>,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// What the model is.
    pub definition: ModelDefinition,
    /// The flat vector that the definition's layout describes.
    pub weights: Vec<f32>,
    /// How raw rows become what the model reads: text of the facade's own, of which only the length is checked.
    pub preprocessing: Option<String>,
}

/// The file of a model; the same model gives the same bytes. `weights` is the flat vector that `layout` describes.
///
/// Refuses weights of another length (`shape_mismatch`) and NaN or infinite ones (`not_finite`), which `load` would
/// not accept. `preprocessing` is text that [`check_preprocessing`] has passed.
pub fn save(
    definition: &ModelDefinition,
    layout: &Layout,
    weights: &[f32],
    preprocessing: Option<&str>,
) -> Result<Vec<u8>> {
    if weights.len() != layout.total_length() {
        let message = format!("there are {} weights, the model has {}", weights.len(), layout.total_length());
        return Err(Error::new(ErrorCode::ShapeMismatch, "weights", message));
    }
    for tensor in layout.tensors() {
        let values = &weights[tensor.range()];
        if let Some(index) = first_not_finite(values) {
            return Err(not_finite(tensor, index, values[index], ErrorCode::NotFinite));
        }
    }
    let saved = json::to_json(&Saved { version: VERSION, definition, preprocessing });
    let shape = |tensor: &Tensor| tensor.shape.iter().map(|&size| size as usize).collect();
    let tensors = layout.tensors().iter().map(|tensor| (tensor.name.clone(), Dtype::F32, shape(tensor)));
    let tensors = header::placed(tensors.collect())?;
    let order: Vec<String> = tensors.iter().map(|(name, _)| name.clone()).collect();
    let mut file = header::encoded(tensors, &BTreeMap::from([(KEY.to_owned(), saved)]))?;
    file.try_reserve_exact(size_of_val(weights)).map_err(|_| {
        let message = format!("there is no memory for a file of {} MB", size_of_val(weights) / 1_000_000);
        Error::new(ErrorCode::OutOfMemory, "", message)
    })?;
    for name in order {
        let tensor = layout.tensors().iter().find(|tensor| tensor.name == name);
        append(&mut file, tensor.map_or(&[], |tensor| &weights[tensor.range()]));
    }
    Ok(file)
}

/// Writes numbers, little-endian. A block at a time: one number after the other takes many times as long.
fn append(file: &mut Vec<u8>, values: &[f32]) {
    let mut block = [0; 4096];
    for values in values.chunks(block.len() / 4) {
        for (bytes, value) in block.chunks_exact_mut(4).zip(values) {
            bytes.copy_from_slice(&value.to_le_bytes());
        }
        file.extend_from_slice(&block[..size_of_val(values)]);
    }
}

/// Refuses preprocessing that is too long to be saved.
pub fn check_preprocessing(text: &str, code: ErrorCode) -> Result<()> {
    if text.len() <= MOST_PREPROCESSING {
        return Ok(());
    }
    let message = format!(
        "the preprocessing takes {} bytes, of which {MOST_PREPROCESSING} can be saved: encode columns with fewer categories",
        text.len()
    );
    Err(Error::new(code, "preprocessing", message))
}

/// Reads a file that [`save`] wrote, all of whose bytes are here. [`Loading`] takes them piece by piece.
///
/// Everything that is wrong with a file is an `invalid_file`, with the tensor's name or the place in the definition as
/// its path. `bytes` need not be aligned.
pub fn load(bytes: &[u8]) -> Result<Loaded> {
    let mut loading = Loading::new(bytes, bytes.len() as f64)?;
    loading.take(&bytes[loading.begin()..])?;
    loading.finish()
}

/// Number `index` of a tensor is no number.
pub(super) fn not_finite(tensor: &Tensor, index: usize, value: f32, code: ErrorCode) -> Error {
    Error::new(code, &tensor.name, format!("number {index} of this tensor is {value}: weights must be finite"))
}

#[cfg(test)]
mod tests;
