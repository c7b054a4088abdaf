//! A header out of what shall be in the file.

use std::collections::{BTreeMap, BTreeSet};

use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use serde::Deserialize;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::parse::METADATA;
use super::{MOST, PREFIX, TYPES, TensorType};
use crate::{Error, ErrorCode, Result, json};

/// What shall be in a safetensors file.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewFile {
    tensors: Vec<NewTensor>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewTensor {
    name: String,
    #[serde(rename = "type")]
    kind: TensorType,
    shape: Vec<usize>,
}

/// What a safetensors file begins with, up to its first tensor, from JSON such as
/// `{ "tensors": [{ "name": "bias", "type": "f32", "shape": [3] }], "metadata": { "format": "pt" } }`.
///
/// The widest types come first and then names count, as the `safetensors` crate has it, so that every number lies at a multiple
/// of its size; metadata is in the order of its keys. So whatever order they are given in, the same tensors give the same bytes.
/// [`read`](super::read) of what comes out, with the length that the file will have, tells which tensor's bytes go where.
///
/// Refuses with `invalid_option` a name that stands twice, and what is too large.
pub fn write(json: &str) -> Result<Vec<u8>> {
    let NewFile { tensors, metadata } = json::parse(json, ErrorCode::InvalidOption)?;
    let tensors = tensors.into_iter().map(|NewTensor { name, kind, shape }| (name, dtype_of(kind), shape));
    encoded(placed(tensors.collect())?, &metadata)
}

/// Tensors in the order of the file, with their places in it.
pub(in crate::formats) fn placed(mut tensors: Vec<(String, Dtype, Vec<usize>)>) -> Result<Vec<(String, TensorInfo)>> {
    let refuse = |path: String, message: &str| Err(Error::new(ErrorCode::InvalidOption, path, message));
    tensors.sort_by(|(first, one, _), (second, other, _)| other.cmp(one).then_with(|| first.cmp(second)));
    let mut entries = Vec::with_capacity(tensors.len());
    let mut names = BTreeSet::new();
    let mut begin = 0_usize;
    for (name, dtype, shape) in tensors {
        if name == METADATA || !names.insert(name.clone()) {
            return refuse(
                name,
                "a file has each name once, and none that is `__metadata__`: give this tensor another",
            );
        }
        let numbers = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
        let bytes = numbers.and_then(|numbers| numbers.checked_mul(dtype.bitsize() / 8));
        let Some(end) = bytes.and_then(|bytes| begin.checked_add(bytes)) else {
            return refuse(name, "with this tensor the file would be larger than can be addressed: leave it out");
        };
        entries.push((name, TensorInfo { dtype, shape, data_offsets: (begin, end) }));
        begin = end;
    }
    Ok(entries)
}

/// The 8 bytes and the header of tensors that have their places.
pub(in crate::formats) fn encoded(
    tensors: Vec<(String, TensorInfo)>,
    metadata: &BTreeMap<String, String>,
) -> Result<Vec<u8>> {
    let defect = |error: &dyn std::fmt::Display| Error::new(ErrorCode::InternalError, "", error.to_string());
    let mut bytes = vec![0; PREFIX];
    serde_json::to_writer(&mut bytes, &Header { tensors: &tensors, metadata }).map_err(|error| defect(&error))?;
    // What every reader will ask of it.
    Metadata::new(None, tensors).map_err(|error| defect(&error))?;
    bytes.resize(bytes.len().next_multiple_of(PREFIX), b' ');
    let length = (bytes.len() - PREFIX) as u64;
    if length > MOST {
        let message = "the header would be longer than the 100 MB that readers take: say less in it";
        return Err(Error::new(ErrorCode::InvalidOption, "metadata", message));
    }
    bytes[..PREFIX].copy_from_slice(&length.to_le_bytes());
    Ok(bytes)
}

fn dtype_of(kind: TensorType) -> Dtype {
    let known = TYPES.iter().find(|(each, _)| *each == kind);
    known.map(|&(_, dtype)| dtype).expect("every type is in the table")
}

/// As the crate writes it, but that keys of metadata have an order.
struct Header<'a> {
    tensors: &'a [(String, TensorInfo)],
    metadata: &'a BTreeMap<String, String>,
}

impl Serialize for Header<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = out.serialize_map(None)?;
        if !self.metadata.is_empty() {
            map.serialize_entry(METADATA, self.metadata)?;
        }
        for (name, info) in self.tensors {
            map.serialize_entry(name, info)?;
        }
        map.end()
    }
}
