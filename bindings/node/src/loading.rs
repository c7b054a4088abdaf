//! A model's file on its way in: see `lstm_core::formats::loading`.

use lstm_core::Error;
use lstm_core::formats::loading::Loading as File;
use lstm_core::network::machine::MachineOptions;
use napi::Result;
use napi_derive::napi;

use crate::{Model, crossing};

/// A file that is being read, until it is finished or disposed of.
#[napi]
pub struct Loading(Option<File>);

#[napi]
impl Loading {
    #[napi(constructor, catch_unwind)]
    pub fn new(beginning: &[u8], file_length: f64) -> Result<Self> {
        File::new(beginning, file_length).map(|file| Self(Some(file))).map_err(crossing)
    }

    #[napi(catch_unwind)]
    pub fn begin(&self) -> Result<u32> {
        self.0.as_ref().map(|file| file.begin() as u32).ok_or_else(gone)
    }

    #[napi(catch_unwind)]
    pub fn take(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.as_mut().ok_or_else(gone)?.take(bytes).map_err(crossing)
    }

    #[napi(catch_unwind)]
    pub fn finish(&mut self, machine: String) -> Result<Model> {
        let machine = MachineOptions::from_json(&machine).map_err(crossing)?;
        let file = self.0.take().ok_or_else(gone)?.finish().map_err(crossing)?;
        lstm_core::Model::of(file, machine).map(|model| Model(Some(model))).map_err(crossing)
    }

    #[napi(catch_unwind)]
    pub fn dispose(&mut self) {
        self.0 = None;
    }
}

fn gone() -> napi::Error {
    crossing(Error::disposed("file"))
}
