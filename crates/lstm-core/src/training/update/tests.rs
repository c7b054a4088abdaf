//! Steps of every optimiser, with groups, penalties, clipping and schedules, against `PyTorch`'s; the same bits on every instruction
//! set and number of threads; and what numbers at the ends of f32 do.

use super::super::vectors::Vectors;
use super::*;
use crate::executor::Executor;
use crate::kernels::InstructionSet;
use crate::network::definition::ModelDefinition;

/// f32 against float64 after twenty steps, each of which rounds a number by half a unit in its last place.
const BOUND: f64 = 1e-6;

const STEPS: u32 = 20;

/// A model with embeddings, layer normalisation and biases, its weights, and gradients for twenty steps.
struct Case {
    layout: Layout,
    weights: Vec<f32>,
    gradients: Vec<Vec<f32>>,
}

impl Case {
    fn of(vectors: &Vectors, sparse: bool) -> Self {
        let case = vectors.case();
        let mut definition =
            serde_json::json!({ "input": case["input"], "layers": case["layers"], "output": case["output"] });
        definition["input"]["sparse"] = sparse.into();
        let layout = Layout::of(&ModelDefinition::from_json(&definition.to_string()).unwrap());
        let get = |name: &str| vectors.get(name).unwrap().into_iter().map(|value| value as f32).collect::<Vec<_>>();
        let weights = layout.tensors().iter().flat_map(|tensor| get(&tensor.name)).collect();
        let of_tensors: Vec<_> =
            layout.tensors().iter().map(|tensor| get(&format!("gradient.{}", tensor.name))).collect();
        let of_step = |step: usize| {
            let parts = layout.tensors().iter().zip(&of_tensors);
            parts.flat_map(|(tensor, values)| values[step * tensor.length..][..tensor.length].to_vec()).collect()
        };
        let gradients = (0..STEPS as usize).map(of_step).collect();
        Self { layout, weights, gradients }
    }

    /// The weights after 10 and after 20 steps; `rows`, two a step, are those of the embeddings that have gradients.
    fn train(&self, options: &str, rows: Option<&[u32]>, set: InstructionSet) -> [Vec<f32>; 2] {
        let options = TrainingOptions::from_json(options).unwrap();
        let mut update = Update::new(&options, &self.layout).unwrap();
        update.begin(Course { epochs: 2, steps_per_epoch: STEPS / 2 }).unwrap();
        let executor = Executor::new(Some(1)).unwrap();
        let machine = Machine { set, executor: &executor };
        let mut weights = self.weights.clone();
        let (length, mut middle) = (self.layout.tensors()[0].length, Vec::new());
        for (step, gradients) in (0..).zip(&self.gradients) {
            let mut gradients = gradients.clone();
            let rows = rows.map(|rows| TableRows { length, size: 3, rows: &rows[2 * step as usize..][..2] });
            for row in (0..length as u32 / 3).filter(|row| rows.is_some_and(|rows| !rows.rows.contains(row))) {
                // Nothing of this may be read.
                gradients[3 * row as usize..][..3].fill(f32::NAN);
            }
            update.step(machine, &mut weights, (&gradients, None), rows, step);
            if step + 1 == STEPS / 2 {
                middle.clone_from(&weights);
                // A run that goes on in another has the same bits.
                update = restored(&update, &options, &self.layout);
            }
        }
        [middle, weights]
    }
}

fn restored(update: &Update, options: &TrainingOptions, layout: &Layout) -> Update {
    let mut other = Update::new(options, layout).unwrap();
    other.begin(Course { epochs: 2, steps_per_epoch: STEPS / 2 }).unwrap();
    let state = serde_json::to_string(&update.state()).unwrap();
    other.restore(serde_json::from_str(&state).unwrap());
    for ((name, values), (other_name, others)) in update.slots().into_iter().zip(other.slots_mut()) {
        assert_eq!(name, other_name);
        others.copy_from_slice(values);
    }
    assert_eq!(other.learning_rate().to_bits(), update.learning_rate().to_bits());
    other
}

#[test]
fn twenty_steps_of_every_optimizer_and_option_are_pytorchs() {
    let vectors = Vectors::read("optimizers");
    let rows: Vec<u32> =
        vectors.get("rows").unwrap().into_iter().map(|row| u32::try_from(row as i64).unwrap()).collect();
    let all = vectors.case();
    let all = all["cases"].as_array().unwrap();
    assert_eq!(all.len(), 44);
    let mut largest: (f64, String) = (0.0, String::new());
    for case in all {
        let (name, sparse) = (case["name"].as_str().unwrap(), case["sparse"].as_bool().unwrap());
        let model = Case::of(&vectors, sparse);
        let mut bits = None;
        for set in InstructionSet::available() {
            let trained = model.train(&case["options"].to_string(), sparse.then_some(&rows), set);
            for tensor in model.layout.tensors() {
                let expected = vectors.get(&format!("{name}.{}", tensor.name)).unwrap();
                for (actual, expected) in trained.iter().zip(expected.chunks(tensor.length)) {
                    let scale = expected.iter().copied().map(f64::abs).fold(1e-3, f64::max);
                    for (&actual, &expected) in actual[tensor.range()].iter().zip(expected) {
                        let error = (f64::from(actual) - expected).abs() / scale;
                        assert!(error <= BOUND, "{name}, {set:?}, {}: {actual} instead of {expected}", tensor.name);
                        if error > largest.0 {
                            largest = (error, format!("{name}, {}", tensor.name));
                        }
                    }
                }
            }
            assert_eq!(bits.get_or_insert_with(|| trained.clone()), &trained, "{name}: {set:?} has other bits");
        }
    }
    println!("the largest error is {:.1e}, of {}", largest.0, largest.1);
}

