//! Where each of a model's tensors lies in its one flat vector of f32. Knows nothing of the values.

use std::ops::Range;

use serde::Serialize;

use super::definition::{DirectionTensors, InputDefinition, LayerDefinition, ModelDefinition, Scaling};
use crate::finite::first_not_finite;
use crate::{Error, ErrorCode, Result};

/// One named tensor, row-major.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct Tensor {
    /// The name under which files and `parameters()` hold it: `layers.0.weight_ih_l0`, `output.bias`.
    pub name: String,
    /// Its sizes, the outermost first.
    pub shape: Vec<u32>,
    /// Where it begins in the flat vector, in numbers.
    pub offset: usize,
    /// How many numbers it holds: the product of its shape.
    pub length: usize,
    /// Whether training changes it. What is not trained is fitted once, as the input's scaling is.
    pub trained: bool,
}

impl Tensor {
    /// Where the tensor lies in the flat vector.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.length
    }
}

/// One layer's tensors.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerRanges {
    /// What normalises its input, if anything does.
    pub norm: Option<NormRanges>,
    /// The forward direction, and in a bidirectional layer the reverse one.
    pub directions: Vec<DirectionTensors<Range<usize>>>,
    /// `I`: the definition's features for the first layer, the outputs of the layer below for the others.
    pub input_size: usize,
    /// `H`
    pub units: usize,
    /// What the layer is.
    pub definition: LayerDefinition,
}

impl LayerRanges {
    /// Numbers a step that the layer gives.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.definition.outputs()
    }
}

/// The tensors of a layer normalisation over D numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NormRanges {
    /// `[D]`: what normalised numbers are multiplied with.
    pub weight: Range<usize>,
    /// `[D]`: what is added to them.
    pub bias: Range<usize>,
    /// D
    pub size: usize,
}

/// The table of the tokens' embeddings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddingRanges {
    /// `[tokens, size]`; it comes first in the flat vector.
    pub weight: Range<usize>,
    /// How many there are.
    pub tokens: usize,
    /// Numbers of an embedding.
    pub size: usize,
    /// The token whose embedding gets no gradient.
    pub padding: Option<u32>,
    /// Whether a training step changes the rows alone that its batch has read.
    pub sparse: bool,
    /// Whether the table is the head's weight too.
    pub tied: bool,
}

/// The linear map from `statics` numbers of a sequence to the `S` numbers of all layers' initial states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitialRanges {
    /// `[S, statics]`
    pub weight: Range<usize>,
    /// `[S]`
    pub bias: Range<usize>,
    /// Numbers of a sequence.
    pub statics: usize,
    /// `S`
    pub size: usize,
}

/// The tensors of the linear head: `K` numbers a prediction over the last layer's `H` outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadRanges {
    /// `[K, H]`; the embeddings' where the two are tied.
    pub weight: Range<usize>,
    /// `[K]`
    pub bias: Range<usize>,
    /// `H`
    pub units: usize,
    /// `K`
    pub size: usize,
}

/// The tensors of the attention over the steps of the last layer's `H` outputs, with `A` hidden units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttentionRanges {
    /// `[A, H]`
    pub weight: Range<usize>,
    /// `[A]`
    pub bias: Range<usize>,
    /// `[A]`
    pub score: Range<usize>,
    /// `A`
    pub units: usize,
}

/// The scaling of `F` numbers of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScalingRanges {
    /// `[F]`: what is subtracted.
    pub mean: Range<usize>,
    /// `[F]`: what is divided by. 0 means "not fitted yet", and then scaling is the identity.
    pub deviation: Range<usize>,
}

/// The tensors of a model in the order of the flat vector: embeddings, the map to initial states, each layer from the input
/// upwards, attention, the normalisation of what the head reads, the head, and after all that is trained, what is not. So the trained numbers are one slice, which optimisers and clipping run over.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    tensors: Vec<Tensor>,
    input: InputDefinition,
    embedding: Option<EmbeddingRanges>,
    initial: Option<InitialRanges>,
    layers: Vec<LayerRanges>,
    attention: Option<AttentionRanges>,
    output_norm: Option<NormRanges>,
    head: HeadRanges,
    scaling: Option<ScalingRanges>,
    statics_scaling: Option<ScalingRanges>,
    trained_length: usize,
}

