//! What tests share: `PyTorch`'s vectors, the measure of error, and in `case` a layer with a batch for it, in `network` a whole
//! network, in `definitions` random ones of these, in `masks` what its training drops, in `slopes` finite differences, in
//! `outputs` models of every kind of output, in `inputs` of every kind of input, in `runs` small training runs.
//! `vectors/generate.py` says what each file holds.
#![allow(dead_code, reason = "every test binary compiles all of it and uses its part")]

pub(crate) mod case;
pub(crate) mod definitions;
pub(crate) mod inputs;
pub(crate) mod masks;
pub(crate) mod network;
pub(crate) mod outputs;
pub(crate) mod runs;
pub(crate) mod slopes;

use lstm_core::network::definition::{Activation, Cell, LayerDefinition};
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;
use std::path::Path;

/// Layers and stacks of layers, each with initial states, every result, and gradients of a linear functional of them.
const STACKS: [&str; 19] = [
    "layer-1-1-1-1",
    "layer-3-7-5-4",
    "layer-4-9-3-17",
    "layer-5-12-8-33",
    "ragged-6-11-7-15",
    "ragged-3-6-2-16",
    "saturated-2-6-3-8",
    "stack-4-8-6-9-5",
    "gru-9-5",
    "gru-17-without-biases",
    "rnn-9-5-3",
    "rnn-17-relu",
    "rnn-7-without-biases",
    "lstm-9-5-3-without-biases",
    "lstm-9-5-bidirectional",
    "gru-9-5-bidirectional",
    "rnn-9-5-bidirectional",
    "lstm-17-9-projection",
    "lstm-9-projection-bidirectional",
];

/// Files of many stacks: every option of a layer; every combination of what `PyTorch`'s modules take.
const FILES_OF_STACKS: [&str; 4] = ["options", "matrix-lstm", "matrix-gru", "matrix-rnn"];

/// A file of vectors.
pub(crate) struct Vectors {
    file: String,
    case: serde_json::Value,
    tensors: BTreeMap<String, Tensor>,
}

#[derive(Clone)]
struct Tensor {
    shape: Vec<usize>,
    dtype: Dtype,
    /// As f64, which holds every number of the files exactly.
    data: Vec<f64>,
}

/// Reads `vectors/{name}.safetensors`.
pub(crate) fn vectors(name: &str) -> Vectors {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(format!("{name}.safetensors"));
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file = SafeTensors::deserialize(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let tensors = file.iter().map(|(name, view)| {
        let data = match view.dtype() {
            Dtype::F32 => numbers(view.data(), |bytes| f64::from(f32::from_le_bytes(bytes))),
            Dtype::F64 => numbers(view.data(), f64::from_le_bytes),
            Dtype::I64 => numbers(view.data(), |bytes| i64::from_le_bytes(bytes) as f64),
            other => panic!("{name} is of type {other:?}"),
        };
        (name.to_owned(), Tensor { shape: view.shape().to_vec(), dtype: view.dtype(), data })
    });
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    let case = metadata.metadata().as_ref().and_then(|entries| entries.get("case"));
    let case = case.map_or(serde_json::Value::Null, |case| serde_json::from_str(case).unwrap());
    Vectors { file: name.to_owned(), case, tensors: tensors.collect() }
}

/// Every stack of layers that there is, file by file.
pub(crate) fn stacks() -> impl Iterator<Item = Vectors> {
    STACKS.into_iter().map(vectors).chain(FILES_OF_STACKS.into_iter().flat_map(cases))
}

/// The cases of a file of many, which may share tensors: each has those under its prefixes.
pub(crate) fn cases(name: &str) -> Vec<Vectors> {
    let file = vectors(name);
    let cases = file.case["cases"].as_array().expect("the file has cases").iter();
    let cases = cases.map(|case| {
        let prefixes = case["prefixes"].as_array().unwrap().iter().map(|prefix| prefix.as_str().unwrap());
        let under = |prefix: &str| -> Vec<_> {
            let named = file.tensors.iter().filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?, tensor)));
            named.map(|(name, tensor)| (name.to_owned(), tensor.clone())).collect()
        };
        let tensors = prefixes.flat_map(under).collect();
        Vectors { file: format!("{name}, {}", case["name"].as_str().unwrap()), case: case.clone(), tensors }
    });
    cases.collect()
}

