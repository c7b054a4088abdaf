//! The table of options in the documentation: complete, with tests that know the options and examples that run. Runs with the
//! feature `schema`.

mod common;

use common::network::{NetworkCase, WeightsOf};
use lstm_core::kernels::InstructionSet;
use lstm_core::network::definition::ModelDefinition;
use lstm_core::network::definition::options::{OPTIONS, Part};
use schemars::schema_for;
use std::path::Path;

fn read(path: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The fields of a struct by its JSON schema, those of a struct in it by both names.
fn fields(of: &str) -> Vec<String> {
    let schema = schema_for!(ModelDefinition).to_value();
    let fields = |of: &str| schema["$defs"][of]["properties"].as_object().unwrap().clone();
    let named = |(name, field): (String, serde_json::Value)| match field["$ref"].as_str() {
        Some("#/$defs/Zoneout") => fields("Zoneout").keys().map(|inner| format!("{name}.{inner}")).collect(),
        _ => vec![name],
    };
    let mut names: Vec<String> = fields(of).into_iter().flat_map(named).collect();
    names.sort();
    names
}

#[test]
fn every_field_is_an_option_of_the_table() {
    for (part, of) in [
        (Part::Input, "InputDefinition"),
        (Part::Layer, "LayerDefinition"),
        (Part::Output, "OutputDefinition"),
        (Part::Initialisation, "InitialisationDefinition"),
        (Part::Rule, "InitialisationRule"),
    ] {
        let mut names: Vec<String> =
            OPTIONS.iter().filter(|option| option.part == part).map(|option| option.name.to_owned()).collect();
        names.sort();
        assert_eq!(names, fields(of));
    }
}

#[test]
fn every_test_knows_its_options() {
    let random = read("crates/lstm-core/tests/common/definitions.rs");
    for option in OPTIONS {
        let test = read(option.test);
        for name in option.name.split('.') {
            assert!(test.contains(name), "{} says nothing of {}", option.test, option.name);
            let snake: String = name
                .chars()
                .map(|c| if c.is_uppercase() { format!("_{}", c.to_lowercase()) } else { c.into() })
                .collect();
            assert!(random.contains(&snake), "random definitions do without {}", option.name);
        }
    }
}

#[test]
fn every_example_has_its_option_and_learns() {
    for option in OPTIONS {
        let text = option.definition();
        let part: serde_json::Value = serde_json::from_str(&text).unwrap();
        let weights = &part["initialisation"];
        let parts = [&part["input"], &part["layers"], &part["output"], weights, &weights["rules"]];
        let part = parts[option.part as usize];
        let layers = part.as_array().map_or_else(|| vec![part.clone()], Clone::clone);
        let has = |part: &serde_json::Value| {
            !part.pointer(&format!("/{}", option.name.replace('.', "/"))).unwrap_or(&serde_json::Value::Null).is_null()
        };
        assert!(layers.iter().any(has), "{text} has no {}", option.name);
        let definition = ModelDefinition::from_json(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let case = NetworkCase::random(&definition, &[3, 5, 1], 5, WeightsOf::Nothing, 1);
        let mut trainer = case.trainer(InstructionSet::choose().unwrap());
        let before = trainer.weights().to_vec();
        assert_eq!(trainer.advance(1).unwrap().losses.len(), 1, "{text}");
        assert!(before != trainer.weights(), "{text}");
    }
}
