//! Failing file-system calls and changing inputs while a model is shrunk.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::Path;

use prune_core::Density;
use prune_graph::{ClassScore, Method};
use prune_onnx::{DataType, Dim, GraphBuilder, ModelBuilder};

use super::{ShrinkBy, ShrinkJob, ShrinkOutputs, shrink};
use crate::disk::seam;
use crate::{Error, Watch};

/// Two layers; the weights of the first are in a file beside the model.
fn set_up(at: &Path) {
    let mut graph = GraphBuilder::new("two");
    graph.input("x", DataType::Float, &[Dim::Known(1), Dim::Known(2)]);
    graph.external("first", DataType::Float, &[2, 4], &[("location", "w.bin")]);
    graph.floats("second", &[4, 2], &[1.0, 0.5, 2.0, 0.25, 3.0, 1.5, 4.0, 2.5]);
    graph.node("MatMul", &["x", "first"], &["h"], &[]);
    graph.node("MatMul", &["h", "second"], &["y"], &[]);
    graph.output("y", DataType::Float, &[Dim::Known(1), Dim::Known(2)]);
    fs::write(at.join("model.onnx"), ModelBuilder::new(8, 17).finish(&graph)).unwrap();
    fs::write(at.join("w.bin"), [1.0f32; 8].map(f32::to_le_bytes).concat()).unwrap();
}

fn run(at: &Path, force: bool) -> Result<(), Error> {
    let half = Density::new(0.5).unwrap();
    let job = ShrinkJob {
        model: at.join("model.onnx"),
        by: ShrinkBy::Density { method: Method::ChannelUnifiedLocal, density: half, min_density: None },
        score: ClassScore::L2,
        multiple: 1,
        inputs: BTreeMap::new(),
        include: Vec::new(),
        exclude: Vec::new(),
        explain: false,
    };
    let to = ShrinkOutputs { model: at.join("s.onnx"), kept: Some(at.join("kept.json")), force };
    shrink(&job, &to, &Watch::default()).map(|_| ())
}

/// All files with their bytes.
fn files(at: &Path) -> BTreeMap<OsString, Vec<u8>> {
    let names = fs::read_dir(at).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| (name.clone(), fs::read(at.join(name)).unwrap())).collect()
}

#[test]
fn any_call_that_fails_leaves_all_outputs_or_none() {
    for old in [false, true] {
        assert_eq!(all_calls(old), 3);
    }
}

/// Refuses one call after the other, with or without old outputs. Returns the number of renames that were refused.
fn all_calls(old: bool) -> usize {
    let mut renames = 0;
    for n in 1.. {
        let folder = tempfile::tempdir().unwrap();
        let at = fs::canonicalize(folder.path()).unwrap();
        set_up(&at);
        if old {
            fs::write(at.join("s.onnx"), "old model").unwrap();
            fs::write(at.join("kept.json"), "old indices").unwrap();
        }
        let before = files(&at);
        let refused = std::sync::Arc::new(std::sync::Mutex::new(""));
        let call_name = std::sync::Arc::clone(&refused);
        let armed = seam::arm(&at, move |call, name, _| {
            if call == n {
                *call_name.lock().unwrap() = name;
                return Err(io::Error::from_raw_os_error(28));
            }
            Ok(())
        });
        let result = run(&at, old);
        let reached = armed.calls() >= n;
        drop(armed);
        let refused = *refused.lock().unwrap();
        match &result {
            Ok(()) | Err(Error::InPlace { .. }) => {
                let now = files(&at);
                let names: Vec<&str> = now.keys().filter_map(|name| name.to_str()).collect();
                assert_eq!(names, ["kept.json", "model.onnx", "s.onnx", "s.onnx.data", "w.bin"], "call {n}");
                assert!(["kept.json", "s.onnx"].iter().all(|name| !now[OsStr::new(name)].starts_with(b"old")));
            }
            // Files that could not be removed are reported elsewhere.
            Err(_) if refused == "remove" => {}
            Err(error) => assert_eq!(files(&at), before, "call {n} ({refused}): {error}"),
        }
        renames += usize::from(refused == "rename" && result.is_err());
        if !reached {
            break;
        }
    }
    renames
}

#[test]
fn data_that_changes_while_it_is_read_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let at = fs::canonicalize(folder.path()).unwrap();
    set_up(&at);
    let before: Vec<OsString> = files(&at).into_keys().collect();
    let data = at.join("w.bin");
    let mut changed = false;
    let armed = seam::arm(&at, move |_, name, _| {
        if name == "create" && !changed {
            changed = true;
            fs::write(&data, [2.0f32; 9].map(f32::to_le_bytes).concat())?;
        }
        Ok(())
    });
    let result = run(&at, false);
    drop(armed);
    assert!(matches!(&result, Err(Error::Changed { path }) if path.ends_with("w.bin")), "{result:?}");
    assert_eq!(files(&at).into_keys().collect::<Vec<_>>(), before);
}
