//! An event that is from no strategy: its messages name no epoch.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use prune_core::{Density, Score};
use prune_files::{Destination, Filter, Format, Job, Watch, apply};
use prune_schedule::{Event, Ranking, Scope};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, serialize_to_file};

fn write(path: &Path, shape: &[usize]) {
    let bytes = vec![0; 4 * shape.iter().product::<usize>()];
    let view = TensorView::new(Dtype::F32, shape.to_vec(), &bytes).unwrap();
    serialize_to_file([("odd", view)], None, path).unwrap();
}

#[test]
fn what_is_refused_names_no_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write(&at("model"), &[3, 3]);
    write(&at("inputs"), &[3]);
    let event = Event::unstructured(Scope::UnifiedLocal(Density::new(0.5).unwrap())).unwrap();
    let by_inputs = event.clone().with_score(Score::wanda()).unwrap();
    let filter = Filter { also: vec!["odd".into()], ..Filter::default() };
    let refused = |event: Event| {
        let job = Job::new(at("model"), vec![(None, event)]).with_filter(filter.clone()).with_inputs(at("inputs"));
        apply(&job, &Destination::new(at("out")), Format::Dense, &Watch::default()).unwrap_err().to_string()
    };
    // The plan refuses one event, and the reader of the norms the other.
    let outputs = "layer `odd`: nothing tells which of its 2 axes is that of its outputs; write `axis` as an index";
    assert_eq!(refused(by_inputs.clone()), outputs);
    assert_eq!(refused(by_inputs.with_ranking(Ranking::Layer).unwrap()), outputs);
    assert_eq!(refused(event), "no event looks at `inputs`; leave it out");
}
