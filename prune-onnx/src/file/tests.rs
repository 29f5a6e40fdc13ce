#![allow(clippy::unwrap_used, reason = "tests")]
use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;

use crate::wire::schema::{attribute, graph, model, node, tensor};
use crate::wire::{put_bytes, put_head, put_int, put_varint};
use crate::{
    AttributeValue, DataType, Dim, Edits, Error, GraphBuilder, GraphProblem, Model, ModelBuilder, NotOnnx, TensorPlace,
    TensorProblem, WireProblem,
};

fn parse(bytes: Vec<u8>) -> Result<Model, Error> {
    Model::parse(bytes, Path::new("."))
}

fn write(model: &Model, edits: &Edits) -> Vec<u8> {
    let mut bytes = Vec::new();
    let sizes = model.write(edits, &mut bytes, None).unwrap();
    assert_eq!(sizes.model, bytes.len() as u64);
    bytes
}

/// A dense layer, ReLU, and a dense layer with a constant node. At every level there are fields that no version of ONNX
/// has.
fn sample() -> Vec<u8> {
    let mut graph = GraphBuilder::new("sample");
    graph.input("x", DataType::Float, &[Dim::Named("batch".into()), Dim::Known(3)]);
    graph.floats("w", &[3, 4], &core::array::from_fn::<f32, 12, _>(|at| at as f32));
    graph.floats("b", &[4], &[1.0, 2.0, 3.0, 4.0]);
    graph.node("Gemm", &["x", "w", "b"], &["h"], &[("alpha", AttributeValue::Float(1.0))]);
    graph.value_info("h", DataType::Float, &[Dim::Named("batch".into()), Dim::Known(4)]);
    graph.node("Relu", &["h"], &["r"], &[]);
    graph.constant("v", DataType::Float, &[4, 1], &[1.0f32, 2.0, 3.0, 4.0].map(f32::to_le_bytes).concat());
    graph.node("MatMul", &["r", "v"], &["y"], &[]);
    graph.output("y", DataType::Float, &[Dim::Named("batch".into()), Dim::Known(1)]);
    let mut bytes = ModelBuilder::new(8, 17).import("com.microsoft", 1).finish(&graph);
    put_bytes(&mut bytes, 14, b"\x0a\x01k\x12\x01v");
    put_bytes(&mut bytes, 4000, b"newer");
    bytes
}

#[test]
fn no_edits_give_the_file_back() {
    let bytes = sample();
    let model = parse(bytes.clone()).unwrap();
    assert_eq!(write(&model, &Edits::new()), bytes);
    assert_eq!((model.ir_version(), model.opset(), model.graph().nodes().len()), (8, 17, 4));
}

#[test]
fn edits_change_what_they_name_and_nothing_else() {
    let model = parse(sample()).unwrap();
    let mut edits = Edits::new();
    edits.keep(TensorPlace::Initializer(0), 1, vec![0, 3]);
    edits.keep(TensorPlace::Initializer(1), 0, vec![0, 3]);
    edits.keep(TensorPlace::Constant(2), 0, vec![0, 3]);
    edits.set_length("h", 1, 2);
    // A named length keeps its name.
    edits.set_length("h", 0, 7);
    edits.set_attribute(0, "beta", AttributeValue::Float(0.5));
    edits.set_attribute(0, "alpha", AttributeValue::Float(2.0));
    let copy = edits.copy_initializer(1, "b2");
    edits.keep(copy, 0, vec![1]);
    edits.add_initializer("n", DataType::Int64, vec![1], 5i64.to_le_bytes().to_vec());
    edits.set_input(1, 2, "b2");
    let bytes = write(&model, &edits);
    let new = parse(bytes.clone()).unwrap();
    let floats = |at: usize| new.graph().initializers()[at].floats().unwrap();
    assert_eq!(floats(0), [0.0, 3.0, 4.0, 7.0, 8.0, 11.0]);
    assert_eq!(new.graph().initializers()[0].dims(), [3, 2]);
    assert_eq!(floats(1), [1.0, 4.0]);
    assert_eq!(floats(2), [2.0]);
    assert_eq!(new.graph().initializers()[3].ints().unwrap(), [5]);
    assert_eq!(new.graph().nodes()[2].constant().unwrap().floats().unwrap(), [1.0, 4.0]);
    assert_eq!(new.graph().nodes()[0].float("alpha"), Some(2.0));
    assert_eq!(new.graph().nodes()[0].float("beta"), Some(0.5));
    assert_eq!(new.graph().nodes()[1].inputs(), ["h", "", "b2"]);
    assert_eq!(new.graph().value_infos()[0].shape().unwrap(), [Dim::Named("batch".into()), Dim::Known(2)]);
    assert!(bytes.ends_with(b"newer"));
    assert!(bytes.windows(14).any(|part| part == b"\x0a\x0dcom.microsoft"[..14].as_ref()));
}

