//! Small training runs: a task, a trainer with its data, and whoever hands it the chunks that it asks for.

use lstm_core::network::definition::ModelDefinition;
use lstm_core::network::machine::MachineOptions;
use lstm_core::network::targets::Targets;
use lstm_core::random::{RandomStream, Stream};
use lstm_core::training::options::TrainingOptions;
use lstm_core::training::report::TrainingProgress;
use lstm_core::{Model, Trainer};

pub(crate) const STEPS: usize = 6;
pub(crate) const FEATURES: usize = 2;

/// A network of two layers, given as JSON, in which `[PLAIN]` and `[DROPOUT]` are short for two of them.
pub(crate) fn definition(layers: &str) -> ModelDefinition {
    let layers = match layers {
        "[PLAIN]" => r#"[{"cell":"lstm","units":9},{"cell":"gru","units":5}]"#,
        "[DROPOUT]" => {
            r#"[{"cell":"lstm","units":9,"dropout":0.3,"recurrentDropout":0.2},
                {"cell":"gru","units":5,"zoneout":{"hidden":0.2},"weightDropout":0.3}]"#
        }
        other => other,
    };
    ModelDefinition::from_json(&format!(
        r#"{{"input":{{"features":{FEATURES},"scaling":"standard"}},"layers":{layers},
            "output":{{"classes":["falling","rising"]}},"seed":3}}"#
    ))
    .unwrap()
}

/// Sequences of 1 to 6 steps, of which those of class 1 have a positive mean in feature 0; feature 1 is noise far from zero.
pub(crate) struct Task {
    pub(crate) x: Vec<f32>,
    pub(crate) lengths: Vec<u32>,
    pub(crate) targets: Vec<u32>,
    /// Samples of each chunk; none where all data is given at once.
    pub(crate) sizes: Vec<u32>,
}

impl Task {
    pub(crate) fn new(samples: usize, sizes: &[u32]) -> Self {
        let mut random = RandomStream::new(5 + samples as u32, Stream::Shuffling);
        let mut task = Self { x: Vec::new(), lengths: Vec::new(), targets: Vec::new(), sizes: sizes.to_vec() };
        for sample in 0..samples {
            let class = (sample % 2) as u32;
            task.targets.push(class);
            task.lengths.push(1 + random.below(STEPS as u32));
            for _ in 0..STEPS {
                let centre = if class == 1 { 0.4 } else { -0.4 };
                task.x.extend([centre + random.uniform(-1.0, 1.0), 100.0 + random.uniform(-1.0, 1.0)]);
            }
        }
        task
    }

    /// Hands over a chunk.
    pub(crate) fn give(&self, trainer: &mut Trainer, chunk: u32) {
        let before = self.sizes[..chunk as usize].iter().sum::<u32>() as usize;
        let of = before..before + self.sizes[chunk as usize] as usize;
        let x = &self.x[of.start * STEPS * FEATURES..of.end * STEPS * FEATURES];
        let targets = Targets::classes(&self.targets[of.clone()]);
        trainer.set_chunk(chunk, x, STEPS, Some(&self.lengths[of]), targets).unwrap();
    }
}

/// A trainer with its data, not started.
pub(crate) fn trainer(definition: &ModelDefinition, options: &str, train: &Task, validation: Option<&Task>) -> Trainer {
    let machine = MachineOptions { threads: Some(1), ..MachineOptions::default() };
    let model = Model::new(definition.clone(), machine).unwrap();
    let options = TrainingOptions::from_json(options).unwrap();
    let mut trainer = Trainer::new(definition.clone(), machine, model.weights(), options).unwrap();
    if train.sizes.is_empty() {
        trainer.set_training(&train.x, STEPS, Some(&train.lengths), Targets::classes(&train.targets)).unwrap();
    } else {
        trainer.set_chunks(&train.sizes).unwrap();
    }
    if let Some(task) = validation {
        trainer.set_validation(&task.x, STEPS, Some(&task.lengths), Targets::classes(&task.targets)).unwrap();
    }
    trainer
}

/// So many batches, with the chunks that are asked for: losses and epochs of all of them.
pub(crate) fn advance(trainer: &mut Trainer, task: &Task, batches: u32) -> TrainingProgress {
    let mut all = trainer.advance(0).unwrap();
    while all.batches < batches && !all.finished {
        if let Some(chunk) = all.chunk {
            task.give(trainer, chunk);
        }
        let next = trainer.advance(batches - all.batches).unwrap();
        all.losses.extend(&next.losses);
        all.epochs.extend(next.epochs.clone());
        all = TrainingProgress { losses: all.losses, epochs: all.epochs, batches: all.batches + next.batches, ..next };
    }
    all
}

/// Everything that happens until the end, `batches` at a time.
pub(crate) fn finish(trainer: &mut Trainer, task: &Task, batches: u32) -> TrainingProgress {
    let mut all = advance(trainer, task, batches);
    while !all.finished {
        let next = advance(trainer, task, batches);
        all.losses.extend(&next.losses);
        all.epochs.extend(next.epochs.clone());
        all = TrainingProgress { losses: all.losses, epochs: all.epochs, batches: all.batches + next.batches, ..next };
    }
    all
}
