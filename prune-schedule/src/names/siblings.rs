//! The tensors of a model by their canonical names: the tensors beside a weight are evidence about it.

use super::segments::segments;

/// All tensors of a model.
#[derive(Debug)]
pub(super) struct Siblings<'n> {
    tensors: Vec<NamedShape<'n>>,
    /// Canonical names with their places, in order.
    sorted: Vec<(String, usize)>,
}

/// A tensor: the segments of its canonical name, and its shape.
#[derive(Debug)]
pub(super) struct NamedShape<'n> {
    pub(super) segments: Vec<&'n str>,
    pub(super) shape: &'n [usize],
}

impl<'n> Siblings<'n> {
    pub(super) fn new(tensors: &[(&'n str, &'n [usize])]) -> Self {
        let tensors: Vec<_> =
            tensors.iter().map(|&(name, shape)| NamedShape { segments: segments(name), shape }).collect();
        let mut sorted: Vec<_> = tensors.iter().enumerate().map(|(at, t)| (t.segments.join("."), at)).collect();
        sorted.sort_unstable();
        Siblings { tensors, sorted }
    }

    pub(super) fn tensors(&self) -> &[NamedShape<'n>] {
        &self.tensors
    }

    /// The shape of the tensor that has the name of `tensor` with its last `dropped` segments replaced by `put`.
    pub(super) fn beside(&self, tensor: &NamedShape<'_>, dropped: usize, put: &str) -> Option<&'n [usize]> {
        let name = replaced(tensor, dropped, put)?;
        let at = self.sorted.partition_point(|(known, _)| *known < name);
        self.sorted.get(at).filter(|(known, _)| *known == name).map(|(_, place)| self.tensors[*place].shape)
    }

    /// True if such a tensor exists, or a module of that name that holds tensors.
    pub(super) fn holds(&self, tensor: &NamedShape<'_>, dropped: usize, put: &str) -> bool {
        self.beside(tensor, dropped, put).is_some()
            || replaced(tensor, dropped, put).is_some_and(|mut module| {
                module.push('.');
                let at = self.sorted.partition_point(|(known, _)| *known < module);
                self.sorted.get(at).is_some_and(|(known, _)| known.starts_with(&module))
            })
    }
}

/// The canonical name of a tensor with its last `dropped` segments replaced; `None` if it has fewer segments.
fn replaced(tensor: &NamedShape<'_>, dropped: usize, put: &str) -> Option<String> {
    let kept = tensor.segments.len().checked_sub(dropped)?;
    let mut name = String::new();
    for segment in &tensor.segments[..kept] {
        name.push_str(segment);
        name.push('.');
    }
    name.push_str(put);
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_and_tensors_are_found_beside_each_other() {
        let names: [(&str, &[usize]); 4] = [
            ("model.layers.0.mlp.gate.weight", &[8, 64]),
            ("model.layers.0.mlp.experts.0.w1.weight", &[128, 64]),
            ("model.layers.0.mlp.gate.bias", &[8]),
            ("model.layers.0.mlp.experts_of_old.w", &[1]),
        ];
        let all = Siblings::new(&names);
        let gate = &all.tensors()[0];
        assert_eq!(all.beside(gate, 1, "bias"), Some(&[8usize][..]));
        assert!(all.holds(gate, 2, "experts") && all.holds(gate, 2, "experts_of_old"));
        assert!(!all.holds(gate, 2, "expert") && !all.holds(gate, 9, "experts"));
    }
}
