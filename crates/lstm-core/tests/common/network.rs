//! A whole network with a batch for it: run by the fast path, and by the oracle.

use lstm_core::kernels::InstructionSet;
use lstm_core::network::definition::{At, ModelDefinition, OutputKind};
use lstm_core::network::machine::MachineOptions;
use lstm_core::network::parameters::Layout;
use lstm_core::network::samples::Inputs;
use lstm_core::network::targets::{NO_CLASS, Targets};
use lstm_core::random::{RandomStream, Stream};
use lstm_core::reference::{
    NetworkBatch, NetworkMasks, NetworkOutput, Parameters, Scalar, network, network_loss, parameter_shapes, predictions,
};
use lstm_core::training::loss_options::LossOptions;
use lstm_core::training::options::TrainingOptions;
use lstm_core::{Model, Trainer};

/// A network, sequences for it, and what its outputs are held to.
#[derive(Clone)]
pub(crate) struct NetworkCase {
    pub(crate) definition: ModelDefinition,
    pub(crate) loss: Option<LossOptions>,
    pub(crate) steps: usize,
    pub(crate) lengths: Vec<u32>,
    /// [n, steps, features]; empty where the input has none, as the next two.
    pub(crate) x: Vec<f32>,
    /// [n, steps]
    pub(crate) tokens: Vec<u32>,
    /// [n, statics]
    pub(crate) statics: Vec<f32>,
    pub(crate) classes: Option<Vec<u32>>,
    pub(crate) numbers: Option<Vec<f32>>,
    /// [n] or [n, steps]
    pub(crate) weights: Option<Vec<f32>>,
    /// [n, S] states to begin with, for predictions that do not begin as the definition says; or empty.
    pub(crate) initial: Vec<f32>,
    /// Every tensor; each number is one of f32.
    pub(crate) parameters: Parameters<f64>,
}

/// The case without its numbers, which follow from its seed.
impl std::fmt::Debug for NetworkCase {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        let json = |value: serde_json::Result<String>| value.expect("definitions and options are plain JSON");
        write!(formatter, "{}", json(serde_json::to_string(&self.definition)))?;
        write!(formatter, "\nloss {}", json(serde_json::to_string(&self.loss)))?;
        write!(formatter, "\nlengths {:?} of {} steps, weights {:?}", self.lengths, self.steps, self.weights)
    }
}

/// What the weights of targets are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WeightsOf {
    Nothing,
    Sequences,
    Steps,
}

impl NetworkCase {
    /// Random numbers for a definition; NaN, and tokens that are none, fill the padding and what weighs nothing.
    pub(crate) fn random(
        definition: &ModelDefinition,
        lengths: &[u32],
        steps: usize,
        of: WeightsOf,
        seed: u32,
    ) -> Self {
        let mut random = RandomStream::new(seed, Stream::Shuffling);
        let (input, output) = (&definition.input, &definition.output);
        let (n, is_each) = (lengths.len(), output.at == At::Each);
        let mut case = Self {
            definition: definition.clone(),
            loss: None,
            steps,
            lengths: lengths.to_vec(),
            x: (0..n * steps * input.features()).map(|_| random.uniform(-1.0, 1.0)).collect(),
            tokens: input.tokens.iter().flat_map(|&tokens| vec![tokens; n * steps]).map(|t| random.below(t)).collect(),
            statics: (0..n * input.statics()).map(|_| random.uniform(-1.0, 1.0)).collect(),
            classes: None,
            numbers: None,
            weights: None,
            initial: (0..n * definition.state_size()).map(|_| random.uniform(-1.0, 1.0)).collect(),
            parameters: parameters(definition, &mut random),
        };
        let places = if is_each { n * steps } else { n };
        let weights = match of {
            WeightsOf::Nothing => 0,
            WeightsOf::Steps if is_each => n * steps,
            _ => n,
        };
        let weight = |place: usize| if place == 0 { 1.0 } else { random.below(5) as f32 / 4.0 };
        case.weights = (weights > 0).then(|| (0..weights).map(weight).collect());
        // The first step counts, so that there is a loss.
        let weighs_nothing = |place: usize, random: &mut RandomStream| match &case.weights {
            _ if place == 0 => false,
            Some(weights) if weights.len() == places => weights[place] == 0.0,
            Some(weights) => weights[place / (places / n)] == 0.0,
            None => is_each && random.below(5) == 0,
        };
        let idle: Vec<bool> = (0..places)
            .map(|place| {
                weighs_nothing(place, &mut random) || is_each && place % steps >= lengths[place / steps] as usize
            })
            .collect();
        if output.kind() == OutputKind::Classes {
            let class = |&idle: &bool| if idle { NO_CLASS } else { random.below(output.size() as u32) };
            case.classes = Some(idle.iter().map(class).collect());
        } else {
            let size = output.targets();
            let number = |place: usize| match output.kind() {
                _ if idle[place / size] && case.weights.is_some() => f32::NAN,
                OutputKind::Labels => random.below(3) as f32 / 2.0,
                _ => random.uniform(-1.0, 1.0),
            };
            case.numbers = Some((0..places * size).map(number).collect());
        }
        let features = input.features();
        for (sample, &length) in lengths.iter().enumerate() {
            let padding = sample * steps + length as usize..(sample + 1) * steps;
            case.x[padding.start * features..padding.end * features].fill(f32::NAN);
            if input.tokens.is_some() {
                case.tokens[padding].fill(u32::MAX);
            }
        }
        case
    }
}

