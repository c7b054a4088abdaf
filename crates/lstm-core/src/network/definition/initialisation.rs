//! Where a model's first weights come from, as data. What each kind draws, and for which tensors, is said where it is drawn:
//! [`crate::training::initializers`].

use serde::{Deserialize, Serialize};

use super::{invalid, is_default};
use crate::{Result, json};

/// Most steps that chrono initialisation is told to remember over.
pub const MAX_DEPENDENCY: u32 = 1 << 24;

/// The weights that a model starts with, all of them drawn from its seed.
///
/// Every kind works on one gate's map at a time: the fans of an LSTM's `weight_ih` are those of one gate, its orthogonal `weight_hh`
/// is four orthogonal matrices.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema), ts(optional_fields))]
pub struct InitialisationDefinition {
    /// What every tensor starts with that no rule names. `"gatewise"` unless given.
    #[serde(skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", ts(as = "Option<InitialisationScheme>", optional))]
    pub scheme: InitialisationScheme,
    /// What every LSTM's forget gate has as its bias in `bias_ih`, whatever the rest says. As the scheme has it unless given.
    #[serde(deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "f32"))]
    pub forget_bias: Option<f32>,
    /// What single tensors start with. Of several rules that name a tensor, the last one counts. None unless given.
    #[serde(skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", ts(as = "Option<Vec<InitialisationRule>>", optional))]
    pub rules: Vec<InitialisationRule>,
}

/// What all tensors of a network start with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub enum InitialisationScheme {
    /// Orthogonal recurrent weights, other weights Glorot uniform, biases 0 but for an LSTM's forget gate's, which are 1.
    #[default]
    Gatewise,
    /// As `PyTorch`'s modules draw them: weights and biases uniform, of a recurrent layer of H units between ±1/√H, of a linear map
    /// of n inputs between ±1/√n; embeddings standard normal. An LSTM's forget gate is no exception.
    Pytorch,
}

/// What some tensors start with. Everything but `parameters` and `kind` is of the kinds that its description begins with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema), ts(optional_fields))]
pub struct InitialisationRule {
    /// Names of tensors; `*` stands for any characters, or none: `layers.0.weight_hh_l0`, `*.weight_hh*`. Each names one at least.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub parameters: Vec<String>,
    /// Where their numbers come from.
    pub kind: InitialisationKind,
    /// Glorot, He, `LeCun`, orthogonal, identity: what the numbers are multiplied with, above 0. 1 unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "f32", extend("exclusiveMinimum" = 0)))]
    pub gain: Option<f32>,
    /// `"constant"`: the number.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "f32"))]
    pub value: Option<f32>,
    /// `"uniform"`: the largest size, above 0.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "f32", extend("exclusiveMinimum" = 0)))]
    pub bound: Option<f32>,
    /// `"normal"`: the standard deviation, above 0.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "f32", extend("exclusiveMinimum" = 0)))]
    pub deviation: Option<f32>,
    /// `"chrono"`: the steps over which the layer may have to remember: 2 to 16,777,216.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "u32", range(min = 2, max = MAX_DEPENDENCY)))]
    pub longest: Option<u32>,
}

/// Where a tensor's first numbers come from. A map takes `in` numbers to `out` numbers: one gate's, a projection, the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub enum InitialisationKind {
    /// What the scheme `"pytorch"` gives this tensor.
    Pytorch,
    /// Maps: uniform between ±√(6 / (in + out)) (Glorot and Bengio 2010).
    GlorotUniform,
    /// Maps: normal with the variance 2 / (in + out).
    GlorotNormal,
    /// Maps: uniform between ±√(6 / in) (He et al. 2015, for `ReLU`).
    HeUniform,
    /// Maps: normal with the variance 2 / in.
    HeNormal,
    /// Maps: uniform between ±√(3 / in) (`LeCun` et al. 1998).
    LecunUniform,
    /// Maps: normal with the variance 1 / in.
    LecunNormal,
    /// Maps: rows or columns that are orthonormal, whichever are fewer (Saxe et al. 2014).
    Orthogonal,
    /// Maps of as many outputs as inputs: the identity (of `ReLU` networks' `weight_hh`: Le et al. 2015).
    Identity,
    /// An LSTM's or a GRU's biases, for what it has to remember over at most T steps: the forget gate's log of a number that is uniform
    /// from 1 to T − 1, the input gate's the same below 0, others 0, all of it in `bias_ih` (Tallec and Ollivier 2018).
    /// With coupled gates the input gate's alone; of a GRU, whose update gate keeps the state, that gate's.
    Chrono,
    /// One number.
    Constant,
    /// Uniform between ±`bound`.
    Uniform,
    /// Normal with the mean 0.
    Normal,
}

impl InitialisationKind {
    /// Whether its numbers are drawn or set for a map as a whole, and may be multiplied by a gain.
    #[must_use]
    pub fn takes_gain(self) -> bool {
        !matches!(self, Self::Pytorch | Self::Chrono | Self::Constant | Self::Uniform | Self::Normal)
    }
}

impl InitialisationDefinition {
    /// Checks what can be checked without knowing the tensors.
    pub(crate) fn validate(&self) -> Result<()> {
        if let Some(bias) = self.forget_bias
            && !bias.is_finite()
        {
            return invalid("initialisation.forgetBias".to_owned(), format!("{bias} is no bias: give a finite number"));
        }
        self.rules
            .iter()
            .enumerate()
            .try_for_each(|(index, rule)| rule.validate(&format!("initialisation.rules[{index}]")))
    }
}

impl InitialisationRule {
    /// A rule without options.
    #[must_use]
    pub fn new(parameters: &[&str], kind: InitialisationKind) -> Self {
        let parameters = parameters.iter().map(|&name| name.to_owned()).collect();
        Self { parameters, kind, gain: None, value: None, bound: None, deviation: None, longest: None }
    }

    fn validate(&self, path: &str) -> Result<()> {
        use InitialisationKind::{Chrono, Constant, Normal, Uniform};
        let at = |field: &str| format!("{path}.{field}");
        if self.parameters.is_empty() {
            return invalid(at("parameters"), "this names no tensor: give names, or patterns such as `*.weight_hh*`");
        }
        let (value, longest) = (self.value.is_some(), self.longest.is_some());
        let options = [
            ("gain", self.gain.is_some(), self.kind.takes_gain(), false),
            ("value", value, self.kind == Constant, true),
            ("bound", self.bound.is_some(), self.kind == Uniform, true),
            ("deviation", self.deviation.is_some(), self.kind == Normal, true),
            ("longest", longest, self.kind == Chrono, true),
        ];
        for (field, given, taken, required) in options {
            if given && !taken {
                return invalid(at(field), "this kind of initialisation knows no such option: leave it out");
            }
            if taken && required && !given {
                return invalid(at(field), format!("`{field}` is missing: it has no default"));
            }
        }
        for (field, number) in [("gain", self.gain), ("bound", self.bound), ("deviation", self.deviation)] {
            if let Some(number) = number
                && !(number > 0.0 && number.is_finite())
            {
                return invalid(at(field), format!("{number} is out of range: give a finite number above 0"));
            }
        }
        match (self.value, self.longest) {
            (Some(value), _) if !value.is_finite() => {
                invalid(at("value"), format!("{value} is no weight: give a finite number"))
            }
            (_, Some(longest)) if !(2..=MAX_DEPENDENCY).contains(&longest) => {
                let message = format!("{longest} is out of range: give a whole number from 2 to {MAX_DEPENDENCY}");
                invalid(at("longest"), message)
            }
            _ => Ok(()),
        }
    }
}
