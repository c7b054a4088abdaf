//! What a file must survive, and what must be said of one that did not.

use ::safetensors::SafeTensors;
use proptest::prelude::*;
use serde_json::json;

use super::*;

const SCALED: &str = r#"{
    "input": {"features": 2, "scaling": "standard"},
    "layers": [{"cell": "lstm", "units": 3}],
    "output": {"classes": ["no", "yes"]},
    "seed": 4
}"#;

fn model() -> (ModelDefinition, Layout, Vec<f32>) {
    let definition = ModelDefinition::from_json(SCALED).unwrap();
    let layout = Layout::of(&definition);
    let weights = (0..layout.total_length()).map(|index| index as f32 * 0.37 - 5.0).collect();
    (definition, layout, weights)
}

fn saved() -> Vec<u8> {
    let (definition, layout, weights) = model();
    save(&definition, &layout, &weights, None).unwrap()
}

/// The file with its header changed; the tensors' bytes stay.
fn with_header(change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
    let bytes = saved();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    change(&mut header);
    let header = serde_json::to_vec(&header).unwrap();
    [&(header.len() as u64).to_le_bytes(), header.as_slice(), &bytes[8 + length..]].concat()
}

/// The file with what is under our key changed.
fn with_saved(change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
    with_header(|header| {
        let entry = &mut header["__metadata__"][KEY];
        let mut saved = serde_json::from_str(entry.as_str().unwrap()).unwrap();
        change(&mut saved);
        *entry = json!(saved.to_string());
    })
}

#[track_caller]
fn assert_refused(bytes: &[u8], path: &str, part: &str) {
    let error = load(bytes).unwrap_err();
    assert_eq!((error.code, error.path.as_str()), (ErrorCode::InvalidFile, path), "{error}");
    assert!(error.message.contains(part), "{error}");
}

#[test]
fn a_model_comes_back_bit_by_bit() {
    let (definition, _, weights) = model();
    assert_eq!(load(&saved()).unwrap(), Loaded { definition, weights, preprocessing: None });
}

#[test]
fn preprocessing_comes_back_letter_by_letter() {
    let (definition, layout, weights) = model();
    let longest = "\u{1}\"\\".repeat(MOST_PREPROCESSING / 3);
    for text in ["", r#"{"version":1,"names":["a \"b\"","\\","ü 漢"]}"#, "no JSON: {", "\0", &longest] {
        let bytes = save(&definition, &layout, &weights, Some(text)).unwrap();
        let loaded = load(&bytes).unwrap();
        assert!(loaded.preprocessing.as_deref() == Some(text), "{text:.40}");
        assert_eq!((&loaded.definition, &loaded.weights), (&definition, &weights));
    }
}

#[test]
fn preprocessing_is_a_text_of_bounded_length() {
    let with = |value: serde_json::Value| with_saved(|saved| saved["preprocessing"] = value);
    assert_refused(&with(json!({"version": 1})), "preprocessing", "give a string");
    let long = "x".repeat(MOST_PREPROCESSING + 1);
    assert_refused(&with(json!(long)), "preprocessing", "takes 8388609 bytes");
    assert_eq!(check_preprocessing(&long, ErrorCode::InvalidOption).unwrap_err().code, ErrorCode::InvalidOption);
    check_preprocessing(&long[1..], ErrorCode::InvalidOption).unwrap();
}

#[test]
fn the_same_model_gives_the_same_bytes() {
    let first = saved();
    // Hash maps of the library order their keys anew each time.
    assert!((0..20).all(|_| saved() == first));
}

#[test]
fn other_readers_find_the_tensors_under_their_names() {
    let (_, layout, weights) = model();
    let bytes = saved();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.len(), layout.tensors().len());
    let bias = file.tensor("output.bias").unwrap();
    assert_eq!((bias.dtype(), bias.shape()), (Dtype::F32, &[2][..]));
    let expected: Vec<u8> = weights[layout.head().bias.clone()].iter().flat_map(|value| value.to_le_bytes()).collect();
    assert_eq!(bias.data(), expected);
}

#[test]
fn bytes_may_lie_anywhere() {
    let bytes = saved();
    for shift in 0..8 {
        let shifted = [vec![0; shift], bytes.clone()].concat();
        assert_eq!(load(&shifted[shift..]).unwrap().weights, model().2);
    }
}

#[test]
fn weights_that_could_not_be_loaded_are_not_saved() {
    let (definition, layout, mut weights) = model();
    let error = save(&definition, &layout, &weights[1..], None).unwrap_err();
    assert_eq!(error.code, ErrorCode::ShapeMismatch);
    weights[layout.head().bias.start + 1] = f32::INFINITY;
    let error = save(&definition, &layout, &weights, None).unwrap_err();
    assert_eq!((error.code, error.path.as_str()), (ErrorCode::NotFinite, "output.bias"));
}

