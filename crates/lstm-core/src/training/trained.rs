//! Which of the trained numbers move, and how: each tensor with what its group says. Knows names and places, no values.

use std::ops::Range;

use super::options::{OptimizerKind, ParameterGroup, TrainingOptions};
use crate::network::names::matches;
use crate::network::parameters::{Layout, Tensor};
use crate::{Error, ErrorCode, Result};

/// A tensor that moves.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TrainedTensor {
    /// Where it lies in the flat vector.
    pub(crate) range: Range<usize>,
    pub(crate) learning_rate_factor: f64,
    pub(crate) weight_decay: f32,
    /// What is added to a gradient of its weight's sign, and of its weight.
    pub(crate) penalty: [f32; 2],
    /// Numbers of one of its units, each of which adaptive clipping scales by itself.
    pub(crate) unit: usize,
    /// The number of its first unit among those of all of them.
    pub(crate) first_unit: usize,
}

impl TrainedTensor {
    /// How many units it has.
    pub(crate) fn units(&self) -> usize {
        self.range.len() / self.unit
    }
}

/// Every trained tensor that is not frozen, in the order of the flat vector. Fails where a group names what is not there, or what
/// another one has named.
pub(crate) fn trained_tensors(options: &TrainingOptions, layout: &Layout) -> Result<Vec<TrainedTensor>> {
    let optimizer = &options.optimizer;
    let trained: Vec<_> = layout.tensors().iter().filter(|tensor| tensor.trained).collect();
    let groups = groups_of(&trained, optimizer.groups.as_deref().unwrap_or_default())?;
    let mut first_unit = 0;
    let mut moving = Vec::with_capacity(trained.len());
    for (tensor, group) in trained.into_iter().zip(groups) {
        if group.is_some_and(|group| group.frozen) {
            continue;
        }
        let weight = is_weight(&tensor.name);
        let when_weight = |value: f32| if weight { value } else { 0.0 };
        let unit = match tensor.shape.as_slice() {
            [_, rest @ ..] if !rest.is_empty() => rest.iter().map(|&size| size as usize).product(),
            _ => tensor.length,
        };
        let one = TrainedTensor {
            range: tensor.range(),
            learning_rate_factor: group.and_then(|group| group.learning_rate_factor).map_or(1.0, f64::from),
            weight_decay: group
                .and_then(|group| group.weight_decay)
                .unwrap_or_else(|| when_weight(optimizer.weight_decay())),
            penalty: [when_weight(options.l1.unwrap_or(0.0)), when_weight(2.0 * options.l2.unwrap_or(0.0))],
            unit,
            first_unit,
        };
        first_unit += one.units();
        moving.push(one);
    }
    check_sparse(options, layout, &moving)?;
    Ok(moving)
}

/// The group of each tensor.
fn groups_of<'a>(tensors: &[&Tensor], groups: &'a [ParameterGroup]) -> Result<Vec<Option<&'a ParameterGroup>>> {
    let mut chosen = vec![None; tensors.len()];
    for (g, group) in groups.iter().enumerate() {
        for (k, pattern) in group.parameters.iter().enumerate() {
            let path = format!("optimizer.groups[{g}].parameters[{k}]");
            let mut found = false;
            for (tensor, chosen) in tensors.iter().zip(&mut chosen) {
                if !matches(pattern, &tensor.name) {
                    continue;
                }
                found = true;
                if let Some((other, _)) = chosen.replace((g, group))
                    && other != g
                {
                    let message = format!("{} is in groups[{other}] already: a parameter is in one group", tensor.name);
                    return Err(Error::new(ErrorCode::InvalidOption, path, message));
                }
            }
            if !found {
                let names: Vec<_> = tensors.iter().take(8).map(|tensor| tensor.name.as_str()).collect();
                let more = if tensors.len() > 8 { ", …" } else { "" };
                let message =
                    format!("`{pattern}` is the name of no trained parameter: they are {}{more}", names.join(", "));
                return Err(Error::new(ErrorCode::InvalidOption, path, message));
            }
        }
    }
    Ok(chosen.into_iter().map(|chosen| chosen.map(|(_, group)| group)).collect())
}

