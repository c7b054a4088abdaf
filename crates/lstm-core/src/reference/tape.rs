//! Exact gradients by reverse accumulation (Linnainmaa 1970). Knows arithmetic, and nothing of networks.
//!
//! Every operation on [`Variable`]s writes, for each of its operands, one edge onto the [`Tape`]: which variable came
//! out, which went in, and the slope ∂out/∂in at the values of that moment. An operand always exists before its result,
//! so a walk over the edges from the last to the first meets each ∂y/∂out when it is complete, and hands it on by the
//! chain rule:
//!
//! ```text
//! ∂y/∂in += ∂y/∂out · ∂out/∂in
//! ```

use super::scalar::Scalar;
use crate::random::{RandomStream, Stream};
use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Sub};

/// The history of a computation. One tape serves one computation, on one thread.
#[derive(Default)]
pub struct Tape {
    edges: RefCell<Vec<Edge>>,
    variables: Cell<usize>,
    /// Of single precision: what says whether to round up or down.
    chance: Option<RefCell<RandomStream>>,
}

/// "`result` moves by `slope` for each unit that `operand` moves."
struct Edge {
    result: usize,
    operand: usize,
    slope: f64,
}

/// A number with a place on a tape; or a constant, which has none and to which nothing flows back.
#[derive(Clone, Copy)]
pub struct Variable<'t> {
    value: f64,
    place: Option<(&'t Tape, usize)>,
}

impl Tape {
    /// An empty tape.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty tape that rounds every result, slope and gradient to one of the two f32 beside it, by chance (Vignes 1974). How far
    /// such computations are apart says how exact single precision is, in whatever order it adds up.
    #[must_use]
    pub fn single(seed: u32) -> Self {
        let chance = RandomStream::new(seed, Stream::Initialisation);
        Self { chance: Some(RefCell::new(chance)), ..Self::default() }
    }

    fn rounded(&self, number: f64) -> f64 {
        let Some(chance) = &self.chance else { return number };
        let nearest = number as f32;
        let other = match f64::from(nearest).partial_cmp(&number) {
            Some(Ordering::Less) => nearest.next_up(),
            Some(Ordering::Greater) => nearest.next_down(),
            _ => return f64::from(nearest),
        };
        f64::from(if chance.borrow_mut().below(2) == 0 { nearest } else { other })
    }

    /// A number to differentiate with respect to.
    #[must_use]
    pub fn variable(&self, value: f64) -> Variable<'_> {
        let index = self.variables.get();
        self.variables.set(index + 1);
        Variable { value, place: Some((self, index)) }
    }

    /// A [`variable`](Self::variable) for each of the numbers.
    #[must_use]
    pub fn variables(&self, values: &[f64]) -> Vec<Variable<'_>> {
        values.iter().map(|&value| self.variable(value)).collect()
    }

    /// ∂y/∂v for every variable v of this tape.
    #[must_use]
    pub fn gradients(&self, y: Variable<'_>) -> Gradients {
        let mut gradients = vec![0.0; self.variables.get()];
        let mut terms = gradients.clone();
        if let Some((_, index)) = y.place {
            gradients[index] = 1.0;
        }
        for edge in self.edges.borrow().iter().rev() {
            let part = self.rounded(gradients[edge.result] * edge.slope);
            gradients[edge.operand] = self.rounded(gradients[edge.operand] + part);
            terms[edge.operand] += part.abs();
        }
        Gradients { gradients, terms }
    }
}

/// What [`Tape::gradients`] found.
pub struct Gradients {
    gradients: Vec<f64>,
    terms: Vec<f64>,
}

impl Gradients {
    /// ∂y/∂v for each of these variables; 0 for constants.
    #[must_use]
    pub fn of(&self, variables: &[Variable<'_>]) -> Vec<f64> {
        Self::at(&self.gradients, variables)
    }

    /// How large the terms are that each of these gradients is the sum of, all together: far larger than the gradient where they
    /// cancel.
    #[must_use]
    pub fn terms_of(&self, variables: &[Variable<'_>]) -> Vec<f64> {
        Self::at(&self.terms, variables)
    }

    fn at(numbers: &[f64], variables: &[Variable<'_>]) -> Vec<f64> {
        variables.iter().map(|variable| variable.place.map_or(0.0, |(_, index)| numbers[index])).collect()
    }
}

impl Variable<'_> {
    /// A result of this operand, as its tape keeps it.
    fn rounded(self, number: f64) -> f64 {
        self.place.map_or(number, |(tape, _)| tape.rounded(number))
    }
}

/// The variable that an operation gives, from its value and each operand's slope.
fn record<const OPERANDS: usize>(value: f64, operands: [(Variable<'_>, f64); OPERANDS]) -> Variable<'_> {
    let Some((tape, _)) = operands.iter().find_map(|(operand, _)| operand.place) else {
        return Variable::from(value); // of constants alone
    };
    let result = tape.variable(tape.rounded(value));
    for (operand, slope) in operands {
        if let (Some((_, result)), Some((home, operand))) = (result.place, operand.place) {
            assert!(std::ptr::eq(home, tape), "operands are of one tape");
            tape.edges.borrow_mut().push(Edge { result, operand, slope: tape.rounded(slope) });
        }
    }
    result
}

impl From<f64> for Variable<'_> {
    fn from(value: f64) -> Self {
        Self { value, place: None }
    }
}

impl Add for Variable<'_> {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        record(self.value + other.value, [(self, 1.0), (other, 1.0)])
    }
}

impl Sub for Variable<'_> {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        record(self.value - other.value, [(self, 1.0), (other, -1.0)])
    }
}

impl Mul for Variable<'_> {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        record(self.value * other.value, [(self, other.value), (other, self.value)])
    }
}

impl Div for Variable<'_> {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let quotient = self.value / other.value;
        record(quotient, [(self, 1.0 / other.value), (other, -quotient / other.value)])
    }
}

impl Scalar for Variable<'_> {
    fn value(self) -> f64 {
        self.value
    }

    fn exp(self) -> Self {
        let y = self.value.exp();
        record(y, [(self, y)])
    }

    fn ln(self) -> Self {
        record(self.value.ln(), [(self, 1.0 / self.value)])
    }

    fn sqrt(self) -> Self {
        let y = self.value.sqrt();
        record(y, [(self, 0.5 / y)])
    }

    fn tanh(self) -> Self {
        let y = self.rounded(self.value.tanh());
        record(y, [(self, 1.0 - y * y)])
    }

    fn clamp(self, low: f64, high: f64) -> Self {
        let slope = if self.value > low && self.value < high { 1.0 } else { 0.0 };
        record(self.value.clamp(low, high), [(self, slope)])
    }

    fn sigmoid(self) -> Self {
        let y = self.rounded(self.value.sigmoid());
        record(y, [(self, y * (1.0 - y))])
    }
}
