//! What headers tell, and what is told of those that are not to be believed.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// A file with this header and so many bytes after it: its beginning, and its length.
fn file(header: &str, data: usize) -> (Vec<u8>, f64) {
    let beginning = [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat();
    let length = (beginning.len() + data) as f64;
    (beginning, length)
}

#[track_caller]
fn assert_refused(header: &str, data: usize, path: &str, part: &str) {
    let (beginning, length) = file(header, data);
    let error = read(&beginning, length).unwrap_err();
    assert_eq!((error.code, error.path.as_str()), (ErrorCode::InvalidFile, path), "{error}");
    assert!(error.message.contains(part), "{error}");
}

fn tensor(dtype: &str, shape: &[u64], begin: u64, end: u64) -> serde_json::Value {
    json!({ "dtype": dtype, "shape": shape, "data_offsets": [begin, end] })
}

#[test]
fn tensors_are_told_in_the_order_of_the_file() {
    let header = json!({
        "a": tensor("F16", &[2, 2], 12, 20),
        "z": tensor("F32", &[3], 0, 12),
        "empty": tensor("I64", &[0, 7], 12, 12),
        "one": tensor("BOOL", &[], 20, 21),
        "__metadata__": { "format": "pt" },
    });
    let (beginning, length) = file(&header.to_string(), 21);
    let FileHeader { tensors, metadata } = read(&beginning, length).unwrap();
    let base = beginning.len() as u64;
    let found: Vec<_> = tensors.iter().map(|t| (&t.name[..], t.kind, t.begin - base, t.end - base)).collect();
    let expected = [
        ("z", TensorType::F32, 0, 12),
        ("empty", TensorType::I64, 12, 12),
        ("a", TensorType::F16, 12, 20),
        ("one", TensorType::Bool, 20, 21),
    ];
    assert_eq!(found, expected);
    assert_eq!((&tensors[2].shape, tensors[3].shape.is_empty()), (&vec![2, 2], true));
    assert_eq!(metadata, BTreeMap::from([("format".to_owned(), "pt".to_owned())]));
    // What follows the header is nobody's business.
    assert_eq!(read(&[beginning.as_slice(), b"numbers"].concat(), length).unwrap().tensors, tensors);
}

#[test]
fn every_type_is_read_and_written() {
    for (kind, dtype) in TYPES {
        let name = to_name(kind);
        let text = json!({ "tensors": [{ "name": "t", "type": name, "shape": [3] }] }).to_string();
        let beginning = write(&text).unwrap();
        let header = read(&beginning, (beginning.len() + 3 * dtype.bitsize() / 8) as f64).unwrap();
        assert_eq!(header.tensors[0].kind, kind);
    }
    assert_refused(&json!({ "t": tensor("F8_E4M3", &[2], 0, 2) }).to_string(), 2, "t", "F8_E4M3, which is not read");
    assert_refused(&json!({ "t": tensor("F31", &[2], 0, 8) }).to_string(), 8, "t", "unknown variant `F31`");
}

fn to_name(kind: TensorType) -> String {
    serde_json::to_value(kind).unwrap().as_str().unwrap().to_owned()
}

#[test]
fn tensors_that_do_not_fit_are_named() {
    let two = |second: serde_json::Value| json!({ "first": tensor("F32", &[2], 0, 8), "second": second }).to_string();
    assert_refused(&two(tensor("F32", &[2], 4, 12)), 12, "second", "overlaps");
    assert_refused(&two(tensor("F32", &[2], 12, 20)), 20, "second", "leaves a gap");
    assert_refused(&two(tensor("F32", &[2], 16, 8)), 16, "second", "overlaps");
    assert_refused(&two(tensor("F32", &[3], 8, 16)), 16, "second", "it has 8 bytes, but is said to be [3] of F32");
    assert_refused(&two(tensor("F64", &[2], 8, 16)), 16, "second", "[2] of F64");
    let huge = 1 << 62;
    assert_refused(&two(tensor("F32", &[huge, huge], 8, 16)), 16, "second", "it has 8 bytes");
    assert_refused(&two(tensor("F32", &[2], 8, 16)), 15, "second", "the file ends before this tensor does");
    assert_refused(&two(tensor("F32", &[2], 8, 16)), 4, "first", "the file ends before this tensor does");
    assert_refused(&two(tensor("F32", &[2], 8, 16)), 17, "", "1 bytes follow");
    assert_refused(&two(tensor("U8", &[1 << 60], 8, 8 + (1 << 60))), 16, "second", "the file ends before");
    assert_refused(&two(tensor("U8", &[u64::MAX - 8], 8, u64::MAX)), 16, "second", "is said to be");
}

#[test]
fn names_stand_once() {
    let entry = r#"{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
    assert_refused(&format!(r#"{{"t":{entry},"u":{entry},"t":{entry}}}"#), 4, "t", "twice");
    // The crate's own reader takes the last one.
    assert_refused(&format!(r#"{{"t":{entry},"t":{entry}}}"#), 4, "t", "twice");
    assert_refused(r#"{"__metadata__":{},"__metadata__":{}}"#, 0, "__metadata__", "twice");
    assert_refused(r#"{"__metadata__":{"a":"1","a":"1"}}"#, 0, "__metadata__", "`a` stands twice");
    assert_refused(r#"{"__metadata__":{"a":1}}"#, 0, "__metadata__", "invalid type");
    assert_refused(r#"{"t":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}"#, 4, "t", "duplicate field");
}

#[test]
fn what_is_no_header_is_told() {
    for (text, path, part) in [
        ("", "", "damaged"),
        ("{", "", "damaged"),
        ("[]", "", "damaged"),
        ("{} {}", "", "damaged"),
        (r#"{"t":{}}"#, "t", "missing field `dtype`"),
        (r#"{"t":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, "t", "invalid value"),
        (r#"{"t":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}"#, "t", "invalid type"),
        (r#"{"t":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#, "t", "invalid length"),
    ] {
        assert_refused(text, 4, path, part);
    }
    assert_refused("{\"\u{fffd}", 0, "", "damaged");
    let mut latin = file("{\"?\":0}", 0).0;
    latin[10] = 0xe9;
    assert_eq!(read(&latin, latin.len() as f64).unwrap_err().code, ErrorCode::InvalidFile);
    // Deep nesting ends at the parser's limit, not at that of the stack.
    for unknown in ["[", r#"{"x":["#] {
        assert_refused(&format!(r#"{{"t":{}"#, unknown.repeat(200_000)), 0, "", "damaged");
    }
}

#[test]
fn a_header_lies_within_the_file() {
    let refused = |beginning: &[u8], length: f64| read(beginning, length).unwrap_err();
    let beginning = |length: u64| length.to_le_bytes();
    for (length, file) in [(93, 100.0), (1, 8.0), (100_000_000, 100_000_007.0)] {
        assert!(refused(&beginning(length), file).message.contains("ends before its header"), "{length} of {file}");
    }
    for length in [100_000_001, u64::from(u32::MAX), u64::MAX - 7, u64::MAX] {
        assert!(refused(&beginning(length), 1e12).message.contains("does not begin with a header"), "{length}");
    }
    // The file has room for it, but the caller has not got it all.
    assert!(refused(&beginning(92), 100.0).message.contains("ends before its header"));
    assert!(refused(b"{}", 2.0).message.contains("ends before its header"));
    assert!(refused(b"", 0.0).message.contains("empty"));
    for length in [-1.0, 0.5, f64::NAN, f64::INFINITY, 1e17] {
        assert_eq!(refused(b"", length).code, ErrorCode::InvalidOption, "{length}");
    }
}

#[test]
fn what_is_written_is_what_the_crate_writes() {
    let tensors = [("b", Dtype::F16, 3), ("a", Dtype::F16, 1), ("c", Dtype::I64, 2), ("\"ü\n", Dtype::F32, 5)];
    let bytes = [0; 64];
    let views = tensors.map(|(name, dtype, numbers)| {
        let data = &bytes[..numbers * dtype.bitsize() / 8];
        (name, safetensors::tensor::TensorView::new(dtype, vec![numbers], data).unwrap())
    });
    let metadata = std::collections::HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let expected = safetensors::serialize(views, Some(metadata)).unwrap();
    let named = |(name, dtype, numbers): (&str, Dtype, usize)| {
        let kind = TYPES.iter().find(|(_, known)| *known == dtype).unwrap().0;
        json!({ "name": name, "type": to_name(kind), "shape": [numbers] })
    };
    let text = json!({ "tensors": tensors.map(named), "metadata": { "format": "pt" } }).to_string();
    let beginning = write(&text).unwrap();
    assert!(expected.starts_with(&beginning));
    assert_eq!(expected.len() - beginning.len(), 6 + 2 + 16 + 20);
    assert_eq!(read(&beginning, expected.len() as f64).unwrap().tensors[0].name, "c");
}

#[test]
fn the_same_tensors_give_the_same_bytes() {
    let one = r#"{"tensors":[{"name":"a","type":"f32","shape":[]},{"name":"b","type":"f64","shape":[0]}],"metadata":{"x":"","b":"2"}}"#;
    let other = r#"{"metadata":{"b":"2","x":""},"tensors":[{"shape":[0],"name":"b","type":"f64"},{"name":"a","type":"f32","shape":[]}]}"#;
    assert_eq!(write(one).unwrap(), write(other).unwrap());
    assert_eq!(write(one).unwrap().len() % 8, 0);
    assert_eq!(write(r#"{"tensors":[]}"#).unwrap(), b"\x08\0\0\0\0\0\0\0{}      ");
}

#[test]
fn what_no_file_can_hold_is_not_written() {
    let refused = |tensors: serde_json::Value| write(&json!({ "tensors": tensors }).to_string()).unwrap_err();
    let new = |name: &str, shape: &[u64]| json!({ "name": name, "type": "f64", "shape": shape });
    for (tensors, path) in [
        (json!([new("t", &[]), new("u", &[]), new("t", &[1])]), "t"),
        (json!([new("__metadata__", &[])]), "__metadata__"),
        (json!([new("t", &[1 << 40, 1 << 40])]), "t"),
        (json!([new("t", &[1 << 60]), new("u", &[1 << 60])]), "u"),
        (json!([{ "name": "t", "type": "f8", "shape": [] }]), "tensors[0].type"),
        (json!([{ "name": "t", "type": "f32" }]), "tensors[0].shape"),
    ] {
        let error = refused(tensors);
        assert_eq!((error.code, error.path.as_str()), (ErrorCode::InvalidOption, path), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_written_is_read(
        names in prop::collection::btree_set(".{0,9}", 0..6),
        shape in prop::collection::vec(0_usize..5, 0..4),
        metadata in prop::collection::btree_map(".{0,9}", ".{0,9}", 0..4),
    ) {
        let tensors: Vec<_> = names.iter().enumerate().map(|(index, name)| {
            json!({ "name": name, "type": to_name(TYPES[index].0), "shape": shape })
        }).collect();
        let beginning = write(&json!({ "tensors": tensors, "metadata": metadata }).to_string()).unwrap();
        let numbers: usize = shape.iter().product();
        let data: usize = (0..names.len()).map(|index| numbers * TYPES[index].1.bitsize() / 8).sum();
        let header = read(&beginning, (beginning.len() + data) as f64).unwrap();
        prop_assert_eq!(header.metadata, metadata);
        prop_assert!(header.tensors.windows(2).all(|pair| pair[0].end == pair[1].begin));
        let found: std::collections::BTreeSet<_> = header.tensors.iter().map(|tensor| tensor.name.clone()).collect();
        prop_assert_eq!(found, names);
    }

    #[test]
    fn damaged_headers_are_refused_or_read(
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u32), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let header = json!({ "a": tensor("F32", &[2], 0, 8), "b": tensor("F16", &[1, 2], 8, 12), "__metadata__": { "k": "v" } });
        let (mut beginning, length) = file(&header.to_string(), 12);
        for (place, bit) in flips {
            let place = place.index(beginning.len());
            beginning[place] ^= 1_u8 << bit;
        }
        let end = cut.map_or(beginning.len(), |cut| cut.index(beginning.len()));
        match read(&beginning[..end], length) {
            Ok(header) => prop_assert!(header.tensors.iter().all(|tensor| tensor.begin <= tensor.end && tensor.end as f64 <= length)),
            Err(error) => prop_assert_eq!(error.code, ErrorCode::InvalidFile),
        }
    }
}
