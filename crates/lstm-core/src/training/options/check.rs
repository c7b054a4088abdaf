//! Bounds of numbers that an option may be, and the errors outside of them.

use crate::{Error, ErrorCode, Result};

pub(super) fn require(holds: bool, path: &str, message: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::new(ErrorCode::InvalidOption, path, message())) }
}

/// Above 0. Subnormal numbers are no choice: to the kernels they are 0.
pub(super) fn positive(value: f32, path: &str) -> Result<()> {
    require(value > 0.0 && value.is_normal(), path, || {
        format!("{value:?} as a 32-bit float is out of range: give a finite number above 0, at least 1.2e-38")
    })
}

/// 0, or as [`positive`].
pub(super) fn not_negative(value: f32, path: &str) -> Result<()> {
    require(value == 0.0 || value > 0.0 && value.is_normal(), path, || {
        format!("{value:?} as a 32-bit float is out of range: give 0, or a finite number above it, at least 1.2e-38")
    })
}

/// From 0 to below 1, as the kernels have it too.
pub(super) fn decay(value: f64, path: &str) -> Result<()> {
    require(value >= 0.0 && (value as f32) < 1.0, path, || {
        format!("{value} as a 32-bit float is out of range: give a number from 0 to below 1")
    })
}

/// The first of the fields that is given and belongs to another kind than `kind` is refused.
pub(super) fn belong<Kind: Copy + PartialEq>(
    fields: &[(&str, bool, &[Kind])],
    kind: Kind,
    name: impl Fn(Kind) -> &'static str,
    path: &str,
) -> Result<()> {
    match fields.iter().find(|(_, given, kinds)| *given && !kinds.contains(&kind)) {
        None => Ok(()),
        Some((field, _, kinds)) => {
            let kinds: Vec<_> = kinds.iter().map(|&kind| format!("`{}`", name(kind))).collect();
            let message = format!("this belongs to {}, and this is `{}`", kinds.join(", "), name(kind));
            Err(Error::new(ErrorCode::InvalidOption, format!("{path}.{field}"), message))
        }
    }
}
