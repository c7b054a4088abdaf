//! A model as one safetensors file: its tensors under their names, its definition, and how raw rows become
//! its input, in the metadata. Any safetensors reader opens it. Nothing of a file is believed before it is checked; bytes may come from anywhere.

use std::{borrow::Cow, collections::HashMap};

use safetensors::{Dtype, SafeTensorError, SafeTensors, View, tensor::Metadata};
use serde::{Deserialize, Serialize};

use crate::{
    Error, ErrorCode, Result,
    finite::first_not_finite,
    json,
    network::{
        definition::ModelDefinition,
        parameters::{Layout, Tensor},
    },
};

/// The metadata's one key, so that the same model gives the same bytes: readers and writers keep no order of keys.
pub(super) const KEY: &str = "gatewise";
/// The version of what is under [`KEY`].
const VERSION: u32 = 1;
/// Bytes of preprocessing, at most. Escaped twice on its way into the header, a byte takes at most 7, and readers take headers
/// of up to 100 MB.
const MOST_PREPROCESSING: usize = 8 << 20;

/// What is under [`KEY`], as JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved<Definition, Text> {
    version: u32,
    definition: Definition,
    #[serde(skip_serializing_if = "Option::is_none")]
    preprocessing: Option<Text>,
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

/// The part of [`Saved`] that every version has.
#[derive(Deserialize)]
struct SavedVersion {
    version: u32,
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
    let mut views = Vec::with_capacity(layout.tensors().len());
    for tensor in layout.tensors() {
        let values = &weights[tensor.range()];
        check_finite(tensor, values, ErrorCode::NotFinite)?;
        let shape = tensor.shape.iter().map(|&size| size as usize).collect();
        views.push((tensor.name.as_str(), TensorView { shape, values }));
    }
    let unexpected = |error: &dyn std::fmt::Display| Error::new(ErrorCode::InternalError, "", error.to_string());
    let saved = Saved { version: VERSION, definition, preprocessing };
    let saved = serde_json::to_string(&saved).map_err(|error| unexpected(&error))?;
    let metadata = HashMap::from([(KEY.to_owned(), saved)]);
    safetensors::serialize(views, Some(metadata)).map_err(|error| unexpected(&error))
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

/// Reads a file that [`save`] wrote.
///
/// Everything that is wrong with a file is an `invalid_file`, with the tensor's name or the place in the definition as
/// its path. `bytes` need not be aligned.
pub fn load(bytes: &[u8]) -> Result<Loaded> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| unreadable(bytes, &error))?;
    let file = SafeTensors::deserialize(bytes).map_err(|error| unreadable(bytes, &error))?;
    let Saved { definition, preprocessing, .. } = saved_in(&metadata)?;
    let layout = Layout::of(&definition);
    check_names(&metadata, &layout)?;
    // Every tensor is checked against the file before room is made for any: a small file cannot ask for much.
    let mut views = Vec::with_capacity(layout.tensors().len());
    for tensor in layout.tensors() {
        let view = file.tensor(&tensor.name).map_err(|error| invalid(&tensor.name, error.to_string()))?;
        check_form(tensor, view.dtype(), view.shape())?;
        views.push((tensor, view));
    }
    let mut weights = Vec::with_capacity(layout.total_length());
    for (tensor, view) in views {
        let (numbers, _) = view.data().as_chunks::<4>();
        weights.extend(numbers.iter().map(|number| f32::from_le_bytes(*number)));
        check_finite(tensor, &weights[tensor.range()], ErrorCode::InvalidFile)?;
    }
    Ok(Loaded { definition, weights, preprocessing })
}

pub(super) fn invalid(path: impl Into<String>, message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidFile, path, message)
}

