//! The digest of a checkpoint's content.

use safetensors::Dtype;
use sha2::Digest as _;

/// The SHA-256 of the metadata and of every tensor with its name, type and shape, in the order of names. The length
/// of each piece precedes it, so no two contents give the same bytes.
pub(super) fn digest<'a>(
    metadata: &str,
    tensors: impl IntoIterator<Item = (&'a str, Dtype, &'a [usize], &'a [u8])>,
) -> [u8; 32] {
    let mut tensors: Vec<_> = tensors.into_iter().collect();
    tensors.sort_by_key(|(name, ..)| *name);
    let mut hasher = sha2::Sha256::new();
    let mut piece = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    piece(metadata.as_bytes());
    for (name, dtype, shape, bytes) in tensors {
        piece(name.as_bytes());
        piece(format!("{dtype:?} {shape:?}").as_bytes());
        piece(bytes);
    }
    hasher.finalize().into()
}
