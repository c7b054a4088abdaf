//! The beginning of a safetensors file: which tensors it holds, of what type and shape, where each of them lies, and the
//! metadata. Knows no model, and never sees a tensor's numbers. Nothing of a file is believed before it is checked; what is
//! read takes memory in proportion to the header alone.

mod parse;
mod write;

use std::collections::BTreeMap;

use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, SafeTensorError};
use serde::{Deserialize, Serialize};

pub use write::write;
pub(super) use write::{encoded, placed};

use crate::{Error, ErrorCode, Result};
use parse::Entries;

/// Bytes of the number that a file begins with: the header's length.
pub(super) const PREFIX: usize = 8;
/// Bytes of a header, at most. It is the `safetensors` crate's own limit, which that keeps to itself.
const MOST: u64 = 100_000_000;

/// What a safetensors file says of itself before its numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct FileHeader {
    /// Every tensor, in the order in which they lie in the file, one right after the other.
    pub tensors: Vec<FileTensor>,
    /// Text under names: whatever the writer had to say.
    pub metadata: BTreeMap<String, String>,
}

/// A tensor of a safetensors file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct FileTensor {
    /// Its name, of which there is no other in the file.
    pub name: String,
    /// How its numbers are kept, little-endian.
    #[serde(rename = "type")]
    pub kind: TensorType,
    /// Its sizes, the outermost first; none of a single number.
    #[cfg_attr(feature = "schema", ts(type = "Array<number>"))]
    pub shape: Vec<usize>,
    /// Where its first byte is in the file.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub begin: u64,
    /// Where the first byte after it is.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub end: u64,
}

/// How a file keeps each number of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub enum TensorType {
    /// IEEE 754's 64 bits.
    F64,
    /// IEEE 754's 32 bits.
    F32,
    /// IEEE 754's 16 bits.
    F16,
    /// The upper half of an f32.
    Bf16,
    /// A whole number of 64 bits with a sign.
    I64,
    /// A whole number of 32 bits with a sign.
    I32,
    /// A whole number of 16 bits with a sign.
    I16,
    /// A whole number of 8 bits with a sign.
    I8,
    /// A whole number of 64 bits without a sign.
    U64,
    /// A whole number of 32 bits without a sign.
    U32,
    /// A whole number of 16 bits without a sign.
    U16,
    /// A whole number of 8 bits without a sign.
    U8,
    /// A byte that is 0 or 1.
    Bool,
}

/// Each type beside its name in files. What the crate knows beyond these has no place in an LSTM: complex numbers, and floats
/// of 8 bits and fewer.
const TYPES: [(TensorType, Dtype); 13] = [
    (TensorType::F64, Dtype::F64),
    (TensorType::F32, Dtype::F32),
    (TensorType::F16, Dtype::F16),
    (TensorType::Bf16, Dtype::BF16),
    (TensorType::I64, Dtype::I64),
    (TensorType::I32, Dtype::I32),
    (TensorType::I16, Dtype::I16),
    (TensorType::I8, Dtype::I8),
    (TensorType::U64, Dtype::U64),
    (TensorType::U32, Dtype::U32),
    (TensorType::U16, Dtype::U16),
    (TensorType::U8, Dtype::U8),
    (TensorType::Bool, Dtype::BOOL),
];

/// A header that has passed every check, in the crate's own terms.
#[derive(Debug)]
pub(super) struct Checked {
    /// Tensors cover the data without gaps or overlaps, each as long as its type and shape make it.
    pub(super) tensors: Metadata,
    pub(super) metadata: BTreeMap<String, String>,
    /// Bytes of the file before the first tensor.
    pub(super) length: usize,
}

/// Reads the header of a file of `file_length` bytes. `beginning` is what the file begins with: the 8 bytes that tell the
/// header's length, and the header. What may follow is not looked at.
///
/// Everything that is wrong is an `invalid_file`, at the tensor's name where it is wrong of one: a header that ends beyond the
/// file, tensors that overlap, leave a gap, end before or after the file does, or are not as long as type and shape make them;
/// a name that stands twice; a type that is not one of [`TensorType`].
///
/// ```
/// use lstm_core::formats::header;
/// let bytes = header::write(r#"{ "tensors": [{ "name": "bias", "type": "f32", "shape": [3] }] }"#)?;
/// let header = header::read(&bytes, bytes.len() as f64 + 12.0)?;
/// assert_eq!((header.tensors[0].begin, header.tensors[0].end), (bytes.len() as u64, bytes.len() as u64 + 12));
/// # Ok::<(), lstm_core::Error>(())
/// ```
pub fn read(beginning: &[u8], file_length: f64) -> Result<FileHeader> {
    let Checked { tensors, metadata, length } = check(beginning, length_of(file_length)?)?;
    let place = |offset: usize| length as u64 + offset as u64;
    let tell = |name: String, info: &TensorInfo| {
        let Some(&(kind, _)) = TYPES.iter().find(|(_, dtype)| *dtype == info.dtype) else {
            let message = format!("its numbers are {}, which is not read: convert them to F32", info.dtype);
            return Err(invalid(name, message));
        };
        let (begin, end) = (place(info.data_offsets.0), place(info.data_offsets.1));
        Ok(FileTensor { name, kind, shape: info.shape.clone(), begin, end })
    };
    let names = tensors.offset_keys().into_iter();
    let tensors = names.filter_map(|name| tensors.info(&name).map(|info| tell(name, info)));
    Ok(FileHeader { tensors: tensors.collect::<Result<_>>()?, metadata })
}

