//! External data.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;

use prune_onnx::{
    AttributeValue, DataFile, DataType, Dim, Edits, Error, ExternalProblem, GraphBuilder, Model, ModelBuilder,
    TensorPlace,
};
use sha1::{Digest as _, Sha1};

type Entries<'e> = &'e [(&'e str, &'e str)];

fn bytes_of(entries: &[Entries<'_>]) -> Vec<u8> {
    let mut graph = GraphBuilder::new("external");
    graph.input("x", DataType::Float, &[Dim::Known(2)]);
    for (position, entries) in entries.iter().enumerate() {
        graph.external(&format!("w{position}"), DataType::Float, &[2], entries);
    }
    graph.node("Mul", &["x", "w0"], &["y"], &[("note", AttributeValue::Int(1))]);
    graph.output("y", DataType::Float, &[Dim::Known(2)]);
    ModelBuilder::new(8, 17).finish(&graph)
}

fn parse(folder: &Path, entries: &[Entries<'_>]) -> Result<Model, Error> {
    Model::parse(bytes_of(entries), folder)
}

fn problem(folder: &Path, entries: Entries<'_>) -> ExternalProblem {
    match parse(folder, &[entries]).unwrap_err() {
        Error::External { tensor, problem, .. } => {
            assert_eq!(tensor, "w0");
            problem
        }
        other => panic!("{other}"),
    }
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn data_is_found_by_position_in_several_files() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.data"), floats(&[0.0, 1.0, 2.0, 3.0])).unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    fs::write(folder.path().join("sub/b.data"), floats(&[4.0, 5.0])).unwrap();
    let model = parse(
        folder.path(),
        &[
            &[("location", "a.data"), ("offset", "4"), ("length", "8")],
            // Without a length, the data go on to the end. Without an offset, they begin at 0.
            &[("location", "a.data"), ("offset", "8")],
            &[("location", "sub/b.data")],
        ],
    )
    .unwrap();
    let values = |at: usize| model.graph().initializers()[at].floats().unwrap();
    assert_eq!((values(0), values(1), values(2)), (vec![1.0, 2.0], vec![2.0, 3.0], vec![4.0, 5.0]));
    assert_eq!(model.external_files(), ["a.data", "sub/b.data"]);
}

#[test]
fn bad_places_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("model");
    fs::create_dir(&inner).unwrap();
    fs::write(folder.path().join("secret"), floats(&[0.0, 1.0])).unwrap();
    fs::write(inner.join("w"), floats(&[0.0, 1.0])).unwrap();
    fs::create_dir(inner.join("folder")).unwrap();
    let outside = folder.path().join("secret");
    for location in ["../secret", "folder/../../secret", outside.to_str().unwrap(), "..\\secret", "C:w"] {
        assert_eq!(problem(&inner, &[("location", location)]), ExternalProblem::Outside, "{location}");
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&outside, inner.join("link")).unwrap();
        assert_eq!(problem(&inner, &[("location", "link")]), ExternalProblem::Outside);
        std::os::unix::fs::symlink("w", inner.join("near")).unwrap();
        assert!(parse(&inner, &[&[("location", "near")]]).is_ok());
    }
    assert_eq!(problem(&inner, &[("location", "gone")]), ExternalProblem::Missing(inner.clone()));
    assert_eq!(problem(&inner, &[("location", "w/x")]), ExternalProblem::Missing(inner.clone()));
    assert_eq!(problem(&inner, &[("location", "folder")]), ExternalProblem::NotRegular);
    assert_eq!(problem(&inner, &[("offset", "0")]), ExternalProblem::NoLocation);
    assert_eq!(problem(&inner, &[("location", "w"), ("offset", "-4")]), ExternalProblem::Number("offset"));
    assert_eq!(problem(&inner, &[("location", "w"), ("length", "8x")]), ExternalProblem::Number("length"));
    let past = ExternalProblem::PastEnd { offset: 4, end: 12, long: 8 };
    assert_eq!(problem(&inner, &[("location", "w"), ("offset", "4"), ("length", "8")]), past);
    assert_eq!(problem(&inner, &[("location", "w"), ("offset", "4")]), past);
    let most = u64::MAX.to_string();
    let past = problem(&inner, &[("location", "w"), ("offset", &most), ("length", "8")]);
    assert!(matches!(past, ExternalProblem::PastEnd { .. }));
}

#[test]
fn a_checksum_is_held_against_the_file_when_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = floats(&[1.0, 2.0]);
    fs::write(folder.path().join("w"), &bytes).unwrap();
    let sum: String = Sha1::digest(&bytes).iter().map(|byte| format!("{byte:02X}")).collect();
    let model = parse(folder.path(), &[&[("location", "w"), ("checksum", &sum)]]).unwrap();
    assert_eq!(model.graph().initializers()[0].floats().unwrap(), [1.0, 2.0]);
    let model = parse(folder.path(), &[&[("location", "w"), ("checksum", "00")]]).unwrap();
    let refused = model.graph().initializers()[0].floats().unwrap_err();
    assert!(matches!(refused, Error::External { problem: ExternalProblem::Checksum, .. }), "{refused}");
}

#[test]
fn edited_models_have_their_data_in_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = floats(&[0.0, 1.0, 2.0, 3.0]);
    fs::write(folder.path().join("a"), &bytes).unwrap();
    fs::write(folder.path().join("b"), floats(&[4.0, 5.0])).unwrap();
    let sum: String = Sha1::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let model = parse(
        folder.path(),
        &[
            &[("location", "a"), ("offset", "8"), ("length", "8"), ("checksum", &sum), ("newer", "kept")],
            &[("location", "b")],
            // The same bytes again; they are written once.
            &[("location", "b")],
        ],
    )
    .unwrap();
    let mut edits = Edits::new();
    edits.keep(TensorPlace::Initializer(0), 0, vec![1]);
    let refused = model.write(&edits, &mut Vec::new(), None).unwrap_err();
    assert!(matches!(refused, Error::External { problem: ExternalProblem::NoFile, .. }), "{refused}");
    let (mut written, mut data) = (Vec::new(), Vec::new());
    let file = DataFile { name: "small.data", to: &mut data };
    let sizes = model.write(&edits, &mut written, Some(file)).unwrap();
    assert_eq!((sizes.model, sizes.data), (written.len() as u64, 12));
    let out = tempfile::tempdir().unwrap();
    fs::write(out.path().join("small.data"), &data).unwrap();
    assert!(written.windows(4).any(|part| part == b"kept"));
    let new = Model::parse(written, out.path()).unwrap();
    let values = |at: usize| new.graph().initializers()[at].floats().unwrap();
    // The checksum that is written for the first tensor holds.
    assert_eq!((values(0), values(1), values(2)), (vec![3.0], vec![4.0, 5.0], vec![4.0, 5.0]));
    assert_eq!(new.external_files(), ["small.data"]);
}