/// Random tensors, so that pre-activations are of size 1: no gate saturates, and every term counts.
fn parameters(definition: &ModelDefinition, random: &mut RandomStream) -> Parameters<f64> {
    let tensor = |(name, shape): (String, Vec<usize>)| {
        let of = |what: &str| name.contains(what);
        let (low, high) = match shape[..] {
            _ if of("gain") || of("norm.weight") || of("deviation") => (0.5, 1.5),
            [_, inputs] if !of("peephole") && !of("embedding") => {
                let size = 1.0 / (inputs as f32).sqrt();
                (-size, size)
            }
            _ => (-1.0, 1.0),
        };
        let numbers = (0..shape.iter().product()).map(|_| f64::from(random.uniform(low, high)));
        let numbers = numbers.collect();
        (name, numbers)
    };
    parameter_shapes(definition).into_iter().map(tensor).collect()
}

/// The oracle.
impl NetworkCase {
    /// Its outputs before any probabilities, a row a sequence or valid step, and its final states.
    pub(crate) fn run<S: Scalar>(&self, parameters: &Parameters<S>, masks: &NetworkMasks) -> NetworkOutput<S> {
        self.run_from(parameters, masks, None)
    }

    /// The same from given states.
    pub(crate) fn run_from<S: Scalar>(
        &self,
        parameters: &Parameters<S>,
        masks: &NetworkMasks,
        initial: Option<&[S]>,
    ) -> NetworkOutput<S> {
        let numbers = |values: &[f32]| values.iter().map(|&value| S::from(f64::from(value))).collect::<Vec<_>>();
        let tokens: Vec<usize> = self.tokens.iter().map(|&token| token as usize).collect();
        let batch = NetworkBatch {
            x: &numbers(&self.x),
            tokens: &tokens,
            statics: &numbers(&self.statics),
            lengths: &self.lengths(),
            steps: self.steps,
            initial,
        };
        network(&self.definition, parameters, masks, batch)
    }

    /// Its loss.
    pub(crate) fn loss<S: Scalar>(&self, parameters: &Parameters<S>, masks: &NetworkMasks) -> S {
        let outputs = self.run(parameters, masks).outputs;
        let lengths = self.lengths();
        network_loss(&self.definition.output, self.loss.as_ref(), (&lengths, self.steps), self.targets(), &outputs)
    }

    /// Its predictions as [`Model::run`] lays them out: where there is one for each step, zero in the padding.
    pub(crate) fn predictions<S: Scalar>(&self, parameters: &Parameters<S>) -> Vec<S> {
        self.laid_out(&self.run(parameters, &NetworkMasks::default()))
    }

