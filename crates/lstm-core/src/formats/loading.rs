//! A model's file on its way in, piece by piece: what it says of itself is checked before there is room for a number, and then
//! every number goes straight to its place. Knows no file system; bytes may come from anywhere, and none is believed.

use std::ops::Range;

use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use serde::Deserialize;

use super::header::{Checked, check, invalid, length_of};
use super::safetensors::{KEY, Loaded, Saved, VERSION, check_preprocessing, not_finite};
use crate::finite::first_not_finite;
use crate::network::definition::ModelDefinition;
use crate::network::parameters::{Layout, Tensor};
use crate::{Error, ErrorCode, Result, json};

/// Numbers that are looked through before they are put down: 16 KiB stay in the nearest cache.
const BLOCK: usize = 4096;

/// A model file that is being read.
///
/// ```
/// use lstm_core::formats::loading::Loading;
/// use lstm_core::network::{definition::ModelDefinition, machine::MachineOptions};
/// use lstm_core::Model;
///
/// let definition = ModelDefinition::from_json(
///     r#"{ "input": { "features": 1 }, "layers": [{ "cell": "gru", "units": 8 }], "output": { "values": 1 } }"#,
/// )?;
/// let file = Model::new(definition, MachineOptions::default())?.save()?;
///
/// let mut loading = Loading::new(&file[..2048.min(file.len())], file.len() as f64)?;
/// for chunk in file[loading.begin()..].chunks(100) {
///     loading.take(chunk)?;
/// }
/// let model = Model::of(loading.finish()?, MachineOptions::default())?;
/// assert_eq!(model.save()?, file);
/// # Ok::<(), lstm_core::Error>(())
/// ```
pub struct Loading {
    definition: ModelDefinition,
    preprocessing: Option<String>,
    layout: Layout,
    /// Bytes of the file before its first number.
    begin: usize,
    /// The flat vector: 0 where no number has come yet.
    weights: Vec<f32>,
    /// The tensors that have numbers, as indices of the layout, in the order in which they come; those still to come.
    coming: std::vec::IntoIter<usize>,
    /// Where the next numbers go; empty when all have come.
    place: Range<usize>,
    /// The first bytes of a number whose others come with the next piece.
    begun: [u8; 4],
    /// How many they are: 0 to 3.
    bytes_begun: usize,
}

impl Loading {
    /// Begins with a file of `file_length` bytes, of which `beginning` are the first: at least the 8 bytes that tell the header's
    /// length, and the header.
    ///
    /// Checks all that can be known without a number: header, definition, each tensor's name, type, shape and place. Only then
    /// is there room for the weights, which are as large as the file has bytes for them.
    pub fn new(beginning: &[u8], file_length: f64) -> Result<Self> {
        let Checked { tensors, metadata, length: begin } = check(beginning, length_of(file_length)?)?;
        let Saved { definition, preprocessing, .. } = saved_in(metadata.get(KEY))?;
        let layout = Layout::of(&definition);
        let order = order_of(&tensors, &layout)?;
        let mut weights = Vec::new();
        weights.try_reserve_exact(layout.total_length()).map_err(|_| {
            let message = format!("there is no memory for the {} numbers of this model", layout.total_length());
            Error::new(ErrorCode::OutOfMemory, "", message)
        })?;
        weights.resize(layout.total_length(), 0.0);
        let mut loading = Self {
            definition,
            preprocessing,
            layout,
            begin,
            weights,
            coming: order.into_iter(),
            place: 0..0,
            begun: [0; 4],
            bytes_begun: 0,
        };
        loading.go_on();
        Ok(loading)
    }

    /// Where the bytes begin that [`take`](Self::take) wants: the length of the header and of what tells it.
    #[must_use]
    pub fn begin(&self) -> usize {
        self.begin
    }

