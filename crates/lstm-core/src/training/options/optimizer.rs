//! Which optimiser moves the weights, and the one place of its defaults: PyTorch's, and Lion's those of its authors.

use serde::{Deserialize, Serialize};

use super::check::{belong, decay, not_negative, positive, require};
use super::learning_rate::LearningRate;
use crate::{Error, ErrorCode, Result, json};

/// An optimiser and its settings. Everything but the kind may be left out, and is of the kinds that its description begins with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS), ts(optional_fields))]
pub struct OptimizerOptions {
    /// Which optimiser.
    pub kind: OptimizerKind,
    /// Step size, above 0, or a schedule of step sizes. 0.001 unless given; of `"rmsprop"` 0.01, of `"lion"` 0.0001.
    #[cfg_attr(feature = "schema", ts(type = "number | LearningRateSchedule"))]
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<LearningRate>,
    /// `"sgd"`, `"rmsprop"`: the part of the last step that goes on, from 0 to below 1. 0 unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub momentum: Option<f32>,
    /// `"sgd"`: the part of a gradient that its momentum leaves out, from 0 to below 1. 0 unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub dampening: Option<f32>,
    /// `"sgd"`: whether momentum looks a step ahead (Nesterov 1983, as Sutskever et al. 2013 write it). False unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub nesterov: Option<bool>,
    /// `"rmsprop"`: decay of the mean of squared gradients, from 0 to below 1. 0.99 unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,
    /// `"rmsprop"`: whether gradients are divided by their deviation instead of their size (Graves 2013). False unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub centered: Option<bool>,
    /// `"adam"`, `"adamw"`, `"lion"`: decay of the mean of gradients, from 0 to below 1; of Lion, its part in a step. 0.9 unless
    /// given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub beta1: Option<f64>,
    /// `"adam"`, `"adamw"`: decay of the mean of squared gradients, from 0 to below 1, 0.999 unless given. `"lion"`: decay of the
    /// mean of gradients, 0.99 unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub beta2: Option<f64>,
    /// `"rmsprop"`, `"adam"`, `"adamw"`: added to the root of the mean of squares, above 0. 1e-8 unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub epsilon: Option<f32>,
    /// `"adam"`, `"adamw"`: whether steps are divided by the largest mean of squares so far (Reddi et al. 2018). False unless
    /// given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub amsgrad: Option<bool>,
    /// How fast weights shrink, from 0 on; biases and gains do not, unless a group says so. Of `"sgd"`, `"rmsprop"` and `"adam"`
    /// part of the gradient (the weight times this is added to it); of `"adamw"` and `"lion"` apart from it (each step takes
    /// the learning rate times this of the weight away: Loshchilov and Hutter 2019). 0 unless given; of `"adamw"` 0.01.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<f32>,
    /// Parameters that are treated otherwise than the rest. A parameter is in one group at the most. None unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<ParameterGroup>>,
}

/// The kinds of optimisers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub enum OptimizerKind {
    /// Stochastic gradient descent (Robbins and Monro 1951), with momentum (Polyak 1964) if wanted.
    Sgd,
    /// RMSprop (Tieleman and Hinton 2012).
    Rmsprop,
    /// Adam (Kingma and Ba 2015).
    Adam,
    /// Adam with weight decay apart from the gradient (Loshchilov and Hutter 2019).
    Adamw,
    /// Lion (Chen et al. 2023): the sign of a mean of gradients. Takes a learning rate three to ten times smaller than AdamW's,
    /// and a weight decay as much larger.
    Lion,
}

impl OptimizerKind {
    /// Its name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sgd => "sgd",
            Self::Rmsprop => "rmsprop",
            Self::Adam => "adam",
            Self::Adamw => "adamw",
            Self::Lion => "lion",
        }
    }
}

/// Some of the parameters, by their names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS), ts(optional_fields))]
pub struct ParameterGroup {
    /// Their names, as `parameters()` has them; `*` stands for any characters: `["layers.0.*", "embedding.weight"]`.
    pub parameters: Vec<String>,
    /// What the learning rate is multiplied with, from 0 on. 1 unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub learning_rate_factor: Option<f32>,
    /// The weight decay of all of them, biases and gains too. The optimiser's, on weights alone, unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<f32>,
    /// Whether they stay as they are. Their gradients then do not count where gradients are clipped. False unless given.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "schema", ts(as = "Option<bool>"))]
    pub frozen: bool,
}

impl Default for OptimizerOptions {
    fn default() -> Self {
        Self::new(OptimizerKind::Adam)
    }
}

