//! What the last forward pass has left in the network, looked at from outside: for who wants to know why it went wrong.

use super::stack::Stack;
use super::states::{State, states};
use crate::finite::first_not_finite;

impl Stack {
    /// What of the last forward pass is NaN or infinite, the first in the order in which it was computed.
    pub(crate) fn first_not_finite(&self) -> Option<String> {
        let memory = &self.workspace.memory;
        let is_bad = |values: &[f32]| first_not_finite(values).is_some();
        if is_bad(&memory[self.workspace.input.range()][..self.input_length()]) {
            return Some("the input of layers[0]".to_owned());
        }
        let rows = self.sequences.batch() + self.sequences.packed_rows();
        let layers = &self.recurrent.layers;
        for (index, regions) in self.workspace.layers.iter().enumerate() {
            let width = layers[index].input_stride;
            let mut left = memory[regions.left.range()].chunks_exact(width).take(self.sequences.packed_rows());
            if layers[index].norm.is_some() && left.any(|row| is_bad(&row[..layers[index].shape.input_size])) {
                return Some(format!("the normalised input of layers[{index}]"));
            }
            // Cells come before what is computed out of them.
            let all: Vec<State> = states(&layers[index..=index], std::slice::from_ref(regions)).collect();
            for (is_cell, name) in [(true, "cell states"), (false, "hidden states")] {
                let of_kind = all.iter().filter(|state| state.is_cell == is_cell);
                for State { values, stride, count, .. } in of_kind {
                    let values = &memory[values.range()];
                    if values.chunks_exact(*stride).take(rows).any(|row| is_bad(&row[..*count])) {
                        return Some(format!("the {name} of layers[{index}]"));
                    }
                }
            }
        }
        let outputs = memory[self.workspace.outputs.range()].chunks_exact(self.head.output_stride());
        let is_bad = outputs.take(self.output_rows()).any(|row| is_bad(&row[..self.head.outputs]));
        is_bad.then(|| "the output".to_owned())
    }

    /// The largest number in size that the last forward pass has read, scaled as the first layer sees it.
    pub(crate) fn largest_input(&self) -> f32 {
        let input = &self.workspace.memory[self.workspace.input.range()][..self.input_length()];
        input.iter().fold(0.0, |largest, value| largest.max(value.abs()))
    }

    fn input_length(&self) -> usize {
        let size = self.recurrent.layers.first().map_or(0, |layer| layer.shape.input_size);
        self.sequences.packed_rows() * size
    }
}
