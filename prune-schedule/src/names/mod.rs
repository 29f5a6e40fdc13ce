//! The table of names: it tells which tensors of a model's files are weights, and which axes are their inputs and
//! outputs.
//!
//! A file gives a tensor a name and nothing else. [`roles`] tells weights from tensors that must not be pruned (norms,
//! embeddings, routers, scales of quantised layers, buffers) by a table of patterns over whole segments of names. It
//! finds the axes of inputs and outputs by evidence: the kind of model, the length of the bias beside a weight, sizes
//! in `config.json`, shapes of the layer's family, the name. Parts of words never decide: `gate`, `norm`, `mask` and
//! `up` also stand in names of true weights.
//!
//! `table/` has the entries, one a line. `segments` cuts names, `pattern` matches them, `index` finds the few entries
//! that may be for a name, `siblings` finds the tensors beside a tensor, and `axes` weighs the evidence.

mod axes;
mod entry;
mod index;
mod model_facts;
mod pattern;
mod role;
mod segments;
mod siblings;
mod table;

use axes::Ballot;
use entry::{Condition, NameEntry, Verdict};
use index::Index;
pub use model_facts::ModelFacts;
pub use role::{AxisEvidence, Class, Role};
use siblings::{NamedShape, Siblings};

/// The role of each tensor of a model, in the given order.
///
/// Pass all tensors of the model in one call, whatever their type: biases, scales and masks beside a weight are
/// evidence.
///
/// # Complexity
///
/// O(n log n) in the number of tensors.
///
/// # Examples
///
/// ```
/// use prune_schedule::names::{AxisEvidence, Class, ModelFacts, roles};
///
/// let tensors: [(&str, &[usize]); 3] =
///     [("fc.weight", &[10, 64]), ("fc.bias", &[10]), ("model.embed_tokens.weight", &[1000, 64])];
/// let roles = roles(&ModelFacts::unknown(), &tensors);
/// assert_eq!(roles[0].class, Class::Weight);
/// assert_eq!((&roles[0].inputs[..], &roles[0].outputs[..]), (&[1][..], &[0][..]));
/// assert_eq!(roles[0].evidence, Some(AxisEvidence::Bias));
/// assert_eq!(roles[2].class, Class::Other("embedding of tokens"));
/// ```
pub fn roles<'a>(facts: &ModelFacts, tensors: &[(&'a str, &'a [usize])]) -> Vec<Role> {
    let all = Siblings::new(tensors);
    let entries: Vec<_> = all.tensors().iter().map(|tensor| entry_for(tensor, &all, facts)).collect();
    let mut ballot = Ballot::default();
    for (tensor, entry) in all.tensors().iter().zip(&entries) {
        if let Some(NameEntry { verdict: Verdict::Weight(axes), .. }) = entry {
            ballot.take(*axes, tensor, &all, facts);
        }
    }
    let role = |(tensor, entry)| role(tensor, entry, &all, facts, &ballot);
    all.tensors().iter().zip(entries).map(role).collect()
}

fn entry_for(tensor: &NamedShape<'_>, all: &Siblings<'_>, facts: &ModelFacts) -> Option<&'static NameEntry> {
    Index::of_table().first(&tensor.segments, |entry| {
        entry.is_for_rank(tensor.shape.len())
            && (entry.kinds.is_empty() || entry.kinds.iter().any(|kind| facts.is(kind)))
            && holds(entry.when, tensor, all, facts)
    })
}

fn holds(when: Condition, tensor: &NamedShape<'_>, all: &Siblings<'_>, facts: &ModelFacts) -> bool {
    match when {
        Condition::Always => true,
        Condition::Beside(name) => all.holds(tensor, 1, name),
        Condition::Near(name) => all.holds(tensor, 2, name),
        Condition::Without(name) => !all.holds(tensor, 1, name),
        Condition::Like(name) => all.beside(tensor, 1, name) == Some(tensor.shape),
        Condition::Rows(size) => tensor.shape.first().is_some_and(|&rows| facts.states_only(size, rows)),
    }
}

fn role(
    tensor: &NamedShape<'_>,
    entry: Option<&NameEntry>,
    all: &Siblings<'_>,
    facts: &ModelFacts,
    ballot: &Ballot,
) -> Role {
    let none = Role::unknown();
    let Some(entry) = entry else {
        return match tensor.shape.len() {
            0 | 1 => Role { class: Class::Other("fewer than two axes"), entry: "rank 0 or 1".to_owned(), ..none },
            _ => none,
        };
    };
    let printed = entry.printed(entry.kinds.iter().copied().find(|kind| facts.is(kind)));
    match entry.verdict {
        Verdict::Other(reason) => Role { class: Class::Other(reason), entry: printed, ..none },
        Verdict::Weight(known) => {
            let (inputs, outputs, evidence) = axes::axes(entry, known, tensor, all, facts, ballot);
            Role { class: Class::Weight, entry: printed, inputs, outputs, evidence }
        }
    }
}
