//! What comes out of a network, as data.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::invalid;
use crate::Result;

/// Most classes: a report's confusion matrix holds their square.
pub const MAX_CLASSES: usize = 4_096;

/// What the model predicts, from the last valid step of each sequence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub struct OutputDefinition {
    /// The classes' names: 2 to 4,096, none empty, no two alike. With two classes, the second is the positive one in
    /// reports.
    #[cfg_attr(feature = "schema", schemars(length(min = 2, max = MAX_CLASSES), inner(length(min = 1)), extend("uniqueItems" = true)))]
    pub classes: Vec<String>,
}

impl OutputDefinition {
    pub(super) fn validate(&self) -> Result<()> {
        if !(2..=MAX_CLASSES).contains(&self.classes.len()) {
            let count = self.classes.len();
            let message = format!("{count} classes are out of range: name from 2 to {MAX_CLASSES}");
            return invalid("output.classes".to_owned(), message);
        }
        let mut names = HashSet::with_capacity(self.classes.len());
        for (index, name) in self.classes.iter().enumerate() {
            if name.is_empty() {
                return invalid(format!("output.classes[{index}]"), "the class has no name: give it one");
            }
            if !names.insert(name) {
                let message = format!("`{name}` names two classes: no two may be alike");
                return invalid(format!("output.classes[{index}]"), message);
            }
        }
        Ok(())
    }
}