#[test]
fn before_version_4_an_added_initializer_is_an_input_too() {
    let mut graph = GraphBuilder::new("old");
    graph.input("x", DataType::Float, &[Dim::Known(2)]);
    graph.input("w", DataType::Float, &[Dim::Known(2)]);
    graph.floats("w", &[2], &[1.0, 2.0]);
    graph.node("Mul", &["x", "w"], &["y"], &[]);
    graph.output("y", DataType::Float, &[Dim::Known(2)]);
    let model = parse(ModelBuilder::new(3, 9).finish(&graph)).unwrap();
    let mut edits = Edits::new();
    let copy = edits.copy_initializer(0, "w2");
    edits.keep(copy, 0, vec![1]);
    let new = parse(write(&model, &edits)).unwrap();
    assert_eq!(new.graph().inputs()[2].name(), "w2");
    assert_eq!(new.graph().inputs()[2].shape().unwrap(), [Dim::Known(1)]);
}

/// A model of one initializer, whose fields `put` writes.
fn with_tensor(put: impl FnOnce(&mut Vec<u8>)) -> Result<Model, Error> {
    let mut one = Vec::new();
    put_bytes(&mut one, tensor::NAME, b"t");
    put(&mut one);
    let mut of_graph = Vec::new();
    put_bytes(&mut of_graph, graph::INITIALIZER, &one);
    let mut bytes = ModelBuilder::new(8, 17).finish(&GraphBuilder::new(""));
    // Replaces the builder's empty graph by one with the tensor.
    let at = bytes.windows(4).position(|part| part == [model::GRAPH as u8 * 8 + 2, 2, 18, 0]).unwrap();
    let mut graph = Vec::new();
    put_bytes(&mut graph, model::GRAPH, &of_graph);
    bytes.splice(at..at + 4, graph);
    parse(bytes)
}

fn dims_and_type(into: &mut Vec<u8>, dims: &[i64], data_type: DataType) {
    dims.iter().for_each(|&length| put_int(into, tensor::DIMS, length));
    put_int(into, tensor::DATA_TYPE, i64::from(data_type.code()));
}