/// A length that JavaScript has counted.
pub(super) fn length_of(number: f64) -> Result<u64> {
    const MOST: f64 = (1_u64 << 53) as f64;
    if number.fract() == 0.0 && (0.0..=MOST).contains(&number) {
        #[allow(clippy::cast_sign_loss, reason = "it has just been looked at")]
        return Ok(number as u64);
    }
    let message = format!("{number} is no length of a file: give its bytes, a whole number");
    Err(Error::new(ErrorCode::InvalidOption, "fileLength", message))
}

/// Checks everything but that types are known.
pub(super) fn check(beginning: &[u8], file_length: u64) -> Result<Checked> {
    let length = PREFIX + header_length(beginning, file_length)?;
    let Some(header) = beginning.get(PREFIX..length) else {
        return Err(invalid("", "the file ends before its header does: it is truncated"));
    };
    let Entries { tensors, metadata } = parse::entries(header)?;
    let tensors = Metadata::new(None, tensors).map_err(|error| misplaced(header, &error))?;
    // In 128 bits nothing overflows.
    let end = length as u128 + tensors.data_len() as u128;
    if end > u128::from(file_length) {
        let beyond = |name: &String| {
            let end = tensors.info(name).map_or(0, |info| info.data_offsets.1);
            length as u128 + end as u128 > u128::from(file_length)
        };
        let name = tensors.offset_keys().into_iter().find(beyond).unwrap_or_default();
        return Err(invalid(name, "the file ends before this tensor does: it is truncated or damaged"));
    }
    if end < u128::from(file_length) {
        let message = format!("{} bytes follow the last tensor: the file is damaged", u128::from(file_length) - end);
        return Err(invalid("", message));
    }
    Ok(Checked { tensors, metadata, length })
}

/// The header's length without the 8 bytes that tell it, if the file has room for that.
fn header_length(beginning: &[u8], file_length: u64) -> Result<usize> {
    const FOREIGN: [(&[u8], &str); 2] = [
        (b"PK\x03\x04", "a zip archive (as .pt, .npz and .keras files are)"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file (as .h5 files are)"),
    ];
    if file_length == 0 {
        return Err(invalid("", "the file is empty: give a safetensors file"));
    }
    if let Some((_, what)) = FOREIGN.iter().find(|(first, _)| beginning.starts_with(first)) {
        return Err(invalid("", format!("this is {what}, not a safetensors file")));
    }
    let length = beginning.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    match length {
        Some(length) if length > MOST => {
            Err(invalid("", "this is not a safetensors file: it does not begin with a header"))
        }
        Some(length) if length + PREFIX as u64 <= file_length => Ok(length as usize),
        _ => Err(invalid("", "the file ends before its header does: it is truncated, or no safetensors file")),
    }
}

/// What to tell of tensors that the crate refuses. Their places come first; only what is wrong of one by itself has to be
/// searched for, in the header as it was before the crate took it.
fn misplaced(header: &[u8], error: &SafeTensorError) -> Error {
    if let SafeTensorError::InvalidOffset(name) = error {
        return invalid(name, "this tensor overlaps with another, or leaves a gap before it: the file is damaged");
    }
    let wrong = |(name, mut info): (String, TensorInfo)| {
        let (begin, end) = info.data_offsets;
        info.data_offsets = (0, end.checked_sub(begin)?);
        let message =
            format!("it has {} bytes, but is said to be {:?} of {}", info.data_offsets.1, info.shape, info.dtype);
        Metadata::new(None, vec![(name.clone(), info)]).err().map(|_| invalid(name, message))
    };
    let tensors = parse::entries(header).map(|entries| entries.tensors).unwrap_or_default();
    let found = tensors.into_iter().find_map(wrong);
    found.unwrap_or_else(|| invalid("", format!("the file's header is damaged: {error}")))
}

pub(super) fn invalid(path: impl Into<String>, message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidFile, path, message)
}

#[cfg(test)]
mod tests;
