//! Reads the files of true names.

use prune_schedule::names::ModelFacts;

/// A model: a line `= label <tab> model_type`, then lines for its tensors.
pub(crate) struct Model {
    pub(crate) label: String,
    kind: Option<String>,
    pub(crate) tensors: Vec<Tensor>,
}

/// A tensor and its truth: `name <tab> shape <tab> W or O <tab> first input axis or -`. If there is a bias beside it
/// without a line of its own, `<tab> shape of the bias` follows.
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) weight: bool,
    pub(crate) input: Option<usize>,
}

impl Model {
    pub(crate) fn facts(&self) -> ModelFacts {
        self.kind.as_ref().map_or(ModelFacts::unknown(), ModelFacts::of_type)
    }
}

pub(crate) fn models(text: &str) -> Vec<Model> {
    let mut models: Vec<Model> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        if let Some(label) = fields[0].strip_prefix("= ") {
            let kind = Some(fields[1].to_owned()).filter(|kind| kind != "-");
            models.push(Model { label: label.to_owned(), kind, tensors: Vec::new() });
            continue;
        }
        let shape = |field: &str| -> Vec<usize> {
            field.split(',').filter(|size| !size.is_empty()).map(|size| size.parse().expect("a size")).collect()
        };
        let weight = match fields[2] {
            "W" => true,
            "O" => false,
            other => panic!("{other} is no class: {line}"),
        };
        let tensors = &mut models.last_mut().expect("a model begins").tensors;
        let (name, input) = (fields[0].to_owned(), fields[3].parse().ok());
        if let Some(bias) = fields.get(4).filter(|bias| **bias != "-") {
            let stem = name.strip_suffix("proj").map(|_| format!("{name}_bias"));
            let name = stem.unwrap_or_else(|| name.rsplit_once('.').map_or("", |(stem, _)| stem).to_owned() + ".bias");
            let name = name.replace(".parametrizations.weight.", ".");
            tensors.push(Tensor { name, shape: shape(bias), weight: false, input: None });
        }
        tensors.push(Tensor { name, shape: shape(fields[1]), weight, input });
    }
    models
}