fn numbers<const BYTES: usize>(data: &[u8], number: impl Fn([u8; BYTES]) -> f64) -> Vec<f64> {
    let (numbers, rest) = data.as_chunks();
    assert!(rest.is_empty());
    numbers.iter().map(|&bytes| number(bytes)).collect()
}

impl Vectors {
    fn tensor(&self, name: &str) -> &Tensor {
        self.tensors.get(name).unwrap_or_else(|| panic!("{} has no {name}", self.file))
    }

    /// What the file says of itself, beside its tensors.
    pub(crate) fn case(&self) -> &serde_json::Value {
        &self.case
    }

    /// The file's name.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// The tensors' names, in alphabetical order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// A tensor's shape.
    pub(crate) fn shape(&self, name: &str) -> &[usize] {
        &self.tensor(name).shape
    }

    /// A tensor's elements.
    pub(crate) fn get(&self, name: &str) -> &[f64] {
        &self.tensor(name).data
    }

    /// The one element of a scalar tensor.
    pub(crate) fn scalar(&self, name: &str) -> f64 {
        let [number] = *self.get(name) else { panic!("{name} is not a scalar") };
        number
    }

    /// The elements of a tensor that goes into a computation: f32 holds them exactly.
    pub(crate) fn f32(&self, name: &str) -> Vec<f32> {
        let tensor = self.tensor(name);
        assert_eq!(tensor.dtype, Dtype::F32, "{name} is a result");
        tensor.data.iter().map(|&number| number as f32).collect()
    }

    /// The elements of a tensor of lengths or targets.
    pub(crate) fn indices(&self, name: &str) -> Vec<usize> {
        let tensor = self.tensor(name);
        assert_eq!(tensor.dtype, Dtype::I64, "{name} holds no whole numbers");
        tensor
            .data
            .iter()
            .map(|&number| usize::try_from(number as i64).expect("no length or class is negative"))
            .collect()
    }

    /// Layer k: as the case says, or by the file's name and the shapes of its tensors.
    pub(crate) fn layer(&self, k: usize) -> LayerDefinition {
        if let Some(layer) = self.case["layers"].get(k) {
            return LayerDefinition::from_json(&layer.to_string()).unwrap();
        }
        let has = |tensor: &str| self.tensors.contains_key(&format!("layers.{k}.{tensor}"));
        let says = |word: &str| self.file.split('-').any(|part| part == word);
        let cell = if says("gru") {
            Cell::Gru
        } else if says("rnn") {
            Cell::Rnn
        } else {
            Cell::Lstm
        };
        let [rows, states] = *self.shape(&format!("layers.{k}.weight_hh_l0")) else { panic!("weight_hh is [G·H, R]") };
        let plain = LayerDefinition::new(cell, 1);
        LayerDefinition {
            units: (rows / plain.gates()) as u32,
            bidirectional: has("weight_hh_l0_reverse"),
            bias: has("bias_ih_l0"),
            projection: has("weight_hr_l0").then_some(states as u32),
            activation: if says("relu") { Activation::Relu } else { Activation::Tanh },
            ..plain
        }
    }

    /// Whether there is a tensor of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The elements of a tensor, if there is one: of initial states and masks.
    pub(crate) fn f32_if_there(&self, name: &str) -> Option<Vec<f32>> {
        self.has(name).then(|| self.f32(name))
    }

    /// How many layers are stacked.
    pub(crate) fn layers(&self) -> usize {
        self.names().filter(|name| name.starts_with("layers.") && name.ends_with(".weight_ih_l0")).count()
    }
}

/// `max|a − b| / max(1e-3, max|b|)` over a tensor: infinite where a number that is not finite meets another one.
pub(crate) fn error<T: Copy + Into<f64>>(actual: &[T], expected: &[f64]) -> f64 {
    assert_eq!(actual.len(), expected.len(), "both tensors have the same number of elements");
    let difference = |(&a, &b): (&T, &f64)| {
        let difference = (a.into() - b).abs();
        if difference.is_nan() { f64::INFINITY } else { difference }
    };
    let largest_difference = actual.iter().zip(expected).map(difference).fold(0.0, f64::max);
    largest_difference / expected.iter().copied().map(f64::abs).fold(1e-3, f64::max)
}

/// Fails where `actual` is further from `expected` than `bound`, in the measure of [`error`].
#[track_caller]
pub(crate) fn assert_close<T: Copy + Into<f64>>(what: &str, actual: &[T], expected: &[f64], bound: f64) {
    let error = error(actual, expected);
    assert!(error <= bound, "{what}: the error is {error:.2e}, its bound {bound:.0e}");
}
