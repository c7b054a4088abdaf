//! The learning rate as it is chosen: a number, or a schedule with its settings. What the schedules come to is in `schedules`.

use serde::de::{MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::check::{belong, require};
use crate::{Result, json};

/// Where errors point to.
const PATH: &str = "optimizer.learningRate";

/// A learning rate that stays the same, or one that changes.
#[derive(Debug, Clone, PartialEq)]
pub enum LearningRate {
    /// The same at every step.
    Constant(f64),
    /// As the schedule says.
    Schedule(Box<LearningRateSchedule>),
}

/// How the learning rate changes while training goes on. Everything but the schedule may be left out, and is of the schedules
/// that its description begins with. Below, t counts steps and T is the number of them, both without those of `warmup`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS), ts(optional_fields))]
pub struct LearningRateSchedule {
    /// Which schedule.
    pub schedule: ScheduleKind,
    /// All but `"one-cycle"` and `"table"`: the learning rate that it begins with, above 0. The optimiser's default unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// `"polynomial"`, `"cosine"`: the learning rate that it comes down to, from 0 on. 0 unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub end: Option<f64>,
    /// `"step"`: after how many epochs the learning rate falls, at least 1.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub every: Option<u32>,
    /// `"step"`, `"exponential"`, `"plateau"`: what the learning rate is multiplied with when it falls, above 0 and at most 1, of
    /// `"plateau"` below 1. 0.1 unless given; to be given for `"exponential"`.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
    /// `"polynomial"`: the power, above 0. 1 unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub power: Option<f64>,
    /// `"cosine"`: after how many epochs it begins anew for the first time, at least 1. Without restarts unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub restart_epochs: Option<u32>,
    /// `"cosine"` with restarts: by what each cycle is longer than the one before, at least 1. 1 unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub restart_factor: Option<u32>,
    /// `"one-cycle"`: the largest learning rate, above 0. To be given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub peak: Option<f64>,
    /// `"one-cycle"`: the part of all steps in which the learning rate rises, from 0 to 1. 0.3 unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub rise: Option<f64>,
    /// `"one-cycle"`: it begins with the peak divided by this, which is above 0. 25 unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub start_divisor: Option<f64>,
    /// `"one-cycle"`: it ends with what it has begun with divided by this, which is above 0. 10,000 unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub end_divisor: Option<f64>,
    /// `"one-cycle"`: whether momentum falls while the learning rate rises, and rises while it falls: `beta1` of Adam, AdamW and
    /// Lion, `momentum` of SGD and RMSprop where they have one. True unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub cycle_momentum: Option<bool>,
    /// `"one-cycle"`: the least momentum, from 0 to below 1. 0.85 unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub least_momentum: Option<f64>,
    /// `"one-cycle"`: the largest momentum, from the least to below 1. 0.95 unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub largest_momentum: Option<f64>,
    /// `"plateau"`: how many epochs without a better loss are waited for before the learning rate falls. 10 unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub patience: Option<u32>,
    /// `"plateau"`: the part of the best loss by which another has to be below it to be better, from 0 to below 1. 0.0001 unless
    /// given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// `"plateau"`: how many epochs after a fall do not count. 0 unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub cooldown: Option<u32>,
    /// `"plateau"`: the least learning rate, from 0 on. 0 unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub least: Option<f64>,
    /// `"table"`: the learning rate of each step, all from 0 on; as many as there are steps.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub rates: Option<Vec<f64>>,
    /// All but `"table"`: steps before the schedule begins, in which the learning rate rises to where it does. None unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub warmup: Option<Warmup>,
}

/// Steps in which the learning rate rises evenly (Goyal et al. 2017; `LinearLR` in PyTorch), before a schedule begins. Either
/// `steps` or `epochs` is given.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS), ts(optional_fields))]
pub struct Warmup {
    /// How many steps, at least 1.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// How many epochs, at least 1.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub epochs: Option<u32>,
    /// The part of the schedule's first learning rate that the first step has, from 0 to 1. 1/3 unless given.
    #[serde(default, deserialize_with = "json::present", skip_serializing_if = "Option::is_none")]
    pub from: Option<f64>,
}

/// The schedules. Their values are PyTorch's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub enum ScheduleKind {
    /// `rate` at every step.
    Constant,
    /// `rate` times `factor` after every `every` epochs (`StepLR` in PyTorch).
    Step,
    /// `rate` times `factor` after every epoch (`ExponentialLR` in PyTorch).
    Exponential,
    /// end + (rate − end) (1 − t / T)^power (`PolynomialLR` in PyTorch, whose end is 0).
    Polynomial,
    /// end + (rate − end) (1 + cos(π t / T)) / 2 (Loshchilov and Hutter 2017); with restarts, of each cycle anew
    /// (`CosineAnnealingLR` and `CosineAnnealingWarmRestarts` in PyTorch).
    Cosine,
    /// Up to `peak` and down again, along cosines (Smith and Topin 2018; `OneCycleLR` in PyTorch).
    OneCycle,
    /// `rate`, which falls when the validation's loss, or without validation the epoch's, does not get better
    /// (`ReduceLROnPlateau` in PyTorch).
    Plateau,
    /// `rates`, one a step.
    Table,
}

