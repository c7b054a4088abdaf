#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lstm_core_fuzz::targets::optimizer(data));
