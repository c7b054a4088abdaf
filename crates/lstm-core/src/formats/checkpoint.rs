//! A training run as one safetensors file: its numbers as tensors, everything else as JSON in the metadata, and a checksum of
//! all of it. Knows nothing of what they mean. Nothing of a file is believed before it is checked.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use safetensors::{Dtype, View};
use serde::{Deserialize, Serialize};

use super::header::{self, Checked, invalid};
use super::safetensors::KEY as MODEL_KEY;
use crate::training::fingerprint::Fingerprint;
use crate::{Error, ErrorCode, Result, json};

/// The metadata's one key, so that the same run gives the same bytes.
const KEY: &str = "gatewise.checkpoint";
/// The version of what is under [`KEY`], and of the JSON in it.
const VERSION: u32 = 2;

/// What is under [`KEY`], as JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    version: u32,
    /// Of the run's JSON, and each tensor's name and bytes in alphabetical order: 16 hexadecimal digits.
    checksum: String,
    /// JSON.
    run: String,
}

/// The part of [`Saved`] that every version has.
#[derive(Deserialize)]
struct SavedVersion {
    version: u32,
}

/// A vector on its way into a file.
#[derive(Clone, Copy)]
pub(crate) struct Numbers<'a> {
    values: Values<'a>,
    shape: [usize; 1],
}

#[derive(Clone, Copy)]
enum Values<'a> {
    F32(&'a [f32]),
    U32(&'a [u32]),
}

impl<'a> From<&'a [f32]> for Numbers<'a> {
    fn from(values: &'a [f32]) -> Self {
        Self { values: Values::F32(values), shape: [values.len()] }
    }
}

impl<'a> From<&'a [u32]> for Numbers<'a> {
    fn from(values: &'a [u32]) -> Self {
        Self { values: Values::U32(values), shape: [values.len()] }
    }
}

/// What a file holds.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// JSON.
    pub(crate) run: String,
    floats: BTreeMap<String, Vec<f32>>,
    integers: BTreeMap<String, Vec<u32>>,
}

/// The file of a run; the same run gives the same bytes. What is empty is left out.
pub(crate) fn save(run: String, tensors: &BTreeMap<String, Numbers>) -> Result<Vec<u8>> {
    let tensors = || tensors.iter().filter(|(_, numbers)| numbers.data_len() > 0);
    let checksum = checksum(&run, tensors().map(|(name, numbers)| (&name[..], numbers.data())));
    let saved = json::to_json(&Saved { version: VERSION, checksum, run });
    let metadata = HashMap::from([(KEY.to_owned(), saved)]);
    safetensors::serialize(tensors().map(|(name, numbers)| (name, *numbers)), Some(metadata))
        .map_err(|error| Error::new(ErrorCode::InternalError, "", error.to_string()))
}

/// Reads a file that [`save`] wrote. Everything that is wrong with it is an `invalid_file`.
pub(crate) fn load(bytes: &[u8]) -> Result<Contents> {
    let Checked { tensors, metadata, length } = header::check(bytes, bytes.len() as u64)?;
    let Some(text) = metadata.get(KEY) else {
        let message = if metadata.contains_key(MODEL_KEY) {
            "this is a model, from which no training can go on: give a checkpoint, or load the model and begin anew"
        } else {
            "this safetensors file is no checkpoint: give one that `fit` has written"
        };
        return Err(invalid("checkpoint", message));
    };
    let SavedVersion { version } = json::parse(text, ErrorCode::InvalidFile)?;
    if version != VERSION {
        let message = format!(
            "this checkpoint is of version {version}, this Gatewise reads version {VERSION}: use the Gatewise that wrote it"
        );
        return Err(invalid("checkpoint.version", message));
    }
    let saved: Saved = json::parse(text, ErrorCode::InvalidFile)?;
    let mut names = tensors.offset_keys();
    names.sort_unstable();
    let tensors = names.into_iter().filter_map(|name| {
        let info = tensors.info(&name)?;
        let (begin, end) = info.data_offsets;
        Some((name, info.dtype, &bytes[length + begin..length + end]))
    });
    let tensors: Vec<_> = tensors.collect();
    let bytes_of = tensors.iter().map(|(name, _, bytes)| (&name[..], Cow::Borrowed(*bytes)));
    if checksum(&saved.run, bytes_of) != saved.checksum {
        return Err(invalid("checkpoint", "the checkpoint is damaged: its checksum is another"));
    }
    let mut contents = Contents { run: saved.run, ..Contents::default() };
    for (name, dtype, bytes) in tensors {
        let (words, _) = bytes.as_chunks::<4>();
        match dtype {
            Dtype::F32 => {
                contents.floats.insert(name, words.iter().map(|&word| f32::from_le_bytes(word)).collect());
            }
            Dtype::U32 => {
                contents.integers.insert(name, words.iter().map(|&word| u32::from_le_bytes(word)).collect());
            }
            other => return Err(invalid(name, format!("its numbers are {other}, they must be F32 or U32"))),
        }
    }
    Ok(contents)
}

fn checksum<'a>(run: &str, tensors: impl Iterator<Item = (&'a str, Cow<'a, [u8]>)>) -> String {
    let mut fingerprint = Fingerprint::default();
    fingerprint.bytes(run.as_bytes());
    for (name, bytes) in tensors {
        fingerprint.bytes(name.as_bytes());
        fingerprint.bytes(&bytes);
    }
    format!("{:016x}", fingerprint.finish())
}

impl Contents {
    /// Takes out a tensor of floats; an empty one if there is none.
    pub(crate) fn floats(&mut self, name: &str) -> Vec<f32> {
        self.floats.remove(name).unwrap_or_default()
    }

    /// The same of whole numbers.
    pub(crate) fn integers(&mut self, name: &str) -> Vec<u32> {
        self.integers.remove(name).unwrap_or_default()
    }
}

/// Turned into bytes, little-endian, only when its turn comes.
impl View for Numbers<'_> {
    fn dtype(&self) -> Dtype {
        match self.values {
            Values::F32(_) => Dtype::F32,
            Values::U32(_) => Dtype::U32,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match self.values {
            Values::F32(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Values::U32(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        }
    }

    fn data_len(&self) -> usize {
        4 * self.shape[0]
    }
}
