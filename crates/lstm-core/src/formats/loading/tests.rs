//! A file in pieces is the same as in one, and what does not become a model is refused as soon as that can be known.

use proptest::prelude::*;

use super::super::safetensors::{load, save};
use super::*;

const PREFIX: usize = 8;

/// A model with a tensor of each size, whose tensors lie in another order in the file than in the flat vector.
fn saved() -> (Vec<u8>, Loaded) {
    let definition = ModelDefinition::from_json(
        r#"{"input":{"features":2,"tokens":5,"embedding":3,"scaling":"standard"},
            "layers":[{"cell":"lstm","units":3,"bidirectional":true},{"cell":"gru","units":2,"bias":false}],
            "output":{"classes":["no","yes"],"at":"attention"},"seed":4}"#,
    )
    .unwrap();
    let layout = Layout::of(&definition);
    let weights: Vec<f32> = (0..layout.total_length()).map(|index| index as f32 * 0.37 - 5.0).collect();
    let preprocessing = Some("the words of others".to_owned());
    let file = save(&definition, &layout, &weights, preprocessing.as_deref()).unwrap();
    (file, Loaded { definition, weights, preprocessing })
}

fn in_pieces(file: &[u8], pieces: impl Iterator<Item = usize>) -> Result<Loaded> {
    let mut loading = Loading::new(file, file.len() as f64)?;
    let mut rest = &file[loading.begin()..];
    for size in pieces {
        let (piece, others) = rest.split_at(size.min(rest.len()));
        loading.take(piece)?;
        rest = others;
    }
    loading.take(rest)?;
    loading.finish()
}

#[test]
fn any_pieces_give_the_same_model() {
    let (file, expected) = saved();
    assert_eq!(load(&file).unwrap(), expected);
    for size in [1, 3, 7, 4096, usize::MAX] {
        assert_eq!(in_pieces(&file, std::iter::repeat_n(size, file.len())).unwrap(), expected, "pieces of {size}");
    }
}

#[test]
fn the_header_alone_is_enough_to_begin_with() {
    let (file, expected) = saved();
    let begin = Loading::new(&file, file.len() as f64).unwrap().begin();
    let mut loading = Loading::new(&file[..begin], file.len() as f64).unwrap();
    loading.take(&file[begin..]).unwrap();
    assert_eq!(loading.finish().unwrap(), expected);
    assert_eq!(Loading::new(&file[..begin - 1], file.len() as f64).err().unwrap().code, ErrorCode::InvalidFile);
}

#[test]
fn what_comes_short_or_goes_on_is_refused() {
    let (file, _) = saved();
    let begin = Loading::new(&file, file.len() as f64).unwrap().begin();
    for end in begin..file.len() {
        let mut loading = Loading::new(&file, file.len() as f64).unwrap();
        loading.take(&file[begin..end]).unwrap();
        let error = loading.finish().unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidFile);
        assert!(!error.path.is_empty() && error.message.contains("has ended before this tensor"), "{end}: {error}");
    }
    let mut loading = Loading::new(&file, file.len() as f64).unwrap();
    loading.take(&file[begin..]).unwrap();
    assert_eq!(loading.take(&[0]).unwrap_err().code, ErrorCode::InvalidFile);
}

#[test]
fn a_file_that_was_cut_off_is_refused_wherever_that_was() {
    let (file, _) = saved();
    for end in 0..file.len() {
        let error = load(&file[..end]).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidFile, "{end}: {error}");
    }
}

#[test]
fn a_header_that_would_end_beyond_the_file_is_refused() {
    let (mut file, _) = saved();
    let length = u64::from_le_bytes(*file.first_chunk().unwrap());
    let most = (file.len() - PREFIX) as u64;
    for claimed in
        [0, 1, length - 1, length + 1, most, most + 1, 100_000_000, 100_000_001, 1 << 32, u64::MAX - 7, u64::MAX]
    {
        file[..PREFIX].copy_from_slice(&claimed.to_le_bytes());
        assert_eq!(load(&file).unwrap_err().code, ErrorCode::InvalidFile, "{claimed}");
    }
}

#[test]
fn numbers_must_be_finite_wherever_pieces_begin() {
    let (file, Loaded { definition, .. }) = saved();
    let begin = Loading::new(&file, file.len() as f64).unwrap().begin();
    let layout = Layout::of(&definition);
    let mut names: Vec<_> = layout.tensors().iter().collect();
    names.sort_by(|one, other| one.name.cmp(&other.name));
    let mut at = begin;
    for tensor in names {
        for (index, value) in [(0, f32::NAN), (tensor.length - 1, f32::NEG_INFINITY)] {
            let mut damaged = file.clone();
            damaged[at + 4 * index..][..4].copy_from_slice(&value.to_le_bytes());
            for size in [1, 5, 4096] {
                let error = in_pieces(&damaged, std::iter::repeat_n(size, file.len())).unwrap_err();
                assert_eq!((error.code, &error.path), (ErrorCode::InvalidFile, &tensor.name), "{error}");
                assert!(error.message.contains(&format!("number {index} of this tensor is {value}")), "{error}");
            }
        }
        at += 4 * tensor.length;
    }
    assert_eq!(at, file.len());
}

#[test]
fn there_is_no_room_before_the_file_has_bytes_for_it() {
    // 1 GB of embeddings, and not one of them there.
    let definition =
        r#"{"input":{"tokens":16777216,"embedding":15},"layers":[{"cell":"rnn","units":1}],"output":{"values":1}}"#;
    let definition = ModelDefinition::from_json(definition).unwrap();
    let layout = Layout::of(&definition);
    let tensors: Vec<_> =
        layout.tensors().iter().map(|t| serde_json::json!({"name": t.name, "type": "f32", "shape": t.shape})).collect();
    let saved = serde_json::json!({ "version": VERSION, "definition": definition }).to_string();
    let text = serde_json::json!({ "tensors": tensors, "metadata": { KEY: saved } }).to_string();
    let beginning = super::super::header::write(&text).unwrap();
    let short = Loading::new(&beginning, beginning.len() as f64 + 1000.0).err().unwrap();
    assert_eq!((short.code, short.path.as_str()), (ErrorCode::InvalidFile, "embedding.weight"));
}

proptest! {
    #[test]
    fn pieces_of_any_sizes(sizes in prop::collection::vec(0_usize..40, 0..60)) {
        let (file, expected) = saved();
        prop_assert_eq!(in_pieces(&file, sizes.into_iter()).unwrap(), expected);
    }
}