/// Every rule, with what comes before it in turn.
const ALL: [&str; 11] = [
    r#"{"optimizer":{"kind":"sgd"}}"#,
    r#"{"optimizer":{"kind":"sgd","momentum":0.9,"nesterov":true},"clipNorm":1}"#,
    r#"{"optimizer":{"kind":"rmsprop"},"clipValue":0.25}"#,
    r#"{"optimizer":{"kind":"rmsprop","momentum":0.5},"clipAdaptive":0.01}"#,
    r#"{"optimizer":{"kind":"rmsprop","centered":true,"learningRate":0.001}}"#,
    r#"{"optimizer":{"kind":"rmsprop","centered":true,"momentum":0.5}}"#,
    r#"{"optimizer":{"kind":"adam","learningRate":{"schedule":"one-cycle","peak":0.01}},"clipNorm":0.5}"#,
    r#"{"optimizer":{"kind":"adam","amsgrad":true},"clipAdaptive":0.5}"#,
    r#"{"optimizer":{"kind":"adamw","weightDecay":0}}"#,
    r#"{"optimizer":{"kind":"lion","groups":[{"parameters":["layers.0.weight_hh_l0"],"frozen":true}]}}"#,
    r#"{"optimizer":{"kind":"lion"},"clipNorm":0.5}"#,
];

/// The weights after so many steps along the gradients that `gradient` gives for a step and a number.
fn after_steps(
    options: &str,
    set: InstructionSet,
    threads: usize,
    (units, steps): (u32, u32),
    gradient: &dyn Fn(u32, usize) -> f32,
) -> Vec<f32> {
    let definition = format!(
        r#"{{"input":{{"features":37}},"layers":[{{"cell":"lstm","units":{units}}}],"output":{{"values":3}}}}"#
    );
    let layout = Layout::of(&ModelDefinition::from_json(&definition).unwrap());
    let mut update = Update::new(&TrainingOptions::from_json(options).unwrap(), &layout).unwrap();
    update.begin(Course { epochs: 1, steps_per_epoch: steps }).unwrap();
    let executor = Executor::new(Some(threads)).unwrap();
    let mut weights: Vec<f32> = (0..layout.trained_length()).map(|k| (k % 23) as f32 / 16.0 - 0.5).collect();
    for step in 0..steps {
        let gradients: Vec<_> = (0..weights.len()).map(|number| gradient(step, number)).collect();
        update.step(Machine { set, executor: &executor }, &mut weights, (&gradients, None), None, step);
    }
    weights
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[cfg(feature = "threads")]
#[test]
fn any_number_of_threads_and_every_instruction_set_give_the_same_bits() {
    // 4 · 331 · (37 + 331 + 2) + 3 · 332 numbers are worth eight threads.
    let gradient = |step: u32, number: usize| ((number * 31 + step as usize * 7) % 97) as f32 / 64.0 - 0.75;
    let penalised = r#"{"optimizer":{"kind":"adamw"},"l1":0.1,"l2":0.1,"clipNorm":0.5}"#;
    for options in ALL.into_iter().chain([penalised]) {
        let mut expected = None;
        for set in InstructionSet::available() {
            for threads in [1, 2, 3, 8] {
                let actual = bits(&after_steps(options, set, threads, (331, 2), &gradient));
                let same = *expected.get_or_insert_with(|| actual.clone()) == actual;
                assert!(same, "{options}: {set:?} on {threads} threads has other bits");
            }
        }
    }
}

#[test]
fn nothing_moves_without_a_gradient() {
    let start = after_steps(ALL[0], InstructionSet::Portable, 1, (3, 0), &|_, _| 0.0);
    for options in ALL {
        for set in InstructionSet::available() {
            // What is subnormal is zero.
            for gradient in [0.0, -0.0, 1e-40] {
                let weights = after_steps(options, set, 1, (3, 5), &|_, _| gradient);
                assert_eq!(weights, start, "{options}: {set:?}, gradients of {gradient:e}");
            }
        }
    }
}

#[test]
fn tiny_and_huge_gradients_leave_numbers() {
    for options in ALL {
        for set in InstructionSet::available() {
            for size in [1.2e-38, 1e-30, 1e-19, 1e-10, 1e10, 1e18] {
                // Also all alike, whose variance is zero but for roundings.
                for signs in [1, 2] {
                    let gradient = |step: u32, number: usize| {
                        if (step as usize + number).is_multiple_of(signs) { size } else { -size }
                    };
                    let weights = after_steps(options, set, 1, (5, 7), &gradient);
                    assert!(
                        weights.iter().all(|weight| weight.is_finite()),
                        "{options}: {set:?}, gradients of {size:e}"
                    );
                }
            }
        }
    }
}

#[test]
fn nan_shows_where_it_comes_in_and_nowhere_else() {
    for options in ALL {
        for set in InstructionSet::available() {
            let weights = after_steps(options, set, 1, (5, 2), &|_, number| if number == 41 { f32::NAN } else { 0.25 });
            let wrong: Vec<_> = (0..weights.len()).filter(|&number| weights[number].is_nan()).collect();
            assert_eq!(wrong, [41], "{options}: {set:?}");
        }
    }
}

#[test]
fn a_learning_rate_of_zero_moves_nothing() {
    let start = after_steps(ALL[0], InstructionSet::Portable, 1, (3, 0), &|_, _| 0.0);
    for kind in ["sgd", "rmsprop", "adam", "adamw", "lion"] {
        let table = r#"{"schedule":"table","rates":[0,0,0]}"#;
        let options = format!(r#"{{"optimizer":{{"kind":"{kind}","learningRate":{table},"weightDecay":0.5}}}}"#);
        assert_eq!(after_steps(&options, InstructionSet::Portable, 1, (3, 3), &|_, _| 0.5), start, "{kind}");
    }
}
