//! The IDX reader: one defect in each test, with the whole message, and laws over arbitrary bytes.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::cell::Cell;
use std::io::{self, Read, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use prune_mnist::data::idx::{self, IdxKind, MAX_ITEMS};
use prune_mnist::data::{DataError, PIXELS, Sha256};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn images(count: usize) -> Vec<u8> {
    let pixels: Vec<u8> = (0..count * PIXELS).map(|i| (i % 251) as u8).collect();
    idx::write_images(&pixels)
}

/// The message for bytes that must be refused. It must be the same for gzipped and plain bytes.
fn refused(bytes: &[u8], kind: IdxKind) -> String {
    let plain = idx::read(bytes, "a.idx", kind).unwrap_err().to_string();
    let packed = idx::read(&gzip(bytes)[..], "a.idx", kind).unwrap_err().to_string();
    assert_eq!(plain, packed);
    plain
}

fn with_header(sizes: &[u32], body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, sizes.len() as u8];
    bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend_from_slice(body);
    bytes
}

// Files that are read

#[test]
fn plain_and_gzipped_files_give_the_same() {
    let bytes = images(3);
    let plain = idx::read(&bytes[..], "a.idx", IdxKind::Images).unwrap();
    assert_eq!(plain.values, bytes[16..]);
    assert_eq!(plain.byte_len, 16 + 3 * 784);
    assert_eq!(plain.sha256, Sha256::of(&bytes));
    assert_eq!(plain, idx::read(&gzip(&bytes)[..], "a.idx", IdxKind::Images).unwrap());
}

#[test]
fn several_gzip_streams_in_a_row_are_one_file() {
    let bytes = images(2);
    let mut packed = gzip(&bytes[..700]);
    packed.extend(gzip(&bytes[700..]));
    assert_eq!(idx::read(&packed[..], "a.idx", IdxKind::Images).unwrap().values, bytes[16..]);
}

#[test]
fn a_reader_that_trickles_is_read_whole() {
    struct Trickle<'a>(&'a [u8]);
    impl Read for Trickle<'_> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let len = to.len().min(1);
            self.0.read(&mut to[..len])
        }
    }
    for bytes in [images(1), gzip(&images(1))] {
        assert_eq!(idx::read(Trickle(&bytes), "a.idx", IdxKind::Images).unwrap().values, images(1)[16..]);
    }
}

// Files that are refused

#[test]
fn an_empty_file_is_truncated() {
    assert_eq!(
        refused(b"", IdxKind::Labels),
        "a.idx: is truncated: 0 bytes (uncompressed) where 8 were expected; copy or download the file again"
    );
}

#[test]
fn a_cut_header_is_truncated() {
    assert_eq!(
        refused(&images(1)[..15], IdxKind::Images),
        "a.idx: is truncated: 15 bytes (uncompressed) where 16 were expected; copy or download the file again"
    );
}

#[test]
fn a_cut_body_is_truncated() {
    let bytes = images(2);
    assert_eq!(
        refused(&bytes[..bytes.len() - 1], IdxKind::Images),
        "a.idx: is truncated: 1583 bytes (uncompressed) where 1584 were expected; copy or download the file again"
    );
}

#[test]
fn trailing_bytes_are_refused() {
    let bytes = [idx::write_labels(&[1, 2]), vec![3]].concat();
    assert_eq!(
        refused(&bytes, IdxKind::Labels),
        "a.idx: goes on past the 10 bytes (uncompressed) that its header announces; \
         the header or the file is damaged: copy or download the file again"
    );
}

#[test]
fn a_wrong_magic_number_says_what_it_looks_like() {
    let is_refused = |bytes: &[u8], kind, advice: &str| {
        let message = refused(bytes, kind);
        assert!(message.starts_with("a.idx: the magic number is 0x"), "{message}");
        assert!(message.ends_with(advice), "{message}");
    };
    let again = "; this is not such a file: copy or download it again";
    is_refused(b"<!DOCTYPE html>", IdxKind::Images, again);
    is_refused(b"PK\x03\x04", IdxKind::Labels, again);
    let swapped = "; images and labels seem to be swapped: exchange the two files";
    is_refused(&idx::write_labels(&[1]), IdxKind::Images, swapped);
    is_refused(&images(1), IdxKind::Labels, swapped);
    is_refused(&[3, 8, 0, 0], IdxKind::Images, "; its bytes are in reverse order: write it big-endian");
    assert_eq!(
        refused(&[0, 0, 13, 3], IdxKind::Images),
        "a.idx: the magic number is 0x00000d03, but IDX images start with 0x00000803; \
         this is not such a file: copy or download it again"
    );
}

