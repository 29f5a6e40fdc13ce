//! Files that lie, are cut, or are no models at all: each is a clear error, and nothing is written.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;
use std::path::Path;

use common::{Tensors, bools, entries, f32s, fails, ok, read, run, tensor, tensors, write, write_sharded};
use prune_core::testing::generators::ValueKind;
use safetensors::Dtype;

const HALF: [&str; 4] = ["--method", "unstr_global", "--density", "0.5"];

/// Each file of the corpus, with a part of its error message.
const CORPUS: [(&str, &str); 39] = [
    ("array", "does not begin with `{`"),
    ("cut-table", "EOF while parsing"),
    ("data-left-over", "its tensors have 4 bytes, but 5 follow the header"),
    ("deep", "expected value at line 1 column 7"),
    ("deep-metadata", "expected a string"),
    ("empty", "is empty; fetch or write it again"),
    ("field-missing", "missing field `shape`"),
    ("field-twice", "duplicate field `shape`"),
    ("half-a-byte", "which are not its 12 bits"),
    ("leading-space", "does not begin with `{`"),
    ("length-100mb-and-one", "100000001 bytes, more than the 100000000"),
    ("length-huge", "18446744073709551615 bytes, more than the 100000000"),
    ("length-only", "8 bytes are too few"),
    ("length-past-end", "99999999 bytes, but the file ends after 2"),
    ("metadata-name-twice", "the name `a` stands twice"),
    ("metadata-number", "expected a string"),
    ("metadata-twice", "the name `__metadata__` stands twice"),
    ("name-twice", "the name `a` stands twice"),
    ("name-twice-escaped", "the name `a` stands twice"),
    ("not-json", "does not begin with `{`"),
    ("not-utf8", "invalid unicode"),
    ("offsets-backwards", "has offsets 4..0"),
    ("offsets-gap", "tensor `b` begins at byte 8 of the data, where 4 is next"),
    ("offsets-huge", "begins at byte 18446744073709551611 of the data, where 0 is next"),
    ("offsets-overlap", "tensor `b` begins at byte 4 of the data, where 8 is next"),
    ("offsets-past-end", "its tensors have 8 bytes, but 4 follow"),
    ("offsets-same", "tensor `b` begins at byte 0 of the data, where 4 is next"),
    ("offsets-sum-huge", "its tensors have 18446744073709551615 bytes, but 4 follow"),
    ("offsets-too-few", "which are not its 64 bits"),
    ("seven-bytes", "7 bytes are too few"),
    ("shape-2-to-64", "invalid type: floating point"),
    ("shape-65-axes", "more than 64 axes"),
    ("shape-fraction", "invalid type: floating point"),
    ("shape-negative", "invalid value: integer `-1`"),
    ("shape-overflows", "which overflows"),
    ("shape-overflows-bytes", "which overflows"),
    ("trailing-text", "trailing characters"),
    ("unknown-field", "unknown field `more`"),
    ("unknown-type", "unknown variant `F33`"),
];

#[test]
fn every_file_of_the_corpus_is_refused_for_its_reason() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut known: Vec<&str> = CORPUS.iter().map(|(name, _)| *name).chain(["zip"]).collect();
    known.sort_unstable();
    assert_eq!(entries(&corpus), known);
    let folder = tempfile::tempdir().unwrap();
    for (name, why) in CORPUS.into_iter().chain([("zip", "is a zip archive")]) {
        let path = corpus.join(name).to_str().unwrap().to_owned();
        let error = fails(folder.path(), 2, &["inspect", &path]);
        assert!(error.contains(why), "{name}: {error}");
        assert!(error.len() < 1000 && error.lines().count() == 1, "{name}: {error}");
        let error = fails(folder.path(), 2, &[&["apply", &path, "-o", "out"], &HALF[..]].concat());
        assert!(error.contains(why), "{name}: {error}");
        write(&folder.path().join("m"), &tensors([("a.weight", f32s(&[1, 1], &[1.0]))]));
        for companion in ["--scores", "--masks"] {
            let call = ["apply", "m", "-o", "out", companion, &path, "--method", "unstr_global", "--density", "1"];
            let error = fails(folder.path(), 2, &call);
            assert!(error.contains(why), "{name}: {error}");
        }
    }
    assert_eq!(entries(folder.path()), ["m"]);
}

