//! What a file from a stranger can make the core do: give an error with a code, in memory that the file's own size bounds.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use lstm_core::formats::header;
use lstm_core::network::definition::ModelDefinition;
use lstm_core::network::machine::MachineOptions;
use lstm_core::{ErrorCode, Model};
use serde_json::{Value, json};

/// Counts the bytes that this thread holds, and the most that it held.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.set(HELD.get() + layout.size().cast_signed());
        PEAK.set(PEAK.get().max(HELD.get()));
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.set(HELD.get() - layout.size().cast_signed());
        // SAFETY: the caller keeps `dealloc`'s contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes that `work` held beside what was there before.
fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.get();
    PEAK.set(before);
    let result = work();
    (result, (PEAK.get() - before).cast_unsigned())
}

fn machine() -> MachineOptions {
    MachineOptions { threads: Some(1), ..MachineOptions::default() }
}

fn saved(units: u32) -> Vec<u8> {
    let definition = json!({
        "input": { "features": 4 }, "layers": [{ "cell": "lstm", "units": units }], "output": { "values": 1 },
    });
    Model::new(ModelDefinition::from_json(&definition.to_string()).unwrap(), machine()).unwrap().save().unwrap()
}

fn header_of(file: &[u8]) -> (Value, &[u8]) {
    let length = u64::from_le_bytes(*file.first_chunk().unwrap()) as usize;
    (serde_json::from_slice(&file[8..8 + length]).unwrap(), &file[8 + length..])
}

fn file_of(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// Loads what is no model; gives the error's path.
#[track_caller]
fn refused(file: &[u8]) -> String {
    let (result, held) = peak(|| Model::load(file, machine()).map(|_| ()));
    let error = result.expect_err("this is no model");
    assert_eq!(error.code, ErrorCode::InvalidFile, "{error}");
    // A header as text, its tensors as the crate has them, and a definition as JSON and as structs.
    assert!(held < 16 * file.len() + 20_000, "{held} bytes for a file of {}", file.len());
    error.path
}

#[test]
fn a_model_takes_its_own_size_and_little_more() {
    let file = saved(700);
    let (model, held) = peak(|| Model::load(&file, machine()).unwrap());
    assert!(held < file.len() + 60_000, "{held} bytes for a file of {}", file.len());
    let (again, held) = peak(|| model.save().unwrap());
    assert!(held < file.len() + 60_000, "{held} bytes for a file of {}", file.len());
    assert!(again == file);
}

#[test]
fn tensors_that_do_not_fit_are_refused_by_name() {
    let file = saved(3);
    let (header, data) = header_of(&file);
    let with = |name: &str, field: &str, value: Value| {
        let mut header = header.clone();
        header[name][field] = value;
        file_of(&header.to_string(), data)
    };
    let name = "layers.0.weight_hh_l0";
    let [begin, end] = [0, 1].map(|at| header[name]["data_offsets"][at].as_u64().unwrap());
    assert_eq!(refused(&with(name, "data_offsets", json!([begin - 4, end - 4]))), name, "it overlaps");
    assert_eq!(refused(&with(name, "data_offsets", json!([begin + 4, end + 4]))), name, "there is a gap");
    assert_eq!(refused(&with(name, "data_offsets", json!([end, begin]))), name, "it ends before it begins");
    assert_eq!(refused(&with(name, "data_offsets", json!([begin, end + 4]))), name, "it is too long");
    assert_eq!(refused(&with("output.weight", "data_offsets", json!([end, 1_u64 << 60]))), "output.weight");
    for dtype in ["F64", "F16", "BF16", "I32", "U32", "BOOL", "F8_E4M3", "C64", "F31", ""] {
        assert_eq!(refused(&with(name, "dtype", json!(dtype))), name, "{dtype}");
    }
    for shape in
        [json!([3, 12]), json!([36]), json!([12, 3, 1]), json!([]), json!([1_u64 << 40, 1_u64 << 40]), json!([-1])]
    {
        assert_eq!(refused(&with(name, "shape", shape.clone())), name, "{shape}");
    }
}

#[test]
fn a_small_file_cannot_ask_for_much() {
    let file = saved(3);
    let (header, data) = header_of(&file);
    let text: Value = serde_json::from_str(header["__metadata__"]["gatewise"].as_str().unwrap()).unwrap();
    let with = |change: &dyn Fn(&mut Value)| {
        let (mut header, mut text) = (header.clone(), text.clone());
        change(&mut text);
        header["__metadata__"]["gatewise"] = json!(text.to_string());
        file_of(&header.to_string(), data)
    };
    refused(&with(&|text| text["definition"]["layers"][0]["units"] = json!(4096)));
    refused(&with(&|text| text["definition"]["input"] = json!({ "tokens": 16_777_216, "embedding": 100 })));
    refused(&with(&|text| {
        text["definition"]["layers"] = Value::Array(vec![text["definition"]["layers"][0].clone(); 64]);
    }));
    // Lengths that the file does not have.
    for claimed in [u64::MAX, 1 << 40, 100_000_000, 50_000_000] {
        let mut file = file.clone();
        file[..8].copy_from_slice(&claimed.to_le_bytes());
        refused(&file);
    }
}

#[test]
fn long_headers_take_memory_in_proportion() {
    let tensors: Vec<_> =
        (0..20_000).map(|n| format!(r#""{n}":{{"dtype":"U8","shape":[],"data_offsets":[{n},{}]}}"#, n + 1)).collect();
    let tensors = format!("{{{}}}", tensors.join(","));
    let sizes = format!(r#"{{"t":{{"dtype":"U8","shape":[{}1],"data_offsets":[0,1]}}}}"#, "1,".repeat(500_000));
    let nested = format!(r#"{{"__metadata__":{{"gatewise":"{}"}}}}"#, "[".repeat(500_000));
    for (header, data) in [(tensors, 20_000), (sizes, 1), (nested, 0)] {
        let file = file_of(&header, &vec![0; data]);
        let (_, held) = peak(|| header::read(&file, file.len() as f64).map(|_| ()));
        assert!(held < 16 * file.len(), "{held} bytes for a header of {}", file.len());
        refused(&file);
    }
}