impl ScheduleKind {
    fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Step => "step",
            Self::Exponential => "exponential",
            Self::Polynomial => "polynomial",
            Self::Cosine => "cosine",
            Self::OneCycle => "one-cycle",
            Self::Plateau => "plateau",
            Self::Table => "table",
        }
    }
}

impl LearningRate {
    pub(super) fn validate(&self) -> Result<()> {
        match self {
            Self::Constant(rate) => positive(*rate, PATH),
            Self::Schedule(schedule) => schedule.validate(),
        }
    }
}

impl LearningRateSchedule {
    /// A schedule of which nothing else is given.
    #[must_use]
    pub fn new(schedule: ScheduleKind) -> Self {
        Self {
            schedule,
            rate: None,
            end: None,
            every: None,
            factor: None,
            power: None,
            restart_epochs: None,
            restart_factor: None,
            peak: None,
            rise: None,
            start_divisor: None,
            end_divisor: None,
            cycle_momentum: None,
            least_momentum: None,
            largest_momentum: None,
            patience: None,
            threshold: None,
            cooldown: None,
            least: None,
            rates: None,
            warmup: None,
        }
    }

    fn validate(&self) -> Result<()> {
        self.validate_fields()?;
        let needed = match self.schedule {
            ScheduleKind::Step => ("every", self.every.is_some()),
            ScheduleKind::Exponential => ("factor", self.factor.is_some()),
            ScheduleKind::OneCycle => ("peak", self.peak.is_some()),
            ScheduleKind::Table => ("rates", self.rates.is_some()),
            _ => ("", true),
        };
        require(needed.1, &at(needed.0), || format!("`{}` is missing: it has no default", needed.0))?;
        for (field, value) in [
            ("rate", self.rate),
            ("peak", self.peak),
            ("power", self.power),
            ("startDivisor", self.start_divisor),
            ("endDivisor", self.end_divisor),
        ] {
            value.map_or(Ok(()), |value| positive(value, &at(field)))?;
        }
        for (field, value) in [("end", self.end), ("least", self.least)] {
            value.map_or(Ok(()), |value| not_negative(value, &at(field)))?;
        }
        for (index, &rate) in self.rates.iter().flatten().enumerate() {
            not_negative(rate, &at(&format!("rates[{index}]")))?;
        }
        for (field, value) in
            [("every", self.every), ("restartEpochs", self.restart_epochs), ("restartFactor", self.restart_factor)]
        {
            require(value != Some(0), &at(field), || "0 is out of range: give a whole number above it".to_owned())?;
        }
        self.validate_parts()?;
        require(self.restart_factor.is_none() || self.restart_epochs.is_some(), &at("restartFactor"), || {
            "there are no restarts without `restartEpochs`: give it, or leave this out".to_owned()
        })?;
        self.warmup.map_or(Ok(()), Warmup::validate)
    }

    /// What is part of something else.
    fn validate_parts(&self) -> Result<()> {
        if let Some(factor) = self.factor {
            let holds = factor > 0.0 && factor <= 1.0 && (factor < 1.0 || self.schedule != ScheduleKind::Plateau);
            require(holds, &at("factor"), || {
                format!("{factor} is out of range: give a number above 0 and at most 1, for a plateau below 1")
            })?;
        }
        if let Some(rise) = self.rise {
            require((0.0..=1.0).contains(&rise), &at("rise"), || {
                format!("{rise} is out of range: give a number from 0 to 1")
            })?;
        }
        for (field, value) in [
            ("threshold", self.threshold),
            ("leastMomentum", self.least_momentum),
            ("largestMomentum", self.largest_momentum),
        ] {
            require(value.is_none_or(|value| (0.0..1.0).contains(&value)), &at(field), || {
                format!("{} is out of range: give a number from 0 to below 1", value.unwrap_or_default())
            })?;
        }
        let (least, largest) = (self.least_momentum.unwrap_or(0.85), self.largest_momentum.unwrap_or(0.95));
        require(least <= largest, &at("leastMomentum"), || {
            format!("{least} is above the largest momentum, {largest}: give a smaller one")
        })
    }

