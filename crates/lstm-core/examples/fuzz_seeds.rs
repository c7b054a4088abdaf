//! Writes the seeds that fuzzing begins with to `fuzz/seeds`: files, definitions and options as users have them, small ones.
//! `cargo run -p lstm-core --example fuzz_seeds`

#[path = "../fuzz/src/targets.rs"]
mod targets;

use std::path::Path;
use std::{fs, io};

use lstm_core::Model;
use lstm_core::formats::header;
use lstm_core::network::definition::ModelDefinition;
use lstm_core::network::machine::MachineOptions;
use lstm_core::training::options::TrainingOptions;

const DEFINITIONS: [(&str, &str); 6] = [
    (
        "classes",
        r#"{"input":{"features":2,"scaling":"standard"},"layers":[{"cell":"lstm","units":2,"bidirectional":true}],"output":{"classes":["a","b"]},"seed":7}"#,
    ),
    (
        "tokens",
        r#"{"input":{"tokens":5,"embedding":2,"padding":0,"statics":1,"staticsAs":"states"},"layers":[{"cell":"gru","units":2,"reset":"before","bias":false},{"cell":"rnn","units":2,"activation":"relu","residual":true}],"output":{"values":1,"at":"each"}}"#,
    ),
    (
        "options",
        r#"{"input":{"features":1},"layers":[{"cell":"lstm","units":3,"projection":2,"peepholes":true,"layerNorm":true,"dropout":0.1,"recurrentDropout":0.2,"weightDropout":0.3,"zoneout":{"hidden":0.1,"cell":0.2}}],"output":{"values":1,"steps":2,"quantiles":[0.1,0.9],"dropout":0.1,"at":"attention"}}"#,
    ),
    (
        "variants",
        r#"{"input":{"features":1},"layers":[{"cell":"lstm","units":2,"coupledGates":true,"cellClip":3,"gateActivation":"hard_sigmoid"}],"output":{"labels":["x","y"],"at":"max"}}"#,
    ),
    (
        "initialisation",
        r#"{"input":{"features":1},"layers":[{"cell":"lstm","units":2}],"output":{"values":1},"initialisation":{"scheme":"pytorch","forgetBias":1,"rules":[{"parameters":["layers.*.weight_hh*"],"kind":"orthogonal","gain":0.5}]}}"#,
    ),
    (
        "tied",
        r#"{"input":{"tokens":3,"embedding":2},"layers":[{"cell":"lstm","units":2}],"output":{"classes":["a","b","c"],"at":"each","tied":true}}"#,
    ),
];

const OPTIONS: [(&str, &str); 6] = [
    ("none", "{}"),
    (
        "adam",
        r#"{"epochs":3,"batchSize":2,"optimizer":{"kind":"adamw","learningRate":{"schedule":"one-cycle","peak":0.004},"weightDecay":0.01,"amsgrad":true},"clipNorm":1}"#,
    ),
    (
        "sgd",
        r#"{"optimizer":{"kind":"sgd","momentum":0.9,"nesterov":true,"learningRate":{"schedule":"cosine","rate":0.1,"restartEpochs":2,"warmup":{"steps":3}},"groups":[{"parameters":["output.*"],"learningRateFactor":0.5}]},"clipValue":0.5,"l2":0.001}"#,
    ),
    (
        "run",
        r#"{"epochs":2,"batchSize":2,"accumulateBatches":2,"averaging":{"decay":0.9},"earlyStopping":{"patience":1,"metric":"loss"},"bucketing":true,"shuffle":true}"#,
    ),
    ("loss", r#"{"loss":{"kind":"huber","delta":0.5},"clipAdaptive":0.1,"l1":0.01}"#),
    (
        "spans",
        r#"{"backpropagationSteps":2,"stateful":true,"shuffle":false,"batchSize":2,"optimizer":{"kind":"rmsprop","centered":true}}"#,
    ),
];

fn main() -> io::Result<()> {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    let write = |target: &str, name: &str, bytes: &[u8]| {
        if let Some((_, run)) = targets::ALL.into_iter().find(|(each, _)| *each == target) {
            run(bytes);
        }
        fs::create_dir_all(seeds.join(target))?;
        fs::write(seeds.join(target).join(name), bytes)
    };
    for (name, text) in DEFINITIONS {
        let definition = ModelDefinition::from_json(text).map_err(io::Error::other)?;
        let machine = MachineOptions { threads: Some(1), ..MachineOptions::default() };
        let mut model = Model::new(definition, machine).map_err(io::Error::other)?;
        if name == "tokens" {
            model.set_preprocessing(Some("{\"version\":1}".to_owned())).map_err(io::Error::other)?;
        }
        let file = model.save().map_err(io::Error::other)?;
        write("definition", name, text.as_bytes())?;
        write("model", name, &file)?;
        write("header", name, &file)?;
    }
    for (name, json) in [
        (
            "types",
            r#"{"tensors":[{"name":"a","type":"f64","shape":[2]},{"name":"b","type":"bf16","shape":[1,3]},{"name":"c","type":"bool","shape":[]}],"metadata":{"format":"pt"}}"#,
        ),
        ("empty", r#"{"tensors":[]}"#),
    ] {
        let mut file = header::write(json).map_err(io::Error::other)?;
        file.extend(vec![0; if name == "types" { 16 + 6 + 1 } else { 0 }]);
        write("header", name, &file)?;
    }
    for (name, text) in OPTIONS {
        TrainingOptions::from_json(text).map_err(io::Error::other)?;
        write("options", name, text.as_bytes())?;
    }
    let mut trainer = targets::RUNS[0].trainer();
    trainer.start().map_err(io::Error::other)?;
    for steps in 0..3 {
        let contents = lstm_core::to_json(&trainer.optimizer());
        write("optimizer", &format!("after-{steps}"), contents.as_bytes())?;
        targets::RUNS[0].advance(&mut trainer).map_err(io::Error::other)?;
    }
    for (number, run) in targets::RUNS.iter().enumerate() {
        let mut trainer = run.trainer();
        trainer.start().map_err(io::Error::other)?;
        for step in 0..6 {
            write("checkpoint", &format!("{number}-{step}"), &trainer.checkpoint().map_err(io::Error::other)?)?;
            run.advance(&mut trainer).map_err(io::Error::other)?;
        }
    }
    Ok(())
}
