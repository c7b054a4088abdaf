//! What a caller may ask of the machine. No part of a model: nothing here is saved.

use serde::{Deserialize, Serialize};

use super::description::MachineDescription;
use crate::executor::available_threads;
use crate::kernels::InstructionSet;
use crate::{Error, ErrorCode, Result, json};

/// Most threads that may be asked for.
pub const MAX_THREADS: u32 = 256;

/// How a model may use the machine it runs on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS), ts(optional_fields))]
pub struct MachineOptions {
    /// Threads to work with: 1 to 256. As many as the machine makes worthwhile unless given. Results do not depend on
    /// it.
    #[serde(deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub threads: Option<u32>,
    /// The instruction set to run on, for Rust callers and tests. The fastest, or the one that
    /// [`FORCE_VARIABLE`](crate::kernels::FORCE_VARIABLE) names, unless given.
    #[serde(skip)]
    #[cfg_attr(feature = "schema", ts(skip))]
    pub instruction_set: Option<InstructionSet>,
}

impl MachineOptions {
    /// The instruction set that these options come to.
    pub fn choose_instruction_set(&self) -> Result<InstructionSet> {
        self.instruction_set.map_or_else(InstructionSet::choose, Ok)
    }

    /// Reads and validates the options; `{}` chooses everything itself.
    pub fn from_json(text: &str) -> Result<Self> {
        let options: Self = json::parse(text, ErrorCode::InvalidOption)?;
        options.validate()?;
        Ok(options)
    }

    /// Checks what the types cannot say.
    pub fn validate(&self) -> Result<()> {
        match self.threads {
            Some(threads) if !(1..=MAX_THREADS).contains(&threads) => Err(Error::new(
                ErrorCode::InvalidOption,
                "threads",
                format!("{threads} is out of range: give a whole number from 1 to {MAX_THREADS}, or leave it out"),
            )),
            _ => Ok(()),
        }
    }
}

/// What this build finds on the machine. Fails where an instruction set is forced that is not there.
pub fn describe_machine() -> Result<MachineDescription> {
    Ok(MachineDescription {
        isa: InstructionSet::choose()?.name().to_owned(),
        instruction_sets: InstructionSet::available().iter().map(|set| set.name().to_owned()).collect(),
        threads: available_threads() as u32,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_a_choice_within_bounds() {
        assert_eq!(MachineOptions::from_json("{}").unwrap(), MachineOptions::default());
        for threads in [1, 256] {
            let text = format!(r#"{{"threads":{threads}}}"#);
            let options = MachineOptions::from_json(&text).unwrap();
            assert_eq!(options.threads, Some(threads));
            assert_eq!(serde_json::to_string(&options).unwrap(), text);
        }
        for text in [r#"{"threads":0}"#, r#"{"threads":257}"#, r#"{"threads":null}"#, r#"{"threads":1.5}"#] {
            let error = MachineOptions::from_json(text).unwrap_err();
            assert_eq!((error.code, error.path.as_str()), (ErrorCode::InvalidOption, "threads"), "{text}");
        }
        assert_eq!(MachineOptions::from_json(r#"{"thread":2}"#).unwrap_err().path, "thread");
    }
}
