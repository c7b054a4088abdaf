//! RMSprop (Tieleman and Hinton 2012), in the order of operations of PyTorch's `torch.optim.RMSprop`.

use super::fused::Rule;

/// ```text
/// v = α v + (1 − α) g²      p = p − lr g / (√v + ε)
/// ```
///
/// Centred (Graves 2013), with a = a + (1 − α) (g − a), of which the gradients' variance v − a² takes the place of v. That of
/// gradients that are all alike is 0, and by rounding may come out below, where PyTorch's root is NaN; here it is 0.
/// With momentum μ, b = μ b + g / (√v + ε), and p = p − lr b.
#[derive(Clone, Copy)]
pub(super) struct RmsProp {
    pub(super) learning_rate: f32,
    pub(super) alpha: f32,
    /// 1 − α
    pub(super) alpha_complement: f32,
    pub(super) epsilon: f32,
    pub(super) momentum: f32,
}

impl RmsProp {
    #[inline(always)]
    fn square(self, gradient: f32, square: &mut f32) -> f32 {
        *square = self.alpha * *square + self.alpha_complement * gradient * gradient;
        gradient / (square.sqrt() + self.epsilon)
    }

    #[inline(always)]
    fn variance(self, gradient: f32, square: &mut f32, mean: &mut f32) -> f32 {
        *square = self.alpha * *square + self.alpha_complement * gradient * gradient;
        *mean += self.alpha_complement * (gradient - *mean);
        let variance = *square - *mean * *mean;
        let variance = if variance < 0.0 { 0.0 } else { variance };
        gradient / (variance.sqrt() + self.epsilon)
    }

    #[inline(always)]
    fn go_on(self, parameter: f32, step: f32, buffer: &mut f32) -> f32 {
        *buffer = self.momentum * *buffer + step;
        parameter - self.learning_rate * *buffer
    }
}

impl Rule<1> for RmsProp {
    #[inline(always)]
    fn step(self, parameter: f32, gradient: f32, [square]: &mut [f32; 1]) -> f32 {
        parameter - self.learning_rate * self.square(gradient, square)
    }
}

/// With momentum.
#[derive(Clone, Copy)]
pub(super) struct WithMomentum(pub(super) RmsProp);

impl Rule<2> for WithMomentum {
    #[inline(always)]
    fn step(self, parameter: f32, gradient: f32, [square, buffer]: &mut [f32; 2]) -> f32 {
        let step = self.0.square(gradient, square);
        self.0.go_on(parameter, step, buffer)
    }
}

/// Centred.
#[derive(Clone, Copy)]
pub(super) struct Centered(pub(super) RmsProp);

impl Rule<2> for Centered {
    #[inline(always)]
    fn step(self, parameter: f32, gradient: f32, [square, mean]: &mut [f32; 2]) -> f32 {
        parameter - self.0.learning_rate * self.0.variance(gradient, square, mean)
    }
}

/// Centred, with momentum.
#[derive(Clone, Copy)]
pub(super) struct CenteredWithMomentum(pub(super) RmsProp);

impl Rule<3> for CenteredWithMomentum {
    #[inline(always)]
    fn step(self, parameter: f32, gradient: f32, [square, mean, buffer]: &mut [f32; 3]) -> f32 {
        let step = self.0.variance(gradient, square, mean);
        self.0.go_on(parameter, step, buffer)
    }
}