impl Layout {
    /// The layout of a definition that `validate` has accepted: its bounds keep every sum below 2³¹.
    #[must_use]
    pub fn of(definition: &ModelDefinition) -> Self {
        let mut tensors = Tensors(Vec::new());
        let embedding = embedding(&mut tensors, definition);
        let initial = initial(&mut tensors, definition);
        let mut input_size = definition.input.size();
        let mut layers = Vec::with_capacity(definition.layers.len());
        for (index, layer) in definition.layers.iter().enumerate() {
            let layer = tensors.layer(&format!("layers.{index}."), layer, input_size);
            input_size = layer.outputs();
            layers.push(layer);
        }
        let (outputs, size) = (input_size, definition.output.size());
        let attention = definition.output.attention(outputs).map(|units| AttentionRanges {
            weight: tensors.trained("attention.weight".to_owned(), &[units, outputs]),
            bias: tensors.trained("attention.bias".to_owned(), &[units]),
            score: tensors.trained("attention.score".to_owned(), &[units]),
            units,
        });
        let output_norm = definition.output.norm.then(|| tensors.norm("output.", outputs));
        let head = HeadRanges {
            weight: match &embedding {
                Some(embedding) if embedding.tied => embedding.weight.clone(),
                _ => tensors.trained("output.weight".to_owned(), &[size, outputs]),
            },
            bias: tensors.trained("output.bias".to_owned(), &[size]),
            units: outputs,
            size,
        };
        let trained_length = tensors.end();
        let mut scaling = |name: &str, size: usize| {
            (definition.input.scaling == Scaling::Standard && size > 0).then(|| ScalingRanges {
                mean: tensors.fitted(format!("{name}.mean"), &[size]),
                deviation: tensors.fitted(format!("{name}.deviation"), &[size]),
            })
        };
        let (features, statics) = (definition.input.features(), definition.input.statics());
        let (scaling, statics_scaling) = (scaling("input", features), scaling("statics", statics));
        Self {
            tensors: tensors.0,
            input: definition.input.clone(),
            embedding,
            initial,
            layers,
            attention,
            output_norm,
            head,
            scaling,
            statics_scaling,
            trained_length,
        }
    }

    /// Every tensor, in the order of the flat vector; together they cover it without a gap.
    #[must_use]
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// How many numbers are trained. They come first.
    #[must_use]
    pub fn trained_length(&self) -> usize {
        self.trained_length
    }

    /// How many numbers there are in all.
    #[must_use]
    pub fn total_length(&self) -> usize {
        self.tensors.last().map_or(0, |tensor| tensor.range().end)
    }

    /// Every recurrent layer, the one nearest to the input first.
    #[must_use]
    pub fn layers(&self) -> &[LayerRanges] {
        &self.layers
    }

    /// Layer `k`, counted from the input.
    ///
    /// # Panics
    /// When there is no such layer.
    #[must_use]
    pub fn layer(&self, k: usize) -> &LayerRanges {
        &self.layers[k]
    }

    /// The attention over steps, where the output has one.
    #[must_use]
    pub fn attention(&self) -> Option<&AttentionRanges> {
        self.attention.as_ref()
    }

    /// The normalisation of what the head reads, where the output has one.
    #[must_use]
    pub fn output_norm(&self) -> Option<&NormRanges> {
        self.output_norm.as_ref()
    }

    /// The linear head.
    #[must_use]
    pub fn head(&self) -> &HeadRanges {
        &self.head
    }

    /// What goes in.
    #[must_use]
    pub fn input(&self) -> &InputDefinition {
        &self.input
    }

    /// The embeddings of tokens, where the input has them.
    #[must_use]
    pub fn embedding(&self) -> Option<&EmbeddingRanges> {
        self.embedding.as_ref()
    }

    /// The map from statics to initial states, where the input has one.
    #[must_use]
    pub fn initial(&self) -> Option<&InitialRanges> {
        self.initial.as_ref()
    }

    /// The scaling of the input's features, where the definition has one.
    #[must_use]
    pub fn scaling(&self) -> Option<&ScalingRanges> {
        self.scaling.as_ref()
    }

    /// The scaling of the input's statics, where the definition has one.
    #[must_use]
    pub fn statics_scaling(&self) -> Option<&ScalingRanges> {
        self.statics_scaling.as_ref()
    }
}

