//! Which tensor starts how: the scheme of the whole network, and the rules that name single tensors.

use crate::{
    Error, ErrorCode, Result,
    network::{
        definition::{InitialisationDefinition, InitialisationKind, InitialisationRule, InitialisationScheme},
        names::matches,
    },
};

use super::{
    draw::Draw,
    parameters::{Parameter, Role},
};

/// The forget gate's bias of the scheme `gatewise`, so that cells begin by remembering (Jozefowicz et al. 2015).
const FORGET_BIAS: f32 = 1.0;

/// What one tensor starts with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Start {
    pub(super) draw: Draw,
    /// What the forget gate's part of it is set to afterwards.
    pub(super) forget_bias: Option<f32>,
}

/// What each of the tensors starts with. Refuses a pattern that names none, and a kind that cannot be of a tensor.
pub(super) fn starts(definition: &InitialisationDefinition, parameters: &[Parameter]) -> Result<Vec<Start>> {
    check_names(definition, parameters)?;
    parameters.iter().map(|parameter| start(definition, parameter)).collect()
}

/// Every pattern names a tensor, and a forget bias has a gate to stand in.
fn check_names(definition: &InitialisationDefinition, parameters: &[Parameter]) -> Result<()> {
    for (index, rule) in definition.rules.iter().enumerate() {
        for (which, pattern) in rule.parameters.iter().enumerate() {
            if !parameters.iter().any(|parameter| matches(pattern, parameter.name)) {
                let names: Vec<_> = parameters.iter().map(|parameter| parameter.name).take(4).collect();
                let message =
                    format!("`{pattern}` names no tensor that is trained; they are `{}`, …", names.join("`, `"));
                return refuse(format!("rules[{index}].parameters[{which}]"), message);
            }
        }
    }
    let forgets = |parameter: &Parameter| forget_gate(parameter).is_some();
    if definition.forget_bias.is_some() && !parameters.iter().any(forgets) {
        return refuse("forgetBias".to_owned(), "no layer has a forget gate with a bias: leave this out");
    }
    Ok(())
}

fn start(definition: &InitialisationDefinition, parameter: &Parameter) -> Result<Start> {
    let names = |rule: &InitialisationRule| rule.parameters.iter().any(|pattern| matches(pattern, parameter.name));
    let forget_bias = definition.forget_bias.filter(|_| forget_gate(parameter).is_some());
    let Some(index) = definition.rules.iter().rposition(names) else {
        let of_scheme = (definition.scheme == InitialisationScheme::Gatewise).then_some(FORGET_BIAS);
        let draw = match definition.scheme {
            InitialisationScheme::Gatewise => gatewise(parameter),
            InitialisationScheme::Pytorch => pytorch(parameter),
        };
        let forget_bias = forget_bias.or(of_scheme.filter(|_| forget_gate(parameter).is_some()));
        return Ok(Start { draw, forget_bias });
    };
    let rule = &definition.rules[index];
    if rule.kind == InitialisationKind::Chrono && forget_bias.is_some() {
        let message = format!("rules[{index}] draws the forget gate's biases in `{}`: leave this out", parameter.name);
        return refuse("forgetBias".to_owned(), message);
    }
    match draw(rule, parameter) {
        Ok(draw) => Ok(Start { draw, forget_bias }),
        Err(message) => refuse(format!("rules[{index}].kind"), format!("`{}` {message}", parameter.name)),
    }
}

fn forget_gate(parameter: &Parameter) -> Option<usize> {
    if let Role::GateBiases(biases) = &parameter.role { biases.forget() } else { None }
}

fn gatewise(parameter: &Parameter) -> Draw {
    match parameter.role {
        Role::Table { .. } => Draw::Normal(1.0),
        Role::Maps { recurrent: true, .. } => Draw::Orthogonal(1.0),
        Role::Maps { outputs, inputs, .. } => Draw::Uniform(root(6.0, inputs + outputs, 1.0)),
        Role::GateBiases(_) | Role::Offsets => Draw::Constant(0.0),
        Role::Gains => Draw::Constant(1.0),
    }
}

/// What `PyTorch` has not starts as in the scheme `gatewise`; its embeddings do so too.
fn pytorch(parameter: &Parameter) -> Draw {
    parameter.pytorch.map_or_else(|| gatewise(parameter), |n| Draw::Uniform(root(1.0, n, 1.0)))
}