    /// The same from the case's initial states, and the final states.
    pub(crate) fn predictions_from_states<S: Scalar>(&self, parameters: &Parameters<S>) -> [Vec<S>; 2] {
        let initial: Vec<S> = self.initial.iter().map(|&number| S::from(f64::from(number))).collect();
        let output = self.run_from(parameters, &NetworkMasks::default(), Some(&initial));
        [self.laid_out(&output), output.states]
    }

    fn laid_out<S: Scalar>(&self, run: &NetworkOutput<S>) -> Vec<S> {
        let output = &self.definition.output;
        let rows = predictions(output, &run.outputs);
        if output.at != At::Each {
            return rows;
        }
        let (size, mut rows) = (output.size(), rows.into_iter());
        let of = |length: usize| {
            let valid: Vec<S> = rows.by_ref().take(length * size).collect();
            [valid, vec![S::from(0.0); (self.steps - length) * size]].concat()
        };
        self.lengths().into_iter().flat_map(of).collect()
    }
}

/// The fast path: how data is handed to it.
impl NetworkCase {
    /// The tensors of a flat vector by name.
    pub(crate) fn named(&self, flat: &[f32]) -> Parameters<f64> {
        let of = |values: &[f32]| values.iter().copied().map(f64::from).collect();
        let layout = Layout::of(&self.definition);
        layout.tensors().iter().map(|tensor| (tensor.name.clone(), of(&flat[tensor.range()]))).collect()
    }

    /// The parameters as one flat vector.
    pub(crate) fn flat(&self) -> Vec<f32> {
        let layout = Layout::of(&self.definition);
        let tensors = layout.tensors().iter().map(|tensor| &self.parameters[&tensor.name]);
        tensors.flatten().map(|&number| number as f32).collect()
    }

    /// A trainer that has been started, all samples in one batch.
    pub(crate) fn trainer(&self, set: InstructionSet) -> Trainer {
        let batch_size = self.lengths.len() as u32;
        let options =
            TrainingOptions { loss: self.loss.clone(), shuffle: false, batch_size, ..TrainingOptions::default() };
        self.trainer_with(machine(set), options)
    }

    /// A trainer that has been started, with these options.
    pub(crate) fn trainer_with(&self, machine: MachineOptions, options: TrainingOptions) -> Trainer {
        let mut trainer = Trainer::new(self.definition.clone(), machine, &self.flat(), options).unwrap();
        trainer.set_training(self.inputs(), self.steps, Some(&self.lengths), self.targets()).unwrap();
        trainer.start().unwrap();
        trainer
    }

    /// What a model predicts.
    pub(crate) fn predict(&self, set: InstructionSet) -> Vec<f32> {
        self.run_model(set, None)
    }

    /// What a model predicts from the case's initial states, and the final states.
    pub(crate) fn predict_from_states(&self, set: InstructionSet) -> [Vec<f32>; 2] {
        let mut states = self.initial.clone();
        [self.run_model(set, Some(&mut states)), states]
    }

    fn run_model(&self, set: InstructionSet, states: Option<&mut [f32]>) -> Vec<f32> {
        let mut model = Model::new(self.definition.clone(), machine(set)).unwrap();
        model.commit(&self.flat()).unwrap();
        let rows = if self.definition.output.at == At::Each { self.steps } else { 1 };
        let mut y = vec![f32::NAN; self.lengths.len() * rows * self.definition.output.size()];
        model.run(self.inputs(), Some(&self.lengths), states, &mut y).unwrap();
        y
    }

    fn inputs(&self) -> Inputs<'_> {
        let input = &self.definition.input;
        Inputs {
            x: input.features.map(|_| &self.x[..]),
            tokens: input.tokens.map(|_| &self.tokens[..]),
            statics: input.statics.map(|_| &self.statics[..]),
        }
    }

    pub(crate) fn targets(&self) -> Targets<'_> {
        Targets::of(self.classes.as_deref(), self.numbers.as_deref(), self.weights.as_deref()).unwrap()
    }

    pub(crate) fn lengths(&self) -> Vec<usize> {
        self.lengths.iter().map(|&length| length as usize).collect()
    }
}

/// One thread and this instruction set.
pub(crate) fn machine(set: InstructionSet) -> MachineOptions {
    MachineOptions { threads: Some(1), instruction_set: Some(set) }
}