    fn validate_fields(&self) -> Result<()> {
        use ScheduleKind::{Constant, Cosine, Exponential, OneCycle, Plateau, Polynomial, Step, Table};
        let begins: [ScheduleKind; 6] = [Constant, Step, Exponential, Polynomial, Cosine, Plateau];
        let all_but_table = [Constant, Step, Exponential, Polynomial, Cosine, OneCycle, Plateau];
        let fields: [(&str, bool, &[ScheduleKind]); 20] = [
            ("rate", self.rate.is_some(), &begins),
            ("end", self.end.is_some(), &[Polynomial, Cosine]),
            ("every", self.every.is_some(), &[Step]),
            ("factor", self.factor.is_some(), &[Step, Exponential, Plateau]),
            ("power", self.power.is_some(), &[Polynomial]),
            ("restartEpochs", self.restart_epochs.is_some(), &[Cosine]),
            ("restartFactor", self.restart_factor.is_some(), &[Cosine]),
            ("peak", self.peak.is_some(), &[OneCycle]),
            ("rise", self.rise.is_some(), &[OneCycle]),
            ("startDivisor", self.start_divisor.is_some(), &[OneCycle]),
            ("endDivisor", self.end_divisor.is_some(), &[OneCycle]),
            ("cycleMomentum", self.cycle_momentum.is_some(), &[OneCycle]),
            ("leastMomentum", self.least_momentum.is_some(), &[OneCycle]),
            ("largestMomentum", self.largest_momentum.is_some(), &[OneCycle]),
            ("patience", self.patience.is_some(), &[Plateau]),
            ("threshold", self.threshold.is_some(), &[Plateau]),
            ("cooldown", self.cooldown.is_some(), &[Plateau]),
            ("least", self.least.is_some(), &[Plateau]),
            ("rates", self.rates.is_some(), &[Table]),
            ("warmup", self.warmup.is_some(), &all_but_table),
        ];
        belong(&fields, self.schedule, ScheduleKind::name, PATH)
    }
}

impl Warmup {
    fn validate(self) -> Result<()> {
        let path = at("warmup");
        require(self.steps.is_some() != self.epochs.is_some(), &path, || "give either `steps` or `epochs`".to_owned())?;
        for (field, value) in [("steps", self.steps), ("epochs", self.epochs)] {
            require(value != Some(0), &json::join(&path, field), || {
                "0 is out of range: give a whole number above it".to_owned()
            })?;
        }
        let from = self.from.unwrap_or(0.0);
        require((0.0..=1.0).contains(&from), &json::join(&path, "from"), || {
            format!("{from} is out of range: give a number from 0 to 1")
        })
    }
}

fn at(field: &str) -> String {
    json::join(PATH, field)
}

/// Learning rates are used as f32, so they have to be numbers there.
fn positive(value: f64, path: &str) -> Result<()> {
    super::check::positive(value as f32, path)
}

fn not_negative(value: f64, path: &str) -> Result<()> {
    super::check::not_negative(value as f32, path)
}

impl Serialize for LearningRate {
    fn serialize<S: Serializer>(&self, target: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Constant(rate) => rate.serialize(target),
            Self::Schedule(schedule) => schedule.serialize(target),
        }
    }
}

/// serde's own untagged enums lose what is wrong inside them.
impl<'de> Deserialize<'de> for LearningRate {
    fn deserialize<D: Deserializer<'de>>(source: D) -> std::result::Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = LearningRate;

            fn expecting(&self, text: &mut std::fmt::Formatter) -> std::fmt::Result {
                text.write_str("a number or an object")
            }

            fn visit_f64<E: serde::de::Error>(self, rate: f64) -> std::result::Result<LearningRate, E> {
                Ok(LearningRate::Constant(rate))
            }

            fn visit_u64<E: serde::de::Error>(self, rate: u64) -> std::result::Result<LearningRate, E> {
                self.visit_f64(rate as f64)
            }

            fn visit_i64<E: serde::de::Error>(self, rate: i64) -> std::result::Result<LearningRate, E> {
                self.visit_f64(rate as f64)
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> std::result::Result<LearningRate, A::Error> {
                let schedule = LearningRateSchedule::deserialize(MapAccessDeserializer::new(fields));
                schedule.map(|schedule| LearningRate::Schedule(Box::new(schedule)))
            }
        }
        source.deserialize_any(Read)
    }
}