#[test]
fn images_of_another_size_are_refused() {
    assert_eq!(
        refused(&with_header(&[1, 32, 28], &[0; 32 * 28]), IdxKind::Images),
        "a.idx: the images are 32x28, but the models take 28x28; give MNIST-sized images"
    );
}

#[test]
fn sizes_whose_product_overflows_are_refused() {
    assert_eq!(
        refused(&with_header(&[u32::MAX, u32::MAX, u32::MAX], &[]), IdxKind::Images),
        "a.idx: the header announces 4294967295 images of 4294967295x4294967295, more bytes than 64 bits can \
         count; the header is damaged: copy or download the file again"
    );
}

#[test]
fn more_items_than_the_limit_are_refused() {
    let message = "a.idx: the header announces 1000001 items, and at most 1000000 are read; split the set";
    assert_eq!(refused(&with_header(&[MAX_ITEMS + 1, 28, 28], &[]), IdxKind::Images), message);
    assert_eq!(refused(&with_header(&[MAX_ITEMS + 1], &[]), IdxKind::Labels), message);
}

#[test]
fn an_empty_set_is_refused() {
    let message = "a.idx: holds no items; at least one is needed to train or test";
    assert_eq!(refused(&with_header(&[0, 28, 28], &[]), IdxKind::Images), message);
    assert_eq!(refused(&with_header(&[0], &[]), IdxKind::Labels), message);
}

#[test]
fn a_label_past_nine_is_refused() {
    assert_eq!(
        refused(&idx::write_labels(&[9, 0, 10, 255]), IdxKind::Labels),
        "a.idx: label 2 is 10, but labels run from 0 to 9; the file is damaged, or not a set of ten classes"
    );
}

#[test]
fn gzip_cut_anywhere_is_refused() {
    let packed = gzip(&images(1));
    for len in 2..packed.len() {
        let error = idx::read(&packed[..len], "a.idx", IdxKind::Images).unwrap_err();
        assert!(matches!(error, DataError::GzipCut { .. }), "{len}: {error}");
    }
    assert_eq!(
        idx::read(&packed[..packed.len() - 1], "a.idx", IdxKind::Images).unwrap_err().to_string(),
        "a.idx: the gzip data is cut: it ends after 800 uncompressed bytes without its end mark; \
         copy or download the file again"
    );
}

#[test]
fn gzip_with_a_wrong_checksum_is_refused() {
    let mut packed = gzip(&images(1));
    let at = packed.len() - 8;
    packed[at] ^= 1;
    let error = idx::read(&packed[..], "a.idx", IdxKind::Images).unwrap_err();
    let DataError::GzipCorrupt { found: 800, .. } = &error else { panic!("{error}") };
    let message = error.to_string();
    assert!(message.starts_with("a.idx: the gzip data is corrupt after 800 uncompressed bytes ("), "{message}");
    assert!(message.ends_with("); copy or download the file again"), "{message}");
}

#[test]
fn bytes_after_the_gzip_stream_are_refused() {
    for more in [&b"\n"[..], b"more", b"\0\0x", &[b'x'; 5000]] {
        let packed = [gzip(&images(1)), more.to_vec()].concat();
        assert_eq!(
            idx::read(&packed[..], "a.idx", IdxKind::Images).unwrap_err().to_string(),
            "a.idx: bytes that are not gzip follow the end of its gzip data, which has 800 uncompressed bytes; copy or \
             download the file again, or cut them off"
        );
    }
}

#[test]
fn zeros_after_the_gzip_stream_are_padding() {
    for zeros in [1, 9, 512, 20_000] {
        let packed = [gzip(&images(1)), vec![0; zeros]].concat();
        let read = |bytes: &[u8]| idx::read(bytes, "a.idx", IdxKind::Images).unwrap();
        assert_eq!(read(&packed), read(&images(1)));
    }
}

#[test]
fn a_failing_reader_is_named() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is on fire"))
        }
    }
    for start in [&b""[..], b"\x1f\x8b", b"\0\0\x08\x01\0\0\0\x01"] {
        let error = idx::read(start.chain(Fails), "a.idx", IdxKind::Labels).unwrap_err();
        assert_eq!(error.to_string(), "a.idx: cannot be read: the disk is on fire; check the path and its permissions");
    }
}

// A hostile header costs nothing

/// An input that counts the bytes taken from it. It goes on for as long as an honest reader could want and then
/// fails, so that a reader without limits fails the test and not the machine.
struct Endless<'a> {
    start: &'a [u8],
    taken: &'a Cell<usize>,
}

impl Read for Endless<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        assert!(self.taken.get() < 10_000_000, "the reader does not stop");
        to.fill(0);
        let from_start = self.start.read(to)?;
        let len = if from_start > 0 { from_start } else { to.len() };
        self.taken.set(self.taken.get() + len);
        Ok(len)
    }
}

