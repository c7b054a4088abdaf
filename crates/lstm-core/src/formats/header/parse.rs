//! A header's JSON. The crate's own structs would take it too, but keep the last of two tensors of one name and say nothing.

use std::collections::BTreeMap;

use safetensors::tensor::TensorInfo;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};

use super::invalid;
use crate::Result;

/// The one key that names no tensor.
pub(super) const METADATA: &str = "__metadata__";

/// What a header says, in the order of the tensors' places.
#[derive(Default)]
pub(super) struct Entries {
    pub(super) tensors: Vec<(String, TensorInfo)>,
    pub(super) metadata: BTreeMap<String, String>,
}

/// Reads the JSON; refuses names that stand twice.
pub(super) fn entries(header: &[u8]) -> Result<Entries> {
    let damaged = |path: &str, why: &dyn std::fmt::Display| {
        invalid(path, format!("the file's header is damaged, or this is no safetensors file: {why}"))
    };
    let text = std::str::from_utf8(header).map_err(|error| damaged("", &error))?;
    let mut reading = Reading::default();
    let mut json = serde_json::Deserializer::from_str(text);
    let read = Fields(&mut reading).deserialize(&mut json).and_then(|()| json.end());
    read.map_err(|error| damaged(if error.is_data() { &reading.at } else { "" }, &error))?;
    let mut entries = reading.entries;
    if let Some(name) = repeated(&entries.tensors) {
        return Err(invalid(name, "the file's header has this tensor twice: it is damaged"));
    }
    // Stable, so that tensors without numbers keep the header's order.
    entries.tensors.sort_by_key(|(_, info)| info.data_offsets);
    Ok(entries)
}

fn repeated(tensors: &[(String, TensorInfo)]) -> Option<&str> {
    let mut names: Vec<&str> = tensors.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// What has been read so far.
#[derive(Default)]
struct Reading {
    entries: Entries,
    has_metadata: bool,
    /// The key whose value is being read.
    at: String,
}

/// The header's fields, read into the place that is lent.
struct Fields<'a>(&'a mut Reading);

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, source: D) -> std::result::Result<(), D::Error> {
        source.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
        out.write_str("an object of tensors")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> std::result::Result<(), M::Error> {
        let Reading { entries, has_metadata, at } = self.0;
        while let Some(name) = map.next_key::<String>()? {
            at.clone_from(&name);
            if name != METADATA {
                entries.tensors.push((name, map.next_value()?));
            } else if std::mem::replace(has_metadata, true) {
                return Err(M::Error::custom("it stands twice"));
            } else {
                map.next_value_seed(Texts(&mut entries.metadata))?;
            }
        }
        Ok(())
    }
}

/// The metadata: text under names.
struct Texts<'a>(&'a mut BTreeMap<String, String>);

impl<'de> DeserializeSeed<'de> for Texts<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, source: D) -> std::result::Result<(), D::Error> {
        source.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Texts<'_> {
    type Value = ();

    fn expecting(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
        out.write_str("an object of texts")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> std::result::Result<(), M::Error> {
        while let Some((name, text)) = map.next_entry::<String, String>()? {
            if let Some(name) = self.0.contains_key(&name).then_some(&name) {
                return Err(M::Error::custom(format_args!("`{name}` stands twice")));
            }
            self.0.insert(name, text);
        }
        Ok(())
    }
}