/// A hundred million bytes of table, in the three ways that cost a reader the most.
#[test]
fn a_table_as_long_as_the_format_allows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    let most = 100_000_000;
    let sides = format!(r#"{{"a":{{"dtype":"F32","shape":[{}1],"data_offsets":[0,4]}}}}"#, "1,".repeat(most / 2 - 100));
    let spaces = format!(r#"{{"a":{{"dtype":"F32","shape":[],"data_offsets":[0,4]}}}}{}"#, " ".repeat(most - 100));
    let name = format!(r#"{{"{}":{{"dtype":"F33","shape":[],"data_offsets":[0,4]}}}}"#, "n".repeat(most - 100));
    for (table, why) in [(sides, Some("more than 64 axes")), (spaces, None), (name, Some("unknown variant"))] {
        let mut bytes = (table.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(table.as_bytes());
        bytes.extend_from_slice(&[0; 4]);
        fs::write(&path, bytes).unwrap();
        match why {
            Some(why) => {
                let error = fails(folder.path(), 2, &["inspect", "m.safetensors"]);
                assert!(error.contains(why) && error.len() < 1000, "{}", &error[..error.len().min(1000)]);
            }
            None => assert!(ok(folder.path(), &["inspect", "m.safetensors"]).contains("scalar")),
        }
    }
}

#[test]
fn files_that_are_cut_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    write(&path, &tensors([("a", tensor(Dtype::F32, &[4, 4], ValueKind::Uniform, 1)), ("b", f32s(&[1, 1], &[2.0]))]));
    let whole = fs::read(&path).unwrap();
    for len in 0..whole.len() {
        fs::write(&path, &whole[..len]).unwrap();
        let error = fails(folder.path(), 2, &["inspect", "m.safetensors"]);
        assert!(error.contains("cut") || error.contains("header") || error.contains("is empty"), "{len}: {error}");
    }
}

#[test]
fn an_index_leads_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let weights = tensors([("a", f32s(&[1, 2], &[1.0, 2.0])), ("b", f32s(&[1, 2], &[3.0, 4.0]))]);
    write(&at.join("outside.safetensors"), &tensors([("a", f32s(&[1, 2], &[1.0, 2.0]))]));
    write_sharded(&at.join("m"), &weights);
    let index = at.join("m/model.safetensors.index.json");
    let outside = at.join("outside.safetensors").to_str().unwrap().to_owned();
    for shard in ["../outside.safetensors", &outside, "..", "", ".", "sub/../x", "a\\b", "C:x", ".hidden"] {
        let text = serde_json::json!({ "weight_map": { "a": shard } }).to_string();
        fs::write(&index, text).unwrap();
        for call in [&["inspect", "m"][..], &[&["apply", "m", "-o", "out"], &HALF[..]].concat()] {
            let error = fails(at, 2, call);
            assert!(error.contains("is not the name of a file beside the index"), "{shard}: {error}");
        }
    }
    let (one, two) = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors");
    let map = |text: &str| format!(r#"{{"weight_map":{{{text}}}}}"#).replace("ONE", one).replace("TWO", two);
    let cases = [
        (
            r#""a":"ONE","b":"TWO","c":"TWO""#,
            "tensor `c` is said to be in `model-00002-of-00002.safetensors`, but is not",
        ),
        (r#""a":"ONE","b":"ONE""#, "tensor `b` is said to be in"),
        (r#""a":"TWO","b":"ONE""#, "where the index does not place it"),
        (
            r#""x":"ONE","b":"TWO""#,
            "tensor `a` is in `model-00001-of-00002.safetensors`, where the index does not place it",
        ),
        (r#""a":"ONE","a":"TWO""#, "stands twice"),
        ("", "the index names no shard"),
    ];
    for (text, why) in cases {
        fs::write(&index, map(text)).unwrap();
        let error = fails(at, 2, &["inspect", "m"]);
        assert!(error.contains(why), "{text}: {error}");
    }
    fs::write(&index, map(r#""a":"ONE","b":"gone.safetensors""#)).unwrap();
    let error = fails(at, 2, &["inspect", "m"]);
    assert!(error.contains("the index names 2 shards, of which 1 are not there: `gone.safetensors`"), "{error}");
    for text in ["", "[]", "{", "{}", "null", &"[".repeat(100_000)] {
        fs::write(&index, text).unwrap();
        let error = fails(at, 2, &["inspect", "m"]);
        assert!(error.contains("this is not an index of shards"), "{error}");
    }
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    #[cfg(unix)]
    for path in ["/dev/zero", "/dev/null"] {
        let error = fails(folder.path(), 2, &["inspect", path]);
        assert!(error.contains("is not a file"), "{error}");
    }
    let error = fails(folder.path(), 3, &["inspect", "nowhere"]);
    assert!(error.contains("cannot read nowhere"), "{error}");
}

#[test]
fn odd_names_and_shapes_are_handled() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["", " ", "../x", "/etc/passwd", "a\"b\\c", "nul\0", "\u{1b}[31mred\n", "名前", "a\u{202e}b"];
    let mut weights: Tensors =
        names.iter().map(|name| ((*name).to_owned(), tensor(Dtype::F32, &[3, 4], ValueKind::Uniform, 1))).collect();
    weights.insert("scalar".to_owned(), f32s(&[], &[f32::NAN]));
    weights.insert("nothing".to_owned(), f32s(&[0, 3], &[]));
    weights.insert("long".to_owned(), f32s(&[1; 60], &[1.0]));
    write(&folder.path().join("m"), &weights);
    let table = ok(folder.path(), &["inspect", "m"]);
    assert!(table.contains(r"\u{1b}[31mred\n") && !table.contains('\u{1b}'), "{table}");
    for method in [
        &HALF[..],
        &["--method", "str_unified_local", "--pattern", "2:4", "--axis", "1"],
        &["--method", "str_global", "--pattern", "2:4"],
    ] {
        let method = &[method, &["--all"]].concat()[..];
        for format in ["dense", "bitmask"] {
            let text =
                ok(folder.path(), &[&["apply", "m", "-o", "out", "--force", "--format", format], method].concat());
            assert!(!text.contains('\u{1b}'), "{text}");
        }
        ok(folder.path(), &[&["mask", "m", "-o", "masks", "--force"], method].concat());
        let masks = read(&folder.path().join("masks"));
        assert!(names.iter().all(|name| masks[*name].dtype == Dtype::BOOL), "{:?}", masks.keys());
    }
    assert_eq!(entries(folder.path()), ["m", "masks", "out"]);
    assert_eq!(read(&folder.path().join("out")).len(), weights.len());
}

#[test]
fn models_without_anything_to_prune() {
    let folder = tempfile::tempdir().unwrap();
    for weights in [
        Tensors::new(),
        tensors([("a", f32s(&[4], &[1.0; 4]))]),
        tensors([("ids", tensor(Dtype::I64, &[2, 2], ValueKind::Uniform, 1)), ("b", bools(&[1, 1], &[true]))]),
    ] {
        write(&folder.path().join("m"), &weights);
        ok(folder.path(), &["inspect", "m"]);
        let error = fails(folder.path(), 2, &[&["apply", "m", "-o", "out"], &HALF[..]].concat());
        assert!(error.contains("no layer is selected; prunable are tensors of f32"), "{error}");
        let error = fails(folder.path(), 2, &["check", "m", "--density", "0.5"]);
        assert!(error.contains("no layer is selected"), "{error}");
    }
    // Every element that could be ranked is missing or NaN.
    write(&folder.path().join("m"), &tensors([("a.weight", f32s(&[0, 8], &[]))]));
    let text = ok(folder.path(), &[&["apply", "m", "-o", "out"], &HALF[..]].concat());
    assert!(text.contains("0 of 0 kept (-)"), "{text}");
    write(&folder.path().join("m"), &tensors([("a.weight", f32s(&[1, 2], &[1.0, f32::NAN]))]));
    assert!(!run(folder.path(), &[&["apply", "m", "-o", "out", "--force"], &HALF[..]].concat()).status.success());
    ok(folder.path(), &["inspect", "m"]);
}

/// A message or a table does not grow with the names in a file.
#[test]
fn long_names_are_shown_in_part() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let long = format!("{}.weight", "n".repeat(100_000));
    let model =
        tensors([(long.as_str(), f32s(&[2, 2], &[1.0, f32::NAN, 3.0, 4.0])), ("b.weight", f32s(&[2, 2], &[1.0; 4]))]);
    write(&at.join("m"), &model);
    write(&at.join("good"), &tensors([(long.as_str(), f32s(&[2, 2], &[1.0, 2.0, 3.0, 4.0]))]));
    write(&at.join("other"), &tensors([(long.as_str(), f32s(&[2, 3], &[1.0; 6]))]));
    write(&at.join("packed"), &tensors([(long.as_str(), tensor(Dtype::I64, &[2, 2], ValueKind::Uniform, 1))]));
    let text = ok(at, &["inspect", "m"]);
    assert!(text.lines().all(|line| line.len() < 250), "{}", text.len());
    assert!(text.contains("nnn..nnn") && text.contains("nn.weight"), "{text}");
    assert!(ok(at, &["inspect", "m", "--json"]).contains(&long));
    let text = ok(at, &[&["apply", "good", "-o", "out", "--report", "r.json"], &HALF[..]].concat());
    assert!(text.lines().all(|line| line.len() < 250), "{}", text.len());
    assert!(fs::read_to_string(at.join("r.json")).unwrap().contains(&long));
    let json = "{0: {'method': 'unstr_global', 'density': 0.5}}";
    assert!(ok(at, &["schedule", json, "--model", "good"]).lines().all(|line| line.len() < 250));
    for arguments in [
        &["apply", "m", "-o", "x"][..],
        &["apply", "good", "-o", "x", "--scores", "other"],
        &["apply", "good", "-o", "x", "--masks", "packed"],
        &["apply", "good", "-o", "x", "--include", "b*"],
    ] {
        let error = fails(at, 2, &[arguments, &HALF[..]].concat());
        assert!(error.len() < 500, "{arguments:?}: {}", error.len());
    }
}
