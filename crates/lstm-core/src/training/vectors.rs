//! Of tests: `PyTorch`'s vectors of optimisers and schedules. `tests/vectors/optimizers.py` and `schedules.py` say what they hold.

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

/// A file of vectors.
pub(super) struct Vectors {
    bytes: Vec<u8>,
}

impl Vectors {
    /// Reads `tests/vectors/{name}.safetensors`.
    pub(super) fn read(name: &str) -> Self {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
        Self { bytes: std::fs::read(path.join(format!("{name}.safetensors"))).unwrap() }
    }

    /// What the file says of itself.
    pub(super) fn case(&self) -> Value {
        let (_, metadata) = SafeTensors::read_metadata(&self.bytes).unwrap();
        serde_json::from_str(&metadata.metadata().as_ref().unwrap()["case"]).unwrap()
    }

    /// The numbers of a tensor, if there is one of this name.
    pub(super) fn get(&self, name: &str) -> Option<Vec<f64>> {
        let file = SafeTensors::deserialize(&self.bytes).unwrap();
        let tensor = file.tensor(name).ok()?;
        let data = tensor.data();
        Some(match tensor.dtype() {
            Dtype::F32 => data.as_chunks().0.iter().map(|&bytes| f64::from(f32::from_le_bytes(bytes))).collect(),
            Dtype::F64 => data.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect(),
            Dtype::I64 => data.as_chunks().0.iter().map(|&bytes| i64::from_le_bytes(bytes) as f64).collect(),
            other => panic!("{name} is of type {other:?}"),
        })
    }
}