/// What a rule makes of a tensor, or why it cannot.
fn draw(rule: &InitialisationRule, parameter: &Parameter) -> std::result::Result<Draw, String> {
    use InitialisationKind as Kind;
    let gain = rule.gain.unwrap_or(1.0);
    let fans = || parameter.role.fans().ok_or_else(|| "is no map of numbers to others: give another kind".to_owned());
    let uniform = |variance: f64, fan: usize| Draw::Uniform(root(3.0 * variance, fan, gain));
    let normal = |variance: f64, fan: usize| Draw::Normal(f64::from(gain) * libm::sqrt(variance / fan as f64));
    Ok(match rule.kind {
        Kind::Pytorch => pytorch(parameter),
        Kind::GlorotUniform => fans().map(|(inputs, outputs)| uniform(2.0, inputs + outputs))?,
        Kind::GlorotNormal => fans().map(|(inputs, outputs)| normal(2.0, inputs + outputs))?,
        Kind::HeUniform => uniform(2.0, fans()?.0),
        Kind::HeNormal => normal(2.0, fans()?.0),
        Kind::LecunUniform => uniform(1.0, fans()?.0),
        Kind::LecunNormal => normal(1.0, fans()?.0),
        Kind::Orthogonal => fans().map(|_| Draw::Orthogonal(gain))?,
        Kind::Identity => match fans()? {
            (inputs, outputs) if inputs == outputs => Draw::Identity(gain),
            (inputs, outputs) => {
                return Err(format!("maps {inputs} numbers to {outputs}: the identity takes as many of both"));
            }
        },
        Kind::Chrono => match &parameter.role {
            Role::GateBiases(biases) if biases.keeps.is_some() || biases.takes.is_some() => {
                Draw::Chrono(rule.longest.unwrap_or(2))
            }
            _ => return Err("holds no biases of an LSTM's or a GRU's gates: name its `bias_ih`".to_owned()),
        },
        Kind::Constant => Draw::Constant(rule.value.unwrap_or(0.0)),
        Kind::Uniform => Draw::Uniform(rule.bound.unwrap_or(0.0)),
        Kind::Normal => Draw::Normal(f64::from(rule.deviation.unwrap_or(0.0))),
    })
}

/// `gain · √(numerator / n)`, rounded once.
fn root(numerator: f64, n: usize, gain: f32) -> f32 {
    (f64::from(gain) * libm::sqrt(numerator / n as f64)) as f32
}

fn refuse<T>(field: String, message: impl Into<String>) -> Result<T> {
    Err(Error::new(ErrorCode::InvalidDefinition, format!("initialisation.{field}"), message))
}

#[cfg(test)]
mod tests {
    use crate::{ErrorCode, LayerOptions, network::definition::ModelDefinition};

