//! What goes into a network, as data.

use serde::{Deserialize, Serialize};

use super::{in_range, invalid, is_default};
use crate::{Result, json};

/// Most numbers a step, whatever they come from.
pub const MAX_FEATURES: u32 = 65_536;
/// Most different tokens: each index is exact as an f32.
pub const MAX_TOKENS: u32 = 1 << 24;

/// What a sequence is made of: numbers at each step, a token at each step, or both; and numbers that hold for all of it.
///
/// A step's input is its `features` numbers, then its token's embedding, then, if they are joined there, the statics.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields),
    schemars(extend("anyOf" = [{"required": ["features"]}, {"required": ["tokens", "embedding"]}]))
)]
pub struct InputDefinition {
    /// Numbers a step: 1 to 65,536. None unless given.
    #[serde(deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "u32", range(min = 1, max = MAX_FEATURES)))]
    pub features: Option<u32>,
    /// How many different tokens there are, counted from 0: 1 to 16,777,216. Each step then has one. None unless given.
    #[serde(deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "u32", range(min = 1, max = MAX_TOKENS)))]
    pub tokens: Option<u32>,
    /// Of tokens: numbers that each is looked up as, 1 to 65,536; all are trained (`nn.Embedding` in `PyTorch`).
    #[serde(deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "u32", range(min = 1, max = MAX_FEATURES)))]
    pub embedding: Option<u32>,
    /// Of tokens: the one whose embedding is zero and stays so (`padding_idx` in `PyTorch`; there as here, an output that is
    /// tied to the embeddings trains it all the same). None unless given.
    #[serde(deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "u32", range(max = MAX_TOKENS - 1)))]
    pub padding: Option<u32>,
    /// Of tokens: whether a training step changes the embeddings of its batch's tokens alone, and their moments (`sparse=True`
    /// and `SparseAdam` in `PyTorch`): much less work with many tokens. Else all move by their moments. False unless given.
    #[serde(skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", ts(as = "Option<bool>", optional))]
    pub sparse: bool,
    /// Numbers that hold for a whole sequence: 1 to 65,536. None unless given.
    #[serde(deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "u32", range(min = 1, max = MAX_FEATURES)))]
    pub statics: Option<u32>,
    /// Of statics: where they enter. `"steps"` unless given.
    #[serde(skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", ts(as = "Option<StaticsAs>", optional))]
    pub statics_as: StaticsAs,
    /// How numbers are scaled before the first layer, those of steps and statics. `"none"` unless given.
    #[cfg_attr(feature = "schema", ts(as = "Option<Scaling>", optional))]
    pub scaling: Scaling,
}

/// Where the numbers of a whole sequence enter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub enum StaticsAs {
    /// Beside the input of every step.
    #[default]
    Steps,
    /// A linear map of them is what every layer begins from, its initial hidden and cell states (Karpathy and Fei-Fei 2015).
    States,
}

/// How the input's numbers are scaled. What is fitted is saved with the model and applied wherever data enters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub enum Scaling {
    /// As they come.
    #[default]
    None,
    /// Each feature minus its mean, over its standard deviation: both taken from the training data's valid steps
    /// when `fit` first runs, and kept from then on.
    Standard,
}

impl InputDefinition {
    /// Numbers alone.
    #[must_use]
    pub fn of_features(features: u32) -> Self {
        Self { features: Some(features), ..Self::default() }
    }

    /// Numbers a step; 0 where there are none.
    #[must_use]
    pub fn features(&self) -> usize {
        self.features.unwrap_or(0) as usize
    }

    /// Numbers that a token is looked up as; 0 where there are no tokens.
    #[must_use]
    pub fn embedding(&self) -> usize {
        self.embedding.unwrap_or(0) as usize
    }

    /// Numbers of a whole sequence; 0 where there are none.
    #[must_use]
    pub fn statics(&self) -> usize {
        self.statics.unwrap_or(0) as usize
    }

    /// Statics that stand beside the input of every step.
    #[must_use]
    pub fn statics_at_steps(&self) -> usize {
        if self.statics_as == StaticsAs::Steps { self.statics() } else { 0 }
    }

    /// Statics that every layer's initial states are made from.
    #[must_use]
    pub fn statics_as_states(&self) -> usize {
        self.statics() - self.statics_at_steps()
    }

    /// Numbers a step that go into the first layer.
    #[must_use]
    pub fn size(&self) -> usize {
        self.features() + self.embedding() + self.statics_at_steps()
    }