/// What stands beside the tensors. The definition is validated; an error's path begins with `definition`.
fn saved_in(metadata: &Metadata) -> Result<Saved<ModelDefinition, String>> {
    let Some(text) = metadata.metadata().as_ref().and_then(|entries| entries.get(KEY)) else {
        return Err(invalid(
            "",
            "this safetensors file holds tensors but no Gatewise definition: give a file that `save` has written",
        ));
    };
    // The version first: a later version's definition may have fields that this one does not know.
    let SavedVersion { version } = json::parse(text, ErrorCode::InvalidFile)?;
    if version != VERSION {
        let message = format!(
            "this file is of version {version}, this Gatewise reads version {VERSION}: use the Gatewise that wrote it"
        );
        return Err(invalid("version", message));
    }
    let saved = json::parse::<Saved<ModelDefinition, String>>(text, ErrorCode::InvalidFile)?;
    saved.definition.validate().map_err(|error| invalid(format!("definition.{}", error.path), error.message))?;
    saved.preprocessing.as_ref().map_or(Ok(()), |text| check_preprocessing(text, ErrorCode::InvalidFile))?;
    Ok(saved)
}

/// The file holds the layout's tensors, no fewer and no more.
fn check_names(metadata: &Metadata, layout: &Layout) -> Result<()> {
    if let Some(missing) = layout.tensors().iter().find(|tensor| metadata.info(&tensor.name).is_none()) {
        return Err(invalid(&missing.name, "the definition needs this tensor, the file has none of its name"));
    }
    let extra = |name: &String| layout.tensors().iter().all(|tensor| tensor.name != *name);
    match metadata.offset_keys().into_iter().find(extra) {
        Some(name) => Err(invalid(name, "the file holds this tensor, the definition knows none of its name")),
        None => Ok(()),
    }
}

fn check_form(tensor: &Tensor, dtype: Dtype, shape: &[usize]) -> Result<()> {
    if dtype != Dtype::F32 {
        return Err(invalid(&tensor.name, format!("its numbers are {dtype}, they must be F32")));
    }
    if shape.len() != tensor.shape.len() || shape.iter().zip(&tensor.shape).any(|(&a, &b)| a != b as usize) {
        let message = format!("its shape is {shape:?}, the definition makes it {:?}", tensor.shape);
        return Err(invalid(&tensor.name, message));
    }
    Ok(())
}

fn check_finite(tensor: &Tensor, values: &[f32], code: ErrorCode) -> Result<()> {
    match first_not_finite(values) {
        Some(index) => {
            let message = format!("number {index} of this tensor is {}: weights must be finite", values[index]);
            Err(Error::new(code, &tensor.name, message))
        }
        None => Ok(()),
    }
}

/// What to tell about bytes that are no safetensors file, or no longer one.
pub(super) fn unreadable(bytes: &[u8], error: &SafeTensorError) -> Error {
    const FOREIGN: [(&[u8], &str); 2] = [
        (b"PK\x03\x04", "a zip archive (as .pt, .npz and .keras files are)"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file (as .h5 files are)"),
    ];
    if bytes.is_empty() {
        return invalid("", "the file is empty: give a file that `save` has written");
    }
    if let Some((_, what)) = FOREIGN.iter().find(|(beginning, _)| bytes.starts_with(beginning)) {
        return invalid("", format!("this is {what}, not a safetensors file: give a file that `save` has written"));
    }
    let message = match error {
        SafeTensorError::HeaderTooSmall | SafeTensorError::InvalidHeaderLength => {
            "the file ends before its header does: it is truncated, or no safetensors file".to_owned()
        }
        SafeTensorError::MetadataIncompleteBuffer => {
            "the file is shorter or longer than its header says: it is truncated or damaged".to_owned()
        }
        SafeTensorError::HeaderTooLarge => "this is not a safetensors file: it does not begin with a header".to_owned(),
        other => format!("the file's header is damaged, or this is no safetensors file: {other}"),
    };
    invalid("", message)
}

/// A tensor on its way into a file: turned into bytes, little-endian, only when its turn comes.
struct TensorView<'a> {
    shape: Vec<usize>,
    values: &'a [f32],
}

impl View for TensorView<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn data_len(&self) -> usize {
        size_of_val(self.values)
    }
}

#[cfg(test)]
mod tests;