    /// Takes the bytes that follow, as many as there are. Refuses numbers that are not finite, with the tensor's name.
    pub fn take(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            if self.place.is_empty() {
                return Err(invalid(
                    "",
                    "more comes than the file's header has told: it is damaged, or has been changed",
                ));
            }
            if self.bytes_begun > 0 || bytes.len() < 4 {
                let count = bytes.len().min(4 - self.bytes_begun);
                self.begun[self.bytes_begun..][..count].copy_from_slice(&bytes[..count]);
                self.bytes_begun += count;
                bytes = &bytes[count..];
                if self.bytes_begun == 4 {
                    self.bytes_begun = 0;
                    self.put(&[self.begun])?;
                }
            } else {
                let (numbers, _) = bytes.as_chunks();
                let numbers = &numbers[..numbers.len().min(self.place.len())];
                self.put(numbers)?;
                bytes = &bytes[size_of_val(numbers)..];
            }
        }
        Ok(())
    }

    /// What the file holds, if all of it has come.
    pub fn finish(self) -> Result<Loaded> {
        if let Some(tensor) = self.tensor_at(self.place.start).filter(|_| !self.place.is_empty()) {
            return Err(invalid(
                &tensor.name,
                "the file has ended before this tensor did: it is truncated, or has been changed",
            ));
        }
        let Self { definition, weights, preprocessing, .. } = self;
        Ok(Loaded { definition, weights, preprocessing })
    }

    /// Writes numbers, no more than the tensor still lacks, to their place.
    fn put(&mut self, numbers: &[[u8; 4]]) -> Result<()> {
        for numbers in numbers.chunks(BLOCK) {
            let mut block = [0.0; BLOCK];
            let block = &mut block[..numbers.len()];
            for (value, bytes) in block.iter_mut().zip(numbers) {
                *value = f32::from_le_bytes(*bytes);
            }
            if let (Some(index), Some(tensor)) = (first_not_finite(block), self.tensor_at(self.place.start)) {
                return Err(not_finite(
                    tensor,
                    self.place.start - tensor.offset + index,
                    block[index],
                    ErrorCode::InvalidFile,
                ));
            }
            self.weights[self.place.start..][..numbers.len()].copy_from_slice(block);
            self.place.start += numbers.len();
        }
        if self.place.is_empty() {
            self.go_on();
        }
        Ok(())
    }

    /// Turns to the next tensor.
    fn go_on(&mut self) {
        self.place = self.coming.next().map_or(0..0, |index| self.layout.tensors()[index].range());
    }

    /// The tensor that has this place in the flat vector.
    fn tensor_at(&self, place: usize) -> Option<&Tensor> {
        self.layout.tensors().iter().find(|tensor| tensor.range().contains(&place))
    }
}

/// The part of [`Saved`] that every version has.
#[derive(Deserialize)]
struct SavedVersion {
    version: u32,
}

/// What stands beside the tensors. The definition is validated; an error's path begins with `definition`.
fn saved_in(text: Option<&String>) -> Result<Saved<ModelDefinition, String>> {
    let Some(text) = text else {
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

/// The layout's tensors that have numbers, as the file has them one after the other. The file holds all of the layout's, no
/// other, and each as the layout has it.
fn order_of(file: &Metadata, layout: &Layout) -> Result<Vec<usize>> {
    for tensor in layout.tensors() {
        let Some(info) = file.info(&tensor.name) else {
            return Err(invalid(&tensor.name, "the definition needs this tensor, the file has none of its name"));
        };
        check_form(tensor, info)?;
    }
    let mut order = Vec::with_capacity(layout.tensors().len());
    for name in file.offset_keys() {
        let Some(index) = layout.tensors().iter().position(|tensor| tensor.name == name) else {
            return Err(invalid(name, "the file holds this tensor, the definition knows none of its name"));
        };
        order.push(index);
    }
    order.retain(|&index| layout.tensors()[index].length > 0);
    Ok(order)
}

fn check_form(tensor: &Tensor, TensorInfo { dtype, shape, .. }: &TensorInfo) -> Result<()> {
    if *dtype != Dtype::F32 {
        return Err(invalid(&tensor.name, format!("its numbers are {dtype}, they must be F32")));
    }
    if shape.len() != tensor.shape.len() || shape.iter().zip(&tensor.shape).any(|(&a, &b)| a != b as usize) {
        let message = format!("its shape is {shape:?}, the definition makes it {:?}", tensor.shape);
        return Err(invalid(&tensor.name, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