    pub(super) fn validate(&self) -> Result<()> {
        let at = |field: &str| format!("input.{field}");
        if self.features.is_none() && self.tokens.is_none() {
            return invalid("input".to_owned(), "say what a step is: give `features`, `tokens`, or both");
        }
        let sizes = [
            ("features", self.features, MAX_FEATURES),
            ("tokens", self.tokens, MAX_TOKENS),
            ("embedding", self.embedding, MAX_FEATURES),
            ("statics", self.statics, MAX_FEATURES),
        ];
        for (field, size, most) in sizes {
            size.map_or(Ok(()), |size| in_range(size, most, || at(field)))?;
        }
        self.check_tokens(&at)?;
        if self.statics.is_none() && self.statics_as != StaticsAs::Steps {
            return invalid(at("staticsAs"), "there are no statics: say how many in `statics`, or leave this out");
        }
        if self.scaling != Scaling::None && self.features() + self.statics() == 0 {
            return invalid(at("scaling"), "tokens are not scaled, and there are no other numbers: leave this out");
        }
        if self.size() > MAX_FEATURES as usize {
            let message = format!("a step would have {} numbers, the most is {MAX_FEATURES}", self.size());
            return invalid("input".to_owned(), message);
        }
        Ok(())
    }

    fn check_tokens(&self, at: &impl Fn(&str) -> String) -> Result<()> {
        let Some(tokens) = self.tokens else {
            let of_tokens =
                [("embedding", self.embedding.is_some()), ("padding", self.padding.is_some()), ("sparse", self.sparse)];
            return match of_tokens.into_iter().find(|&(_, given)| given) {
                None => Ok(()),
                Some((field, _)) => invalid(at(field), "this belongs to tokens: say how many there are in `tokens`"),
            };
        };
        if self.embedding.is_none() {
            return invalid(at("embedding"), "say how many numbers a token is looked up as");
        }
        match self.padding {
            Some(padding) if padding >= tokens => {
                invalid(at("padding"), format!("{padding} is no token: they count from 0 to {}", tokens - 1))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        ModelDefinition,
        tests::{assert_problem, problem},
    };

    fn with(input: &str) -> String {
        format!(r#"{{"input":{{{input}}},"layers":[{{"cell":"lstm","units":5}}],"output":{{"values":1}}}}"#)
    }

    #[test]
    fn every_input_survives_its_own_json_and_defaults_are_left_out() {
        for input in [
            r#""features":5,"scaling":"standard""#,
            r#""tokens":65,"embedding":8,"padding":0,"sparse":true,"scaling":"none""#,
            r#""features":2,"tokens":65,"embedding":8,"statics":3,"staticsAs":"states","scaling":"none""#,
        ] {
            let definition = ModelDefinition::from_json(&with(input)).unwrap();
            assert_eq!(serde_json::to_string(&definition.input).unwrap(), format!("{{{input}}}"));
        }
    }

    #[test]
    fn a_step_is_its_numbers_its_embedding_and_the_statics_beside_it() {
        let input = |text: &str| ModelDefinition::from_json(&with(text)).unwrap().input;
        let all = r#""features":2,"tokens":65,"embedding":8,"statics":3"#;
        assert_eq!((input(all).size(), input(all).statics_as_states()), (13, 0));
        let states = input(&format!(r#"{all},"staticsAs":"states""#));
        assert_eq!((states.size(), states.statics_as_states()), (10, 3));
    }

    #[test]
    fn each_mistake_has_its_path() {
        let cases = [
            ("", "input", "give `features`, `tokens`, or both"),
            (r#""features":0"#, "input.features", "from 1 to 65536"),
            (r#""features":null"#, "input.features", "null"),
            (r#""tokens":0,"embedding":1"#, "input.tokens", "from 1 to 16777216"),
            (r#""tokens":5"#, "input.embedding", "how many numbers a token"),
            (r#""tokens":5,"embedding":0"#, "input.embedding", "from 1 to 65536"),
            (r#""features":5,"embedding":2"#, "input.embedding", "belongs to tokens"),
            (r#""features":5,"padding":0"#, "input.padding", "belongs to tokens"),
            (r#""features":5,"sparse":true"#, "input.sparse", "belongs to tokens"),
            (r#""tokens":5,"embedding":2,"padding":5"#, "input.padding", "from 0 to 4"),
            (r#""tokens":5,"embedding":2,"scaling":"standard""#, "input.scaling", "tokens are not scaled"),
            (r#""features":5,"statics":0"#, "input.statics", "from 1 to 65536"),
            (r#""features":5,"staticsAs":"states""#, "input.staticsAs", "there are no statics"),
            (r#""features":5,"staticsAs":"state""#, "input.staticsAs", "use `steps` or `states`"),
            (r#""features":65536,"statics":1"#, "input", "65537 numbers, the most is 65536"),
        ];
        for (input, field, part) in cases {
            assert_problem(&with(input), field, part);
        }
        let tied = with(r#""tokens":2,"embedding":5,"sparse":true"#)
            .replace(r#""values":1"#, r#""classes":["a","b"],"tied":true"#);
        assert_eq!(problem(&tied).0, "input.sparse");
        assert!(ModelDefinition::from_json(&tied.replace(r#","sparse":true"#, "")).is_ok());
    }
}