impl Layout {
    /// Checks that a flat vector holds every number of the layout, all of them finite.
    pub fn check(&self, weights: &[f32]) -> Result<()> {
        check_weights(&self.tensors, weights)
    }

    /// Checks that a flat vector holds every number of the layout, whatever numbers.
    pub fn check_length(&self, weights: &[f32]) -> Result<()> {
        check_length(&self.tensors, weights)
    }
}

fn embedding(tensors: &mut Tensors, definition: &ModelDefinition) -> Option<EmbeddingRanges> {
    let (input, size) = (&definition.input, definition.input.embedding());
    let tokens = input.tokens? as usize;
    let weight = tensors.trained("embedding.weight".to_owned(), &[tokens, size]);
    let (padding, sparse, tied) = (input.padding, input.sparse, definition.output.tied);
    Some(EmbeddingRanges { weight, tokens, size, padding, sparse, tied })
}

fn initial(tensors: &mut Tensors, definition: &ModelDefinition) -> Option<InitialRanges> {
    let (statics, size) = (definition.input.statics_as_states(), definition.state_size());
    (statics > 0).then(|| InitialRanges {
        weight: tensors.trained("initial.weight".to_owned(), &[size, statics]),
        bias: tensors.trained("initial.bias".to_owned(), &[size]),
        statics,
        size,
    })
}

/// The tensors of a layer by itself, one after the other, and where each of them lies.
pub(crate) fn layer_alone(definition: &LayerDefinition, input_size: usize) -> (Vec<Tensor>, LayerRanges) {
    let mut tensors = Tensors(Vec::new());
    let ranges = tensors.layer("", definition, input_size);
    (tensors.0, ranges)
}

/// Checks that a flat vector holds every number of the tensors, all of them finite.
pub(crate) fn check_weights(tensors: &[Tensor], weights: &[f32]) -> Result<()> {
    check_length(tensors, weights)?;
    if let Some(index) = first_not_finite(weights) {
        let tensor = tensors.iter().find(|tensor| tensor.range().contains(&index));
        let name = tensor.map_or("weights", |tensor| &tensor.name);
        return Err(Error::new(ErrorCode::NotFinite, name, format!("{name} holds {}", weights[index])));
    }
    Ok(())
}

fn check_length(tensors: &[Tensor], weights: &[f32]) -> Result<()> {
    let length = tensors.last().map_or(0, |tensor| tensor.range().end);
    if weights.len() == length {
        return Ok(());
    }
    let message = format!("there are {} weights, the tensors have {length}", weights.len());
    Err(Error::new(ErrorCode::ShapeMismatch, "weights", message))
}

/// Tensors laid one after the other.
struct Tensors(Vec<Tensor>);

impl Tensors {
    fn end(&self) -> usize {
        self.0.last().map_or(0, |tensor| tensor.range().end)
    }

    /// A recurrent layer's tensors, their names after `prefix`.
    fn layer(&mut self, prefix: &str, definition: &LayerDefinition, input_size: usize) -> LayerRanges {
        let norm = definition.input_norm.then(|| self.norm(prefix, input_size));
        let shapes = DirectionTensors::shapes(definition, input_size);
        let directions = ["", "_reverse"][..definition.directions()].iter().map(|suffix| {
            shapes.clone().map_named(|name, shape| self.trained(format!("{prefix}{name}_l0{suffix}"), &shape))
        });
        let directions = directions.collect();
        LayerRanges { norm, directions, input_size, units: definition.units as usize, definition: definition.clone() }
    }

    /// The tensors of a layer normalisation over `size` numbers, their names after `prefix`.
    fn norm(&mut self, prefix: &str, size: usize) -> NormRanges {
        let [weight, bias] = ["weight", "bias"].map(|name| self.trained(format!("{prefix}norm.{name}"), &[size]));
        NormRanges { weight, bias, size }
    }

    fn trained(&mut self, name: String, shape: &[usize]) -> Range<usize> {
        self.push(name, shape, true)
    }

    fn fitted(&mut self, name: String, shape: &[usize]) -> Range<usize> {
        self.push(name, shape, false)
    }

