//! Files that models are read from and written to, as bytes: no file is opened here.

pub(crate) mod checkpoint;
pub mod header;
pub mod loading;
pub mod safetensors;