/// Whether weights decay and are penalised: everything but biases, and the gains of layer normalisation.
fn is_weight(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let is_gain = last.starts_with("gain") || name.ends_with(".norm.weight");
    !last.starts_with("bias") && !is_gain
}

/// A sparse table's rows are left alone by steps that have no gradient for them; not every option can do that.
fn check_sparse(options: &TrainingOptions, layout: &Layout, moving: &[TrainedTensor]) -> Result<()> {
    let Some(table) = layout.embedding().filter(|embedding| embedding.sparse) else { return Ok(()) };
    let Some(one) = moving.iter().find(|one| one.range == table.weight) else { return Ok(()) };
    let optimizer = &options.optimizer;
    let refuse = |path: &str, what: &str| {
        let message = format!(
            "{what} would change every embedding at every step, and `input.sparse` leaves alone what a batch does not read: \
             leave this out, make the input dense, or freeze `embedding.weight`"
        );
        Err(Error::new(ErrorCode::InvalidOption, path, message))
    };
    match optimizer.kind {
        OptimizerKind::Sgd if optimizer.momentum() > 0.0 => return refuse("optimizer.momentum", "momentum"),
        OptimizerKind::Adam if optimizer.amsgrad == Some(true) => {
            return refuse("optimizer.amsgrad", "the largest mean of squares");
        }
        OptimizerKind::Rmsprop | OptimizerKind::Adamw | OptimizerKind::Lion => {
            return refuse("optimizer.kind", &format!("`{}`", optimizer.kind.name()));
        }
        OptimizerKind::Sgd | OptimizerKind::Adam => {}
    }
    if one.weight_decay > 0.0 {
        return refuse("optimizer.weightDecay", "weight decay");
    }
    match one.penalty {
        [l1, _] if l1 > 0.0 => refuse("l1", "a penalty"),
        [_, l2] if l2 > 0.0 => refuse("l2", "a penalty"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::definition::ModelDefinition;

    fn layout(input: &str) -> Layout {
        let definition = format!(
            r#"{{"input":{input},"layers":[{{"cell":"lstm","units":3,"layerNorm":true,"peepholes":true}},
                {{"cell":"gru","units":2,"inputNorm":true}}],"output":{{"values":1,"at":"attention","norm":true}}}}"#
        );
        Layout::of(&ModelDefinition::from_json(&definition).unwrap())
    }

    fn trained_tensors_of(input: &str, options: &str) -> Result<Vec<(String, TrainedTensor)>> {
        let (layout, options) = (layout(input), TrainingOptions::from_json(options)?);
        let moving = trained_tensors(&options, &layout)?;
        let name = |one: &TrainedTensor| {
            layout.tensors().iter().find(|tensor| tensor.range() == one.range).unwrap().name.clone()
        };
        Ok(moving.into_iter().map(|one| (name(&one), one)).collect())
    }

    const NUMBERS: &str = r#"{"features":2}"#;

    fn is_no_weight(name: &str) -> bool {
        ["bias", "gain", "norm"].iter().any(|part| name.contains(part))
    }

    #[test]
    fn weights_decay_and_biases_and_gains_do_not() {
        let options = r#"{"optimizer":{"kind":"adamw"},"l1":0.25,"l2":0.5}"#;
        for (name, one) in trained_tensors_of(NUMBERS, options).unwrap() {
            let expected = if is_no_weight(&name) { (0.0, [0.0; 2]) } else { (0.01, [0.25, 1.0]) };
            assert_eq!((one.weight_decay, one.penalty), expected, "{name}");
        }
    }

    #[test]
    fn units_are_rows_of_matrices_and_whole_vectors() {
        let moving = trained_tensors_of(NUMBERS, "{}").unwrap();
        let mut units = 0;
        for (name, one) in moving {
            assert_eq!(one.first_unit, units, "{name}");
            units += one.units();
            let expected = match name.as_str() {
                "layers.0.weight_ih_l0" => Some((2, 12)),
                "layers.0.weight_hh_l0" => Some((3, 12)),
                "layers.0.bias_ih_l0" => Some((12, 1)),
                "layers.0.gain_cell_l0" => Some((3, 1)),
                "output.weight" => Some((2, 1)),
                _ => None,
            };
            if let Some(expected) = expected {
                assert_eq!((one.unit, one.units()), expected, "{name}");
            }
        }
    }

    #[test]
    fn groups_say_otherwise() {
        let options = r#"{"optimizer":{"kind":"sgd","weightDecay":0.5,"groups":[
            {"parameters":["layers.0.*"],"learningRateFactor":0.25},
            {"parameters":["*.bias*","output.*"],"weightDecay":0.125},{"parameters":["attention.*t*"],"frozen":true}]}}"#;
        let error = trained_tensors_of(NUMBERS, options).unwrap_err();
        assert_eq!(error.path, "optimizer.groups[1].parameters[0]", "{error}");
        let moving = trained_tensors_of(NUMBERS, &options.replace("*.bias*", "layers.1.bias*")).unwrap();
        let named: Vec<_> = moving.iter().map(|(name, _)| name.as_str()).collect();
        assert!(
            !named.contains(&"attention.weight")
                && named.contains(&"attention.bias")
                && named.contains(&"attention.score")
        );
        for (name, one) in &moving {
            let factor = if name.starts_with("layers.0.") { 0.25 } else { 1.0 };
            let decay = match name.as_str() {
                name if name.starts_with("output.") || name.starts_with("layers.1.bias") => 0.125,
                name if is_no_weight(name) => 0.0,
                _ => 0.5,
            };
            assert_eq!((one.learning_rate_factor, one.weight_decay), (factor, decay), "{name}");
        }
    }

    #[test]
    fn what_names_nothing_or_what_sparse_tables_cannot_do_is_refused() {
        let sparse = r#"{"tokens":9,"embedding":2,"sparse":true}"#;
        for (input, options, path, part) in [
            (
                NUMBERS,
                r#"{"optimizer":{"kind":"adam","groups":[{"parameters":["output.*","layer.*"]}]}}"#,
                "optimizer.groups[0].parameters[1]",
                "`layer.*` is the name of no trained parameter: they are layers.0.weight_ih_l0",
            ),
            (
                r#"{"features":2,"scaling":"standard"}"#,
                r#"{"optimizer":{"kind":"adam","groups":[{"parameters":["input.mean"]}]}}"#,
                "optimizer.groups[0].parameters[0]",
                "no trained parameter",
            ),
            (sparse, r#"{"optimizer":{"kind":"sgd","momentum":0.5}}"#, "optimizer.momentum", "`input.sparse`"),
            (sparse, r#"{"optimizer":{"kind":"sgd","weightDecay":0.5}}"#, "optimizer.weightDecay", "`input.sparse`"),
            (sparse, r#"{"optimizer":{"kind":"adam","amsgrad":true}}"#, "optimizer.amsgrad", "`input.sparse`"),
            (sparse, r#"{"optimizer":{"kind":"adamw"}}"#, "optimizer.kind", "`adamw` would"),
            (sparse, r#"{"optimizer":{"kind":"lion"}}"#, "optimizer.kind", "`input.sparse`"),
            (sparse, r#"{"optimizer":{"kind":"rmsprop"}}"#, "optimizer.kind", "`input.sparse`"),
            (sparse, r#"{"l1":0.1}"#, "l1", "`input.sparse`"),
            (sparse, r#"{"l2":0.1}"#, "l2", "`input.sparse`"),
        ] {
            let error = trained_tensors_of(input, options).unwrap_err();
            assert_eq!((error.code, error.path.as_str()), (ErrorCode::InvalidOption, path), "{options}: {error}");
            assert!(error.message.contains(part), "{options}: {error}");
        }
        let frozen =
            r#"{"optimizer":{"kind":"lion","groups":[{"parameters":["embedding.*"],"frozen":true}]},"l2":0.1}"#;
        assert!(trained_tensors_of(sparse, frozen).is_ok());
        let spared = r#"{"optimizer":{"kind":"adam","weightDecay":1,"groups":[{"parameters":["embedding.*"],"weightDecay":0}]}}"#;
        assert!(trained_tensors_of(sparse, spared).is_ok());
    }
}
