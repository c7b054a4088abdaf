//! The library behind the fuzzer's programs; `tests/fuzz_targets.rs` of the core runs the same functions without the fuzzer.

pub mod targets;