#[test]
fn each_type_is_read_from_its_typed_field_as_from_raw_data() {
    let ints = |number: u32, data_type: DataType, values: &[i64], packed: bool| {
        let model = with_tensor(|into| {
            dims_and_type(into, &[values.len() as i64], data_type);
            if packed {
                let mut list = Vec::new();
                values.iter().for_each(|&value| put_varint(&mut list, value as u64));
                put_bytes(into, number, &list);
            } else {
                values.iter().for_each(|&value| put_int(into, number, value));
            }
        });
        model.unwrap().graph().initializers()[0].clone()
    };
    for packed in [false, true] {
        for (data_type, values) in [
            (DataType::Int32, [-5, 7]),
            (DataType::Int16, [-5, 7]),
            (DataType::Int8, [-5, 7]),
            (DataType::Uint16, [65535, 7]),
            (DataType::Uint8, [255, 7]),
            (DataType::Bool, [1, 0]),
        ] {
            let read = ints(tensor::INT32_DATA, data_type, &values, packed);
            assert_eq!(read.ints().unwrap(), values, "{data_type}");
            assert_eq!(read.bytes().unwrap().len() as u64, read.byte_len().unwrap());
        }
        // Halves are written as the integers that have the same bits.
        let halves = [i64::from(half::f16::from_f32(-1.5).to_bits()), 0];
        assert_eq!(ints(tensor::INT32_DATA, DataType::Float16, &halves, packed).floats().unwrap(), [-1.5, 0.0]);
        let halves = [i64::from(half::bf16::from_f32(-1.5).to_bits()), 0];
        assert_eq!(ints(tensor::INT32_DATA, DataType::Bfloat16, &halves, packed).floats().unwrap(), [-1.5, 0.0]);
        assert_eq!(ints(tensor::INT64_DATA, DataType::Int64, &[i64::MIN, 3], packed).ints().unwrap(), [i64::MIN, 3]);
        assert_eq!(ints(tensor::UINT64_DATA, DataType::Uint32, &[3, 1 << 31], packed).ints().unwrap(), [3, 1 << 31]);
        assert_eq!(ints(tensor::UINT64_DATA, DataType::Uint64, &[3, 9], packed).floats().unwrap(), [3.0, 9.0]);
        let floats = with_tensor(|into| {
            dims_and_type(into, &[2], DataType::Float);
            if packed {
                put_bytes(into, tensor::FLOAT_DATA, &[1.5f32, -0.25].map(f32::to_le_bytes).concat());
            } else {
                [1.5, -0.25].iter().for_each(|&value| crate::wire::put_float(into, tensor::FLOAT_DATA, value));
            }
        });
        assert_eq!(floats.unwrap().graph().initializers()[0].floats().unwrap(), [1.5, -0.25]);
        let doubles = with_tensor(|into| {
            dims_and_type(into, &[2], DataType::Double);
            if packed {
                put_bytes(into, tensor::DOUBLE_DATA, &[1.5f64, -0.25].map(f64::to_le_bytes).concat());
            } else {
                for value in [1.5f64, -0.25] {
                    put_varint(into, u64::from(tensor::DOUBLE_DATA) << 3 | 1);
                    into.extend_from_slice(&value.to_le_bytes());
                }
            }
        });
        assert_eq!(doubles.unwrap().graph().initializers()[0].floats().unwrap(), [1.5, -0.25]);
    }
}

#[test]
fn typed_tensors_are_cut_too() {
    let model = with_tensor(|into| {
        dims_and_type(into, &[3], DataType::Int64);
        [7, 8, 9].iter().for_each(|&value| put_int(into, tensor::INT64_DATA, value));
    });
    let model = model.unwrap();
    let mut edits = Edits::new();
    edits.keep(TensorPlace::Initializer(0), 0, vec![0, 2]);
    assert_eq!(parse(write(&model, &edits)).unwrap().graph().initializers()[0].ints().unwrap(), [7, 9]);
    let mut edits = Edits::new();
    edits.replace_ints(TensorPlace::Initializer(0), &[4, -1]);
    let bytes = write(&model, &edits);
    assert!(bytes.len() <= model.bytes().len() + 10);
    assert_eq!(parse(bytes).unwrap().graph().initializers()[0].ints().unwrap(), [4, -1]);
}