#[test]
fn foreign_files_are_named() {
    assert_refused(b"", "", "the file is empty");
    assert_refused(b"abc", "", "ends before its header");
    assert_refused(b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0", "", "a zip archive");
    assert_refused(b"\x89HDF\r\n\x1a\n\0\0\0\0", "", "an HDF5 file");
    assert_refused(b"{\"input\": {\"features\": 5}}", "", "does not begin with a header");
    assert_refused(&[0; 64], "", "header is damaged");
    // What PyTorch's users save: tensors, no word of ours.
    assert_refused(
        &with_header(|header| header["__metadata__"] = json!({"format": "pt"})),
        "",
        "no Gatewise definition",
    );
    let no_metadata = with_header(|header| drop(header.as_object_mut().unwrap().remove("__metadata__")));
    assert_refused(&no_metadata, "", "no Gatewise definition");
}

#[test]
fn damaged_files_are_told_from_foreign_ones() {
    let bytes = saved();
    assert_refused(&bytes[..bytes.len() - 1], "output.weight", "the file ends before this tensor does");
    assert_refused(&bytes[..40], "", "ends before its header");
    assert_refused(&[bytes.as_slice(), &[0]].concat(), "", "1 bytes follow the last tensor");
    let mut flipped = bytes.clone();
    flipped[8] ^= 1; // the header's opening brace
    assert_refused(&flipped, "", "header is damaged");
}

#[test]
fn the_definition_is_checked_with_its_path() {
    assert_refused(&with_saved(|saved| saved["version"] = json!(2)), "version", "of version 2");
    assert_refused(
        &with_saved(|saved| saved["definition"]["layers"][0]["units"] = json!(0)),
        "definition.layers[0].units",
        "out of range",
    );
    assert_refused(
        &with_saved(|saved| saved["definition"]["layers"][0]["cell"] = json!("elman")),
        "definition.layers[0].cell",
        "`elman` is not known",
    );
    assert_refused(&with_header(|header| header["__metadata__"][KEY] = json!("{")), "", "JSON cannot be read");
    // A later version's definition is not even looked at.
    let later = with_saved(|saved| *saved = json!({"version": 3, "definition": "other", "more": 1}));
    assert_refused(&later, "version", "of version 3");
}

#[test]
fn tensors_are_checked_against_the_definition() {
    let renamed = with_header(|header| {
        let header = header.as_object_mut().unwrap();
        let tensor = header.remove("output.bias").unwrap();
        header.insert("output.bios".to_owned(), tensor);
    });
    assert_refused(&renamed, "output.bias", "the file has none");
    // The definition without scaling has no use for these two.
    let unexpected = with_saved(|saved| saved["definition"]["input"]["scaling"] = json!("none"));
    assert_refused(&unexpected, "input.deviation", "the definition knows none");
    let transposed = with_header(|header| header["layers.0.weight_ih_l0"]["shape"] = json!([2, 12]));
    assert_refused(&transposed, "layers.0.weight_ih_l0", "its shape is [2, 12], the definition makes it [12, 2]");
    let flattened = with_header(|header| header["layers.0.weight_ih_l0"]["shape"] = json!([24]));
    assert_refused(&flattened, "layers.0.weight_ih_l0", "its shape is [24]");
    let integers = with_header(|header| header["output.weight"]["dtype"] = json!("I32"));
    assert_refused(&integers, "output.weight", "I32, they must be F32");
    // A definition that asks for far more than the file holds.
    let greedy = with_saved(|saved| saved["definition"]["layers"][0]["units"] = json!(4096));
    assert_refused(&greedy, "layers.0.weight_ih_l0", "its shape is [12, 2]");
}

#[test]
fn weights_must_be_finite() {
    let mut bytes = saved();
    // The last number of the last tensor by name, `output.weight`.
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    assert_refused(&bytes, "output.weight", "number 5 of this tensor is NaN");
}

/// Loads without a panic; what loads is a whole, valid model.
fn load_or_refuse(bytes: &[u8]) -> std::result::Result<(), TestCaseError> {
    match load(bytes) {
        Ok(Loaded { definition, weights, .. }) => {
            prop_assert!(definition.validate().is_ok());
            prop_assert_eq!(weights.len(), Layout::of(&definition).total_length());
            prop_assert!(weights.iter().all(|weight| weight.is_finite()));
        }
        Err(error) => {
            prop_assert_eq!(error.code, ErrorCode::InvalidFile);
            prop_assert!(!error.message.is_empty());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_truncated_file_is_refused(cut in any::<prop::sample::Index>()) {
        let bytes = saved();
        prop_assert_eq!(load(&bytes[..cut.index(bytes.len())]).unwrap_err().code, ErrorCode::InvalidFile);
    }

    #[test]
    fn flipped_bits_never_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u32), 1..4)) {
        let mut bytes = saved();
        for (place, bit) in flips {
            let place = place.index(bytes.len());
            bytes[place] ^= 1_u8 << bit;
        }
        load_or_refuse(&bytes)?;
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        load_or_refuse(&bytes)?;
    }
}