    fn push(&mut self, name: String, shape: &[usize], trained: bool) -> Range<usize> {
        let length = shape.iter().product();
        let shape = shape.iter().map(|&size| size as u32).collect();
        let tensor = Tensor { name, shape, offset: self.end(), length, trained };
        let range = tensor.range();
        self.0.push(tensor);
        range
    }
}

#[cfg(test)]
mod tests {
    use super::super::definition::{At, OutputDefinition};
    use super::*;

    fn definition(scaling: &str) -> ModelDefinition {
        ModelDefinition::from_json(&format!(
            r#"{{"input": {{"features": 5, "scaling": "{scaling}"}},
                 "layers": [{{"cell": "lstm", "units": 3}}, {{"cell": "lstm", "units": 2}}],
                 "output": {{"classes": ["a", "b", "c"]}}}}"#
        ))
        .unwrap()
    }

    #[test]
    fn tensors_have_pytorchs_names_and_shapes_and_lie_without_a_gap() {
        let definition = definition("standard");
        let layout = Layout::of(&definition);
        let expected: [(&str, &[u32], usize); 12] = [
            ("layers.0.weight_ih_l0", &[12, 5], 0),
            ("layers.0.weight_hh_l0", &[12, 3], 60),
            ("layers.0.bias_ih_l0", &[12], 96),
            ("layers.0.bias_hh_l0", &[12], 108),
            ("layers.1.weight_ih_l0", &[8, 3], 120),
            ("layers.1.weight_hh_l0", &[8, 2], 144),
            ("layers.1.bias_ih_l0", &[8], 160),
            ("layers.1.bias_hh_l0", &[8], 168),
            ("output.weight", &[3, 2], 176),
            ("output.bias", &[3], 182),
            ("input.mean", &[5], 185),
            ("input.deviation", &[5], 190),
        ];
        let found: Vec<_> =
            layout.tensors().iter().map(|tensor| (tensor.name.as_str(), &tensor.shape[..], tensor.offset)).collect();
        assert_eq!(found, expected);
        let mut end = 0;
        for tensor in layout.tensors() {
            assert_eq!(tensor.range().start, end);
            assert_eq!(tensor.trained, !tensor.name.starts_with("input."));
            end = tensor.range().end;
        }
        assert_eq!((layout.trained_length(), layout.total_length()), (185, 195));
        assert_eq!(layout.trained_length() as u64, definition.parameters());
    }

    #[test]
    fn accessors_point_at_the_tensors_of_their_names() {
        let layout = Layout::of(&definition("standard"));
        let named = |name: &str| layout.tensors().iter().find(|tensor| tensor.name == name).unwrap().range();
        for (index, (input_size, units)) in [(5, 3), (3, 2)].into_iter().enumerate() {
            let layer = layout.layer(index);
            let [direction] = &layer.directions[..] else { panic!("the layer has one direction") };
            assert_eq!(direction.weight_ih, named(&format!("layers.{index}.weight_ih_l0")));
            assert_eq!(direction.weight_hh, named(&format!("layers.{index}.weight_hh_l0")));
            assert_eq!(direction.bias_ih, named(&format!("layers.{index}.bias_ih_l0")));
            assert_eq!(direction.bias_hh, named(&format!("layers.{index}.bias_hh_l0")));
            assert_eq!((layer.input_size, layer.units), (input_size, units));
        }
        let head = layout.head();
        assert_eq!((head.weight.clone(), head.bias.clone()), (named("output.weight"), named("output.bias")));
        assert_eq!((head.units, head.size), (2, 3));
        let scaling = layout.scaling().unwrap();
        assert_eq!((scaling.mean.clone(), scaling.deviation.clone()), (named("input.mean"), named("input.deviation")));
    }

    #[test]
    fn a_bidirectional_layer_has_its_tensors_twice_and_outputs_for_both() {
        let mut definition = definition("none");
        definition.layers[0].bidirectional = true;
        let layout = Layout::of(&definition);
        let names: Vec<_> = layout.tensors().iter().map(|tensor| (tensor.name.as_str(), &tensor.shape[..])).collect();
        assert_eq!(
            names[3..6],
            [
                ("layers.0.bias_hh_l0", &[12][..]),
                ("layers.0.weight_ih_l0_reverse", &[12, 5]),
                ("layers.0.weight_hh_l0_reverse", &[12, 3]),
            ]
        );
        assert_eq!(names[8], ("layers.1.weight_ih_l0", &[8, 6][..]));
        assert_eq!(layout.trained_length() as u64, definition.parameters());
    }

    #[test]
    fn attention_lies_between_the_layers_and_the_head() {
        let mut definition = definition("none");
        definition.output = OutputDefinition { values: Some(3), at: At::Attention, ..OutputDefinition::default() };
        let layout = Layout::of(&definition);
        let names: Vec<_> = layout.tensors().iter().map(|tensor| (tensor.name.as_str(), &tensor.shape[..])).collect();
        let attention = [("attention.weight", &[2, 2][..]), ("attention.bias", &[2]), ("attention.score", &[2])];
        assert_eq!(names[8..], [&attention[..], &[("output.weight", &[3, 2]), ("output.bias", &[3])]].concat());
        let found = layout.attention().unwrap();
        let ranges = [&found.weight, &found.bias, &found.score];
        assert!(ranges.into_iter().eq(layout.tensors()[8..11].iter().map(Tensor::range).collect::<Vec<_>>().iter()));
        assert_eq!(layout.trained_length() as u64, definition.parameters());
    }

    #[test]
    fn normalisations_lie_before_what_reads_them() {
        let mut definition = definition("none");
        (definition.layers[1].input_norm, definition.output.norm) = (true, true);
        definition.layers[0].bidirectional = true;
        let layout = Layout::of(&definition);
        let names: Vec<_> = layout.tensors().iter().map(|tensor| (tensor.name.as_str(), &tensor.shape[..])).collect();
        assert_eq!(names[8..10], [("layers.1.norm.weight", &[6][..]), ("layers.1.norm.bias", &[6])]);
        assert_eq!(names[14..16], [("output.norm.weight", &[2][..]), ("output.norm.bias", &[2])]);
        let norms = [layout.layer(1).norm.as_ref().unwrap(), layout.output_norm().unwrap()];
        for (norm, first) in norms.into_iter().zip([8, 14]) {
            let [weight, bias] = [0, 1].map(|index| layout.tensors()[first + index].range());
            assert_eq!((&norm.weight, &norm.bias, norm.size), (&weight, &bias, weight.len()));
        }
        assert_eq!((&layout.layer(0).norm, names.len()), (&None, 18));
        assert_eq!(layout.trained_length() as u64, definition.parameters());
    }

    #[test]
    fn embeddings_come_first_and_may_be_the_heads_weights() {
        let layout = |input: &str, output: &str| {
            let definition = ModelDefinition::from_json(&format!(
                r#"{{"input":{{"tokens":3,"embedding":4,{input}}},"layers":[{{"cell":"lstm","units":4}}],
                     "output":{{"classes":["a","b","c"]{output}}}}}"#
            ))
            .unwrap();
            let layout = Layout::of(&definition);
            assert_eq!(layout.trained_length() as u64, definition.parameters());
            layout
        };
        let all = layout(r#""features":2,"statics":5,"staticsAs":"states","scaling":"standard""#, "");
        let names: Vec<_> = all.tensors().iter().map(|tensor| (tensor.name.as_str(), &tensor.shape[..])).collect();
        let first = [("embedding.weight", &[3, 4][..]), ("initial.weight", &[8, 5]), ("initial.bias", &[8])];
        assert_eq!(names[..4], [&first[..], &[("layers.0.weight_ih_l0", &[16, 6])]].concat());
        let last = [("input.mean", &[2][..]), ("input.deviation", &[2]), ("statics.mean", &[5])];
        assert_eq!(names[9..], [&last[..], &[("statics.deviation", &[5])]].concat());

        let tied = layout(r#""statics":5,"scaling":"standard""#, r#","tied":true"#);
        assert_eq!((tied.head().weight.clone(), tied.initial()), (tied.tensors()[0].range(), None));
        let names: Vec<_> = tied.tensors()[4..].iter().map(|tensor| tensor.name.as_str()).collect();
        assert_eq!(names, ["layers.0.bias_hh_l0", "output.bias", "statics.mean", "statics.deviation"]);
    }

    #[test]
    fn without_scaling_everything_is_trained() {
        let layout = Layout::of(&definition("none"));
        assert_eq!(layout.scaling(), None);
        assert_eq!(layout.total_length(), layout.trained_length());
    }
}
