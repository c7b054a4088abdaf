//! Gradients of the oracle's tape against finite differences of its values.

use super::assert_close;
use lstm_core::reference::{Tape, Variable};
use std::collections::BTreeMap;

/// Against finite differences of sixth order, with Δₖ = y(v + kd) − y(v − kd): (45 Δ₁ − 9 Δ₂ + Δ₃) / 60d. At d = 1e-3
/// truncation, d⁶ y⁽⁷⁾ / 140, is below 1e-12, where layer normalisation divides by a deviation of some 0.05 too; rounding,
/// 1e-16 y / d, is some 1e-12 for y of some tens. Over gradients of some 1e-3, the smallest here, that makes 1e-9.
const DIFFERENCES: f64 = 1e-9;
const D: f64 = 1e-3;

/// Tensors by their names.
pub(crate) type Tensors<S> = BTreeMap<String, Vec<S>>;

pub(crate) fn on_tape<'t>(tensors: &Tensors<f64>, tape: &'t Tape) -> Tensors<Variable<'t>> {
    tensors.iter().map(|(name, tensor)| (name.clone(), tape.variables(tensor))).collect()
}

/// ∂y/∂v for every element v of these tensors.
pub(crate) fn gradients(y: Variable, tensors: &Tensors<Variable>, tape: &Tape) -> Tensors<f64> {
    let gradients = tape.gradients(y);
    tensors.iter().map(|(name, variables)| (name.clone(), gradients.of(variables))).collect()
}

/// Holds the gradients of y to finite differences, element by element.
pub(crate) fn assert_gradients_are_slopes(
    what: &str,
    tensors: &Tensors<f64>,
    gradients: &Tensors<f64>,
    y: impl Fn(&Tensors<f64>) -> f64,
) {
    let mut moved = tensors.clone();
    for (name, tensor) in tensors {
        let mut slope = |element: usize| {
            let mut y_at = |distance: f64| {
                moved.get_mut(name).unwrap()[element] = tensor[element] + distance;
                y(&moved)
            };
            let [near, far, farthest] = [1.0, 2.0, 3.0].map(|k| y_at(k * D) - y_at(-k * D));
            let slope = (45.0 * near - 9.0 * far + farthest) / (60.0 * D);
            y_at(0.0);
            slope
        };
        let slopes: Vec<f64> = (0..tensor.len()).map(&mut slope).collect();
        assert_close(&format!("{what}: gradient of {name}"), &gradients[name], &slopes, DIFFERENCES);
    }
}