#[test]
fn no_more_is_read_than_the_header_announces() {
    let taken = Cell::new(0);
    let read = |header: Vec<u8>, kind| idx::read(Endless { start: &header, taken: &taken }, "a.idx", kind);
    assert!(matches!(read(with_header(&[10], &[]), IdxKind::Labels), Err(DataError::Trailing { .. })));
    assert!(matches!(
        read(with_header(&[u32::MAX, 28, 28], &[]), IdxKind::Images),
        Err(DataError::TooMany { count: u32::MAX, .. })
    ));
    assert!(matches!(read(with_header(&[1, u32::MAX, u32::MAX], &[]), IdxKind::Images), Err(DataError::Shape { .. })));
    assert!(taken.get() < 100_000, "{} bytes", taken.get());
}

#[test]
fn a_gzip_bomb_is_left_after_what_its_header_announces() {
    // 100 MB of zeros behind a header that announces one label.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&with_header(&[1], &[])).unwrap();
    io::copy(&mut io::repeat(0).take(100_000_000), &mut encoder).unwrap();
    let bomb = encoder.finish().unwrap();
    struct Counted<'a>(&'a [u8], &'a Cell<usize>);
    impl Read for Counted<'_> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let len = self.0.read(to)?;
            self.1.set(self.1.get() + len);
            Ok(len)
        }
    }
    let taken = Cell::new(0);
    let error = idx::read(Counted(&bomb, &taken), "a.idx", IdxKind::Labels).unwrap_err();
    assert!(matches!(error, DataError::Trailing { expected: 9, .. }), "{error}");
    assert!(taken.get() < bomb.len() / 4, "{} of {} bytes", taken.get(), bomb.len());
}

// Laws

fn any_kind() -> impl Strategy<Value = IdxKind> {
    prop_oneof![Just(IdxKind::Images), Just(IdxKind::Labels)]
}

/// Bytes that get past the first checks often: a header with likely and hostile sizes, then a body.
fn near_idx() -> impl Strategy<Value = Vec<u8>> {
    let size = prop_oneof![0..4u32, Just(28), Just(MAX_ITEMS), Just(MAX_ITEMS + 1), Just(u32::MAX), any::<u32>()];
    let body = prop_oneof![
        proptest::collection::vec(0..12u8, 0..8),
        proptest::collection::vec(any::<u8>(), 0..2000),
        (0..3usize).prop_map(|count| vec![7; count * PIXELS]),
    ];
    (proptest::collection::vec(size, 0..4), body).prop_map(|(sizes, body)| with_header(&sizes, &body))
}

fn check_sound(bytes: &[u8], kind: IdxKind) {
    if let Ok(read) = idx::read(bytes, "a.idx", kind) {
        let written = match kind {
            IdxKind::Images => idx::write_images(&read.values),
            IdxKind::Labels => idx::write_labels(&read.values),
        };
        // An accepted file equals one of ours, so no byte in it was passed over.
        assert_eq!(read.sha256, Sha256::of(&written));
        assert_eq!(read.byte_len, written.len() as u64);
        assert!(!read.values.is_empty());
        assert!(kind == IdxKind::Images || read.values.iter().all(|&label| label < 10));
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..4096), kind in any_kind()) {
        check_sound(&bytes, kind);
        check_sound(&[&[0x1f, 0x8b], &bytes[..]].concat(), kind);
        check_sound(&[&[0x1f, 0x8b, 8, 0], &bytes[..]].concat(), kind);
        check_sound(&gzip(&bytes), kind);
    }

    #[test]
    fn nearly_right_bytes_never_panic(bytes in near_idx(), kind in any_kind()) {
        check_sound(&bytes, kind);
        check_sound(&gzip(&bytes), kind);
    }

    #[test]
    fn what_is_written_is_read_back(pixels in proptest::collection::vec(any::<u8>(), PIXELS * 2), labels in proptest::collection::vec(0..10u8, 1..50)) {
        prop_assert_eq!(idx::read(&idx::write_images(&pixels)[..], "a.idx", IdxKind::Images).unwrap().values, pixels);
        prop_assert_eq!(idx::read(&gzip(&idx::write_labels(&labels))[..], "a.idx", IdxKind::Labels).unwrap().values, labels);
    }

    /// One flipped bit in a gzipped file is noticed, or the content is the same: a few bits are notes or padding, and
    /// a repeat may be copied from either of two places.
    #[test]
    fn a_flipped_bit_in_gzip_is_noticed(at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let bytes = images(1);
        let mut packed = gzip(&bytes);
        let at = at.index(packed.len());
        packed[at] ^= 1 << bit;
        if let Ok(read) = idx::read(&packed[..], "a.idx", IdxKind::Images) {
            prop_assert_eq!(&read.values, &bytes[16..]);
        }
    }
}