    fn with(layer: &str, initialisation: &str) -> String {
        format!(
            r#"{{"input":{{"features":5,"scaling":"standard"}},"layers":[{layer}],"output":{{"values":3}},
                 "initialisation":{{{initialisation}}}}}"#
        )
    }

    #[track_caller]
    fn assert_refused(layer: &str, initialisation: &str, path: &str, part: &str) {
        let error = ModelDefinition::from_json(&with(layer, initialisation)).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidDefinition);
        assert_eq!(error.path, format!("initialisation{path}"), "{}", error.message);
        assert!(error.message.contains(part), "{}", error.message);
    }

    const LSTM: &str = r#"{"cell":"lstm","units":4}"#;

    #[test]
    fn options_that_are_none_of_the_kinds_are_refused() {
        let cases = [
            (r#""parameters":[],"kind":"orthogonal""#, "parameters", "names no tensor"),
            (
                r#""parameters":["*"],"kind":"glorot""#,
                "kind",
                "`glorot` is not known: use one of `pytorch`, `glorot_uniform`",
            ),
            (r#""parameters":["*"]"#, "kind", "missing"),
            (r#""parameters":["*"],"kind":"constant""#, "value", "`value` is missing"),
            (r#""parameters":["*"],"kind":"constant","value":1e39"#, "value", "finite"),
            (r#""parameters":["*"],"kind":"constant","value":1,"gain":2"#, "gain", "knows no such option"),
            (r#""parameters":["*"],"kind":"uniform","bound":0"#, "bound", "above 0"),
            (r#""parameters":["*"],"kind":"normal","deviation":-1"#, "deviation", "above 0"),
            (r#""parameters":["*"],"kind":"normal","deviation":null"#, "deviation", "null"),
            (r#""parameters":["*weight*"],"kind":"orthogonal","gain":0"#, "gain", "above 0"),
            (r#""parameters":["*"],"kind":"orthogonal","value":1"#, "value", "knows no such option"),
            (r#""parameters":["*.bias_ih*"],"kind":"chrono","longest":1"#, "longest", "from 2 to 16777216"),
            (r#""parameters":["*.bias_ih*"],"kind":"chrono""#, "longest", "missing"),
            (r#""parameters":["*"],"kind":"pytorch","gain":2"#, "gain", "knows no such option"),
        ];
        for (rule, field, part) in cases {
            assert_refused(LSTM, &format!(r#""rules":[{{{rule}}}]"#), &format!(".rules[0].{field}"), part);
        }
        assert_refused(LSTM, r#""scheme":"keras""#, ".scheme", "use `gatewise` or `pytorch`");
        assert_refused(LSTM, r#""forgetBias":null"#, ".forgetBias", "null");
        assert_refused(LSTM, r#""forgetBias":1e39"#, ".forgetBias", "finite");
        assert_refused(LSTM, r#""weights":1"#, ".weights", "there is no field `weights` here");
    }

    #[test]
    fn what_cannot_be_of_a_tensor_is_refused() {
        let gru = r#"{"cell":"gru","units":5}"#;
        let rnn = r#"{"cell":"rnn","units":5}"#;
        let projected = r#"{"cell":"lstm","units":4,"projection":2,"peepholes":true}"#;
        let plain = r#"{"cell":"lstm","units":4,"bias":false}"#;
        let of = |pattern: &str, kind: &str| format!(r#"{{"parameters":["output.bias","{pattern}"],{kind}}}"#);
        let identity = r#""kind":"identity""#;
        let chrono = r#""kind":"chrono","longest":9"#;
        for (layer, pattern, kind, part) in [
            (LSTM, "layers.0.weight_ih_l0", identity, "maps 5 numbers to 4"),
            (projected, "layers.0.weight_hh_l0", identity, "maps 2 numbers to 4"),
            (LSTM, "output.weight", identity, "maps 4 numbers to 3"),
            (LSTM, "layers.0.bias_ih_l0", r#""kind":"he_normal""#, "`layers.0.bias_ih_l0` is no map"),
            (projected, "layers.0.weight_peephole_l0", r#""kind":"orthogonal""#, "is no map"),
            (LSTM, "layers.0.weight_ih_l0", chrono, "holds no biases of an LSTM's or a GRU's gates"),
            (rnn, "layers.0.bias_ih_l0", chrono, "holds no biases"),
            (LSTM, "output.bias", chrono, "holds no biases"),
        ] {
            let rules = format!(
                r#""rules":[{{"parameters":["*"],"kind":"constant","value":0}},{{"parameters":["{pattern}"],{kind}}}]"#
            );
            assert_refused(layer, &rules, ".rules[1].kind", part);
        }
        for pattern in ["layers.1.*", "weight_hh_l0", "input.mean", ""] {
            let rules = format!(r#""rules":[{}]"#, of(pattern, r#""kind":"constant","value":0"#));
            assert_refused(LSTM, &rules, ".rules[0].parameters[1]", "names no tensor that is trained");
        }
        for layer in [gru, rnn, plain, r#"{"cell":"lstm","units":4,"coupledGates":true}"#] {
            assert_refused(layer, r#""forgetBias":1"#, ".forgetBias", "no layer has a forget gate with a bias");
        }
        let both = format!(r#""forgetBias":1,"rules":[{{"parameters":["*.bias_*"],{chrono}}}]"#);
        assert_refused(LSTM, &both, ".forgetBias", "rules[0] draws the forget gate's biases");
    }

    #[test]
    fn a_layer_by_itself_names_its_own_tensors() {
        use crate::{
            Layer,
            network::{definition::LayerDefinition, machine::MachineOptions},
        };
        let layer = |rules: &str| {
            let options =
                LayerOptions::from_json(&format!(r#"{{"inputs":3,"initialisation":{{"rules":[{rules}]}}}}"#))?;
            Layer::new(LayerDefinition::from_json(LSTM)?, options, MachineOptions::default())
        };
        let twos = layer(r#"{"parameters":["weight_hh_l0"],"kind":"constant","value":2}"#).unwrap();
        assert_eq!(twos.weights().iter().filter(|&&weight| weight == 2.0).count(), 4 * 4 * 4);
        for (rules, path) in [
            (r#"{"parameters":["layers.0.*"],"kind":"constant","value":2}"#, "initialisation.rules[0].parameters[0]"),
            (r#"{"parameters":["*"],"kind":"constant"}"#, "initialisation.rules[0].value"),
        ] {
            let error = layer(rules).err().unwrap();
            assert_eq!((error.code, error.path.as_str()), (ErrorCode::InvalidOption, path));
        }
    }
}
