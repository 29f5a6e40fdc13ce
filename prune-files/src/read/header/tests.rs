//! Any bytes at all cause no panic, and an accepted file reads the same as with the safetensors crate.
//!
//! `PROPTEST_CASES=200000 cargo test -p prune-files --release --lib header` is the long run.

#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use safetensors::SafeTensors;

use super::*;

/// Reads a whole file both ways.
fn agree(bytes: &[u8]) -> Result<(), TestCaseError> {
    let Some((len, rest)) = bytes.split_first_chunk::<8>() else { return Ok(()) };
    let Some(table) = usize::try_from(u64::from_le_bytes(*len)).ok().and_then(|len| rest.get(..len)) else {
        return Ok(());
    };
    let Ok(header) = Header::parse(table, bytes.len() as u64) else { return Ok(()) };
    let theirs = SafeTensors::deserialize(bytes);
    prop_assert!(theirs.is_ok(), "only ours accepts {:?}", String::from_utf8_lossy(table));
    let theirs = theirs.unwrap();
    prop_assert_eq!(header.tensors.len(), theirs.len());
    let mut next = header.data_start;
    for tensor in &header.tensors {
        let view = theirs.tensor(&tensor.name).unwrap();
        prop_assert_eq!((view.dtype(), view.shape()), (tensor.dtype, &tensor.shape[..]));
        prop_assert_eq!(tensor.start, next);
        next += tensor.bytes;
        prop_assert_eq!(view.data(), &bytes[tensor.start as usize..next as usize]);
    }
    prop_assert_eq!(next, bytes.len() as u64);
    Ok(())
}

fn file(table: &[u8], data: usize) -> Vec<u8> {
    let mut bytes = (table.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(table);
    bytes.extend((0..data).map(|i| i as u8));
    bytes
}

/// Pieces of tables, right and wrong ones.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"b\"", "\"dtype\"", "\"shape\"", "\"data_offsets\"", "\"F32\"",
            "\"F4\"", "\"__metadata__\"", "0", "4", "8", "-1", "1e9", "18446744073709551615", " ", "\\u0061", "null", "true",
        ])
        .prop_map(str::to_owned),
        1 => "\\PC{0,4}",
        2 => (0u64..3, 0u64..3, 0u64..20, 0u64..20)
            .prop_map(|(a, b, start, end)| format!(r#""t{a}":{{"dtype":"F32","shape":[{a},{b}],"data_offsets":[{start},{end}]}}"#)),
    ]
}

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        agree(&bytes)?;
        let _ = Header::parse(&bytes, 8 + bytes.len() as u64);
    }

    #[test]
    fn any_pieces(pieces in prop::collection::vec(piece(), 0..30), data in 0usize..30) {
        agree(&file(pieces.concat().as_bytes(), data))?;
        agree(&file(format!("{{{}}}", pieces.join(",")).as_bytes(), data))?;
    }

    /// A good file with one byte changed, cut off, or inserted.
    #[test]
    fn good_files_with_a_fault(
        shapes in prop::collection::vec(prop::collection::vec(0usize..4, 0..4), 0..5),
        place: prop::sample::Index,
        byte: u8,
        how in 0usize..4,
    ) {
        let entry = |(i, shape): (usize, &Vec<usize>)| crate::output::header::TensorToWrite {
            name: format!("tensor {i}"),
            dtype: if i % 2 == 0 { Dtype::F32 } else { Dtype::BF16 },
            bytes: (shape.iter().product::<usize>() * if i % 2 == 0 { 4 } else { 2 }) as u64,
            shape: shape.clone(),
        };
        let entries: Vec<_> = shapes.iter().enumerate().map(entry).collect();
        let mut bytes = crate::output::header::header(&entries, &[("a".to_owned(), "b".to_owned())].into_iter().collect());
        bytes.extend((0..entries.iter().map(|entry| entry.bytes).sum::<u64>()).map(|i| i as u8));
        let table = &bytes[8..8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize];
        let header = Header::parse(table, bytes.len() as u64).unwrap();
        prop_assert_eq!(header.tensors.len(), entries.len());
        prop_assert_eq!(header.data_start % 8, 0);
        agree(&bytes)?;
        let at = place.index(bytes.len());
        match how {
            0 => bytes[at] = byte,
            1 => bytes.truncate(at),
            2 => bytes.insert(at, byte),
            _ => drop(bytes.remove(at)),
        }
        agree(&bytes)?;
    }
}
