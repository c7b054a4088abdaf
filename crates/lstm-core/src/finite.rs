//! Where numbers stop being finite: all that enters is looked through, so it has to go at the speed of memory.

/// Numbers that are looked at together, before the first of them that is not finite is searched for.
const BLOCK: usize = 64;

/// The index of the first NaN or infinity.
pub(crate) fn first_not_finite(values: &[f32]) -> Option<usize> {
    // Without a way out of the loop over a block, the compiler makes vector instructions of it.
    let finite = |block: &[f32]| block.iter().fold(true, |finite, value| finite & value.is_finite());
    let block = values.chunks(BLOCK).position(|block| !finite(block))?;
    let start = block * BLOCK;
    values[start..].iter().position(|value| !value.is_finite()).map(|offset| start + offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_first_wherever_it_is() {
        for length in [1, 63, 64, 65, 200] {
            let mut values = vec![f32::MAX; length];
            assert_eq!(first_not_finite(&values), None);
            for index in (0..length).rev() {
                values[index] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][index % 3];
                assert_eq!(first_not_finite(&values), Some(index));
            }
        }
        assert_eq!(first_not_finite(&[]), None);
    }
}