impl OptimizerOptions {
    /// An optimiser with its defaults.
    #[must_use]
    pub fn new(kind: OptimizerKind) -> Self {
        Self {
            kind,
            learning_rate: None,
            momentum: None,
            dampening: None,
            nesterov: None,
            alpha: None,
            centered: None,
            beta1: None,
            beta2: None,
            epsilon: None,
            amsgrad: None,
            weight_decay: None,
            groups: None,
        }
    }

    /// Reads and validates the options; of those of `fit` they are `optimizer`.
    pub fn from_json(text: &str) -> Result<Self> {
        let options: Self = json::parse(text, ErrorCode::InvalidOption)
            .map_err(|error: Error| Error { path: json::join("optimizer", &error.path), ..error })?;
        options.validate()?;
        Ok(options)
    }

    /// The learning rate unless one is given, and that of schedules that do not say theirs.
    #[must_use]
    pub fn default_learning_rate(&self) -> f64 {
        match self.kind {
            OptimizerKind::Sgd | OptimizerKind::Adam | OptimizerKind::Adamw => 1e-3,
            OptimizerKind::Rmsprop => 1e-2,
            OptimizerKind::Lion => 1e-4,
        }
    }

    /// The momentum of those that have one: what a one-cycle schedule cycles.
    pub(crate) fn momentum(&self) -> f32 {
        self.momentum.unwrap_or(0.0)
    }

    pub(crate) fn beta1(&self) -> f64 {
        self.beta1.unwrap_or(0.9)
    }

    pub(crate) fn beta2(&self) -> f64 {
        self.beta2.unwrap_or(if self.kind == OptimizerKind::Lion { 0.99 } else { 0.999 })
    }

    pub(crate) fn epsilon(&self) -> f32 {
        self.epsilon.unwrap_or(1e-8)
    }

    pub(crate) fn alpha(&self) -> f64 {
        self.alpha.unwrap_or(0.99)
    }

    /// Of weights that are in no group, or in one that does not say its own.
    pub(crate) fn weight_decay(&self) -> f32 {
        self.weight_decay.unwrap_or(if self.kind == OptimizerKind::Adamw { 1e-2 } else { 0.0 })
    }

    pub(super) fn validate(&self) -> Result<()> {
        use OptimizerKind::{Adam, Adamw, Lion, Rmsprop, Sgd};
        let fields: [(&str, bool, &[OptimizerKind]); 9] = [
            ("momentum", self.momentum.is_some(), &[Sgd, Rmsprop]),
            ("dampening", self.dampening.is_some(), &[Sgd]),
            ("nesterov", self.nesterov.is_some(), &[Sgd]),
            ("alpha", self.alpha.is_some(), &[Rmsprop]),
            ("centered", self.centered.is_some(), &[Rmsprop]),
            ("beta1", self.beta1.is_some(), &[Adam, Adamw, Lion]),
            ("beta2", self.beta2.is_some(), &[Adam, Adamw, Lion]),
            ("epsilon", self.epsilon.is_some(), &[Rmsprop, Adam, Adamw]),
            ("amsgrad", self.amsgrad.is_some(), &[Adam, Adamw]),
        ];
        belong(&fields, self.kind, OptimizerKind::name, "optimizer")?;
        if let Some(rate) = &self.learning_rate {
            rate.validate()?;
        }
        for (field, value) in [
            ("momentum", self.momentum.map(f64::from)),
            ("dampening", self.dampening.map(f64::from)),
            ("alpha", self.alpha),
            ("beta1", self.beta1),
            ("beta2", self.beta2),
        ] {
            value.map_or(Ok(()), |value| decay(value, &format!("optimizer.{field}")))?;
        }
        positive(self.epsilon(), "optimizer.epsilon")?;
        not_negative(self.weight_decay(), "optimizer.weightDecay")?;
        let holds = !self.nesterov.unwrap_or(false) || self.momentum() > 0.0 && self.dampening.unwrap_or(0.0) == 0.0;
        require(holds, "optimizer.nesterov", || {
            "this needs a `momentum` above 0 and no `dampening`: give the one and leave out the other".to_owned()
        })?;
        for (index, group) in self.groups.iter().flatten().enumerate() {
            group.validate(&format!("optimizer.groups[{index}]"))?;
        }
        Ok(())
    }
}

impl ParameterGroup {
    fn validate(&self, path: &str) -> Result<()> {
        require(!self.parameters.is_empty(), &format!("{path}.parameters"), || {
            "this names no parameter: give at least one name".to_owned()
        })?;
        for (field, value) in [("learningRateFactor", self.learning_rate_factor), ("weightDecay", self.weight_decay)] {
            let path = format!("{path}.{field}");
            value.map_or(Ok(()), |value| not_negative(value, &path))?;
            require(value.is_none() || !self.frozen, &path, || {
                "what is frozen does not move: leave this out, or `frozen`".to_owned()
            })?;
        }
        Ok(())
    }
}
