//! The one error of the core: a stable code, the path of the offending field, and what to do.

use serde::Serialize;

/// What went wrong, as a name that stays the same from release to release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub enum ErrorCode {
    /// A definition or an option has a missing, unknown or impossible value.
    InvalidDefinition,
    /// An option of a call has an impossible value.
    InvalidOption,
    /// An array's rank, length or number of features is not what the model expects.
    ShapeMismatch,
    /// A number is NaN or infinite.
    NotFinite,
    /// There is no sample to work on.
    EmptyData,
    /// A token is not one of those that the model knows.
    UnknownToken,
    /// A target is not one of the classes.
    UnknownClass,
    /// A target, or its weight, is none that the output can have.
    InvalidTarget,
    /// A table lacks a column, or a cell of it is missing or is none that can stand there.
    InvalidData,
    /// A sequence's length is zero or beyond the steps of its array.
    InvalidLength,
    /// Two arrays that must be apart share memory, or one lies in shared memory.
    SharedBuffer,
    /// A file is truncated, damaged or not one of Gatewise's.
    InvalidFile,
    /// A file asks for something that a reader of data does not do, such as calling a function.
    UnsafeFile,
    /// Tensors are missing, are not expected, or have other shapes than the model's.
    StateMismatch,
    /// A file format has no way to say what the model does.
    NotExpressible,
    /// A file or folder could not be read or written.
    FileAccess,
    /// There is not enough memory for what was asked.
    OutOfMemory,
    /// The model is training: it cannot be changed before `fit` ends.
    ModelBusy,
    /// The model was disposed of.
    ModelDisposed,
    /// The backend that was asked for is not there.
    BackendUnavailable,
    /// A package that the feature needs is not installed.
    MissingPackage,
    /// A defect of Gatewise itself. The model goes on with its last committed weights.
    InternalError,
}

/// An error that a caller can act on.
///
/// ```
/// use lstm_core::{Error, ErrorCode};
/// let error = Error::new(ErrorCode::InvalidLength, "lengths[3]", "length 12 is beyond the 10 steps of x");
/// assert_eq!(error.to_json(), r#"{"code":"invalid_length","path":"lengths[3]","message":"length 12 is beyond the 10 steps of x"}"#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{path}: {message}")]
pub struct Error {
    /// The stable name of what went wrong.
    pub code: ErrorCode,
    /// Where, as a reader would write it: `layers[1].units`, `lengths[3]`; empty when there is no one place.
    pub path: String,
    /// What is wrong and what to do, as a sentence.
    pub message: String,
}

impl Error {
    /// An error of the given code at `path`.
    pub fn new(code: ErrorCode, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, path: path.into(), message: message.into() }
    }

    /// The error of everything that is asked of what was disposed of.
    #[must_use]
    pub fn disposed(what: &str) -> Self {
        Self::new(ErrorCode::ModelDisposed, what, format!("the {what} was disposed of; make or load a new one"))
    }

    /// The form in which errors cross into JavaScript: `{"code", "path", "message"}`.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| self.message.clone())
    }
}

/// What every fallible function of the core returns.
pub type Result<T> = std::result::Result<T, Error>;