#[test]
fn lengths_that_lie_are_refused() {
    let refused = |put: &dyn Fn(&mut Vec<u8>)| with_tensor(put).map(|_| ()).unwrap_err().to_string();
    let short = refused(&|into| {
        dims_and_type(into, &[2, 2], DataType::Float);
        put_bytes(into, tensor::RAW_DATA, &[0; 15]);
    });
    assert_eq!(short, "tensor `t`: its shape [2, 2] of FLOAT needs 16 bytes of data, and there are 15");
    let typed = refused(&|into| {
        dims_and_type(into, &[2], DataType::Int32);
        put_int(into, tensor::INT32_DATA, 1);
    });
    assert_eq!(typed, "tensor `t`: its shape [2] of INT32 needs 2 values of data, and there are 1");
    let negative = refused(&|into| dims_and_type(into, &[-1], DataType::Float));
    assert_eq!(negative, "tensor `t`: axis 0 has the length -1");
    let huge = refused(&|into| dims_and_type(into, &[1 << 40, 0, 1 << 40], DataType::Float));
    assert!(huge.contains("more elements than can be counted"), "{huge}");
    let form = refused(&|into| {
        dims_and_type(into, &[1], DataType::Float);
        put_int(into, tensor::INT64_DATA, 1);
    });
    assert_eq!(form, "tensor `t`: its type FLOAT cannot be written as its data is");
    let twice = refused(&|into| {
        dims_and_type(into, &[1], DataType::Int64);
        put_int(into, tensor::INT64_DATA, 1);
        put_bytes(into, tensor::RAW_DATA, &[0; 8]);
    });
    assert_eq!(twice, "tensor `t`: its elements are written twice, in different fields");
    // No type is known that would tell how much data this shape needs.
    let unknown = with_tensor(|into| {
        dims_and_type(into, &[1 << 44], DataType::Other(99));
        put_bytes(into, tensor::RAW_DATA, &[0; 3]);
    });
    let unknown = unknown.unwrap().graph().initializers()[0].floats().unwrap_err();
    assert!(unknown.to_string().contains("numbers"), "{unknown}");
    let range = with_tensor(|into| {
        dims_and_type(into, &[1], DataType::Int8);
        put_int(into, tensor::INT32_DATA, 300);
    });
    let range = range.unwrap().graph().initializers()[0].ints().unwrap_err();
    assert_eq!(range.to_string(), "tensor `t`: element 0 is 300, which INT8 does not have");
}

#[test]
fn a_tensor_with_a_newer_field_is_kept_and_not_cut() {
    let model = with_tensor(|into| {
        dims_and_type(into, &[2], DataType::Uint8);
        put_bytes(into, tensor::RAW_DATA, &[1, 2]);
        put_bytes(into, 99, b"newer");
    });
    let model = model.unwrap();
    let mut edits = Edits::new();
    edits.add_initializer("other", DataType::Uint8, vec![1], vec![0]);
    assert!(write(&model, &edits).windows(5).any(|part| part == b"newer"));
    edits.keep(TensorPlace::Initializer(0), 0, vec![1]);
    let refused = model.write(&edits, &mut Vec::new(), None).unwrap_err();
    assert!(matches!(refused, Error::Tensor { problem: TensorProblem::Cut(_), .. }), "{refused}");
}

#[test]
fn edits_that_do_not_fit_are_refused() {
    let model = parse(sample()).unwrap();
    let refused = |edit: &dyn Fn(&mut Edits)| {
        let mut edits = Edits::new();
        edit(&mut edits);
        model.write(&edits, &mut Vec::new(), None).unwrap_err().to_string()
    };
    let missing = refused(&|edits| edits.keep(TensorPlace::Initializer(9), 0, vec![0]));
    assert_eq!(missing, "an edit reads `Initializer(9)`, which nothing writes");
    assert!(refused(&|edits| edits.keep(TensorPlace::Initializer(0), 2, vec![0])).contains("no such axis"));
    assert!(refused(&|edits| edits.keep(TensorPlace::Initializer(0), 1, vec![4])).contains("no such index"));
    assert!(refused(&|edits| edits.replace_ints(TensorPlace::Initializer(0), &[1])).contains("needs 4 bytes"));
    assert!(refused(&|edits| edits.set_input(9, 0, "x")).contains("node 9"));
    let twice = refused(&|edits| {
        edits.copy_initializer(0, "h");
    });
    assert_eq!(twice, "`h` is written twice, the second time by an edit");
}

#[test]
fn other_formats_are_named() {
    let why = |bytes: &[u8]| match parse(bytes.to_vec()).unwrap_err() {
        Error::NotOnnx { why } => why,
        other => panic!("{other}"),
    };
    assert_eq!(why(b""), NotOnnx::Empty);
    for (bytes, word) in [
        (&b"PK\x03\x04rest"[..], "zip"),
        (b"GGUFrest", "GGUF"),
        (b"\x80\x02rest", "pickle"),
        (b"\x10\0\0\0\0\0\0\0{\"a\":", "safetensors"),
        (b"version https://git-lfs.github.com", "LFS"),
    ] {
        assert!(why(bytes).to_string().contains(word), "{word}");
    }
    assert_eq!(why(b"\x08\x08"), NotOnnx::NoGraph);
    assert_eq!(why(&ModelBuilder::new(2, 9).finish(&GraphBuilder::new(""))), NotOnnx::IrVersion(2));
}

#[test]
fn broken_encodings_say_where() {
    let problem = |bytes: &[u8]| match parse(bytes.to_vec()).unwrap_err() {
        Error::Wire { at, problem } => (at, problem),
        other => panic!("{other}"),
    };
    assert_eq!(problem(b"\x08\x08\x3a\x05a"), (2, WireProblem::Truncated));
    assert_eq!(problem(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), (1, WireProblem::LongNumber));
    assert_eq!(problem(b"\x08\x08\x0b"), (2, WireProblem::WireType(3)));
    assert_eq!(problem(b"\x08\x08\x00\x01"), (2, WireProblem::FieldNumber(0)));
    // A length of nearly 2^64.
    assert_eq!(problem(b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").1, WireProblem::Truncated);
    assert!(matches!(problem(b"\x08\x08\x3a\0\x3a\0"), (4, WireProblem::Twice { field: 7, .. })));
    assert!(matches!(problem(b"\x3d\0\0\0\0").1, WireProblem::OtherType { field: 7, wire_type: 5, .. }));
}

/// Graphs nested to this depth.
fn nested(depth: usize) -> Vec<u8> {
    let mut inner = Vec::new();
    for _ in 0..depth {
        let mut value = Vec::new();
        put_bytes(&mut value, attribute::NAME, b"body");
        put_bytes(&mut value, attribute::G, &inner);
        put_int(&mut value, attribute::TYPE, 5);
        let mut one = Vec::new();
        put_bytes(&mut one, node::OP_TYPE, b"Loop");
        put_bytes(&mut one, node::ATTRIBUTE, &value);
        inner.clear();
        put_bytes(&mut inner, graph::NODE, &one);
    }
    let mut bytes = ModelBuilder::new(8, 17).finish(&GraphBuilder::new(""));
    let at = bytes.windows(4).position(|part| part == [model::GRAPH as u8 * 8 + 2, 2, 18, 0]).unwrap();
    let mut field = Vec::new();
    put_head(&mut field, model::GRAPH, inner.len() as u64);
    field.extend_from_slice(&inner);
    bytes.splice(at..at + 4, field);
    bytes
}

#[test]
fn graphs_may_lie_in_graphs_and_not_too_deep() {
    assert!(parse(nested(31)).is_ok());
    for depth in [32, 33, 5000] {
        let refused = parse(nested(depth)).unwrap_err();
        assert!(matches!(refused, Error::Wire { problem: WireProblem::TooDeep, .. }), "{refused}");
    }
}

#[test]
fn graphs_that_contradict_themselves_are_refused() {
    let problem = |build: &dyn Fn(&mut GraphBuilder), opset: i64| {
        let mut graph = GraphBuilder::new("g");
        graph.input("x", DataType::Float, &[Dim::Known(1)]);
        build(&mut graph);
        match parse(ModelBuilder::new(8, opset).finish(&graph)) {
            Err(Error::Graph(problem)) => Some(problem),
            Err(other) => panic!("{other}"),
            Ok(_) => None,
        }
    };
    assert_eq!(problem(&|_| {}, 8), Some(GraphProblem::Opset(8)));
    assert_eq!(problem(&|graph| graph.node("", &["x"], &["y"], &[]), 17), Some(GraphProblem::NoOperator(0)));
    let missing = problem(&|graph| graph.node("Relu", &["z"], &["y"], &[]), 17).unwrap();
    assert_eq!(missing.to_string(), "Relu of `y` reads `z`, which nothing writes");
    let circle = |graph: &mut GraphBuilder| {
        graph.node("Add", &["x", "b"], &["a"], &[]);
        graph.node("Relu", &["a"], &["b"], &[]);
    };
    assert!(matches!(problem(&circle, 17), Some(GraphProblem::Later { .. })));
    assert!(matches!(
        problem(&|graph| graph.node("Add", &["x", "y"], &["y"], &[]), 17),
        Some(GraphProblem::Later { .. })
    ));
    let twice = |graph: &mut GraphBuilder| {
        graph.node("Relu", &["x"], &["a"], &[]);
        graph.node("Relu", &["x"], &["a"], &[]);
    };
    assert!(matches!(problem(&twice, 17), Some(GraphProblem::Twice { .. })));
    let same = |graph: &mut GraphBuilder| (0..2).for_each(|_| graph.floats("w", &[1], &[0.0]));
    assert!(matches!(problem(&same, 17), Some(GraphProblem::Twice { .. })));
    let output = |graph: &mut GraphBuilder| graph.output("nowhere", DataType::Float, &[]);
    assert!(matches!(problem(&output, 17), Some(GraphProblem::Missing { .. })));
    // An inner graph may read values that the outer graph writes before it, but none that it writes after it.
    let mut inner = GraphBuilder::new("inner");
    inner.node("Relu", &["a"], &["i"], &[]);
    inner.output("i", DataType::Float, &[]);
    let after = |graph: &mut GraphBuilder| {
        graph.node_with_graphs("If", &["x"], &["y"], &[("then_branch", &inner)]);
        graph.node("Relu", &["x"], &["a"], &[]);
    };
    assert!(matches!(problem(&after, 17), Some(GraphProblem::Missing { .. })));
    let before = |graph: &mut GraphBuilder| {
        graph.node("Relu", &["x"], &["a"], &[]);
        graph.node_with_graphs("If", &["x"], &["y"], &[("then_branch", &inner), ("else_branch", &inner)]);
    };
    assert_eq!(problem(&before, 17), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(bytes);
    }

    /// Changes part of a valid file, then reads and writes all of its tensors.
    #[test]
    fn changed_files_are_read_or_refused(
        at in any::<prop::sample::Index>(), with in prop::collection::vec(any::<u8>(), 0..6), drop in 0usize..6,
    ) {
        let mut bytes = sample();
        let at = at.index(bytes.len());
        bytes.splice(at..(at + drop).min(bytes.len()), with);
        if let Ok(model) = parse(bytes.clone()) {
            prop_assert_eq!(&write(&model, &Edits::new()), &bytes);
            for tensor in model.graph().all_tensors() {
                let _ = (tensor.floats(), tensor.ints());
            }
            let mut edits = Edits::new();
            edits.keep(TensorPlace::Initializer(0), 0, vec![0]);
            edits.set_length("h", 1, 2);
            let mut written = Vec::new();
            if model.write(&edits, &mut written, None).is_ok() {
                prop_assert!(parse(written).is_ok());
            }
        }
    }

    #[test]
    fn cut_off_files_are_refused_or_end_between_fields(at in any::<prop::sample::Index>()) {
        let mut bytes = sample();
        bytes.truncate(at.index(bytes.len()));
        if let Ok(model) = parse(bytes) {
            // Only fields after the graph can be missing.
            prop_assert_eq!(model.graph().nodes().len(), 4);
        }
    }
}

#[test]
fn cuts_of_all_axes_go_together() {
    let kept = BTreeMap::from([(0, vec![1]), (2, vec![0, 2])]);
    let bytes: Vec<u8> = (0..12).collect();
    assert_eq!(crate::cut_bytes(&bytes, &[2, 2, 3], 1, &kept), [6, 8, 9, 11]);
}
