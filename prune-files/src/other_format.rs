//! Files of other formats, recognised by their first bytes.

use std::io;
use std::path::Path;

use crate::disk::{self, Handle};

/// The number of bytes of a file that are looked at.
pub(crate) const LOOKED_AT: usize = 512;

/// A format other than safetensors, and the way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtherFormat {
    /// The format, such as `a GGUF file`.
    pub what: &'static str,
    /// The way out.
    pub instead: &'static str,
}

/// Formats by their first bytes.
const MAGIC: [(&[u8], OtherFormat); 18] = [
    (
        b"version https://git-lfs",
        OtherFormat {
            what: "the pointer of a file in Git LFS, and not the file",
            instead: "fetch it with `git lfs pull`",
        },
    ),
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", ZIP),
    (b"\x80\x02", PICKLE),
    (b"\x80\x03", PICKLE),
    (b"\x80\x04", PICKLE),
    (b"\x80\x05", PICKLE),
    (b"GGUF", GGUF),
    // The forerunners of GGUF, whose four letters are stored as a number.
    (b"lmgg", GGUF),
    (b"fmgg", GGUF),
    (b"tjgg", GGUF),
    (b"\x89HDF\r\n\x1a\n", OtherFormat { what: "an HDF5 file, as Keras writes", instead: CONVERT }),
    (b"\x93NUMPY", OtherFormat { what: "an array of NumPy", instead: "save it with `safetensors.numpy.save_file`" }),
    (b"\x1f\x8b", OtherFormat { what: "compressed with gzip", instead: "unpack it with `gunzip`" }),
    (b"\x28\xb5\x2f\xfd", OtherFormat { what: "compressed with zstd", instead: "unpack it with `unzstd`" }),
    (b"\xfd7zXZ\0", OtherFormat { what: "compressed with xz", instead: "unpack it with `unxz`" }),
    (b"BZh", OtherFormat { what: "compressed with bzip2", instead: "unpack it with `bunzip2`" }),
    (b"7z\xbc\xaf\x27\x1c", OtherFormat { what: "an archive of 7-Zip", instead: "unpack it with `7z x`" }),
];

const CONVERT: &str = "load it where it was made and save its tensors as safetensors";

const ZIP: OtherFormat = OtherFormat {
    what: "a zip archive, as PyTorch (.bin, .pt, .pth), NumPy (.npz) and Keras write",
    instead: "load it there and save its tensors with `safetensors.torch.save_file` or the like",
};

const PICKLE: OtherFormat = OtherFormat {
    what: "a Python pickle, as old versions of PyTorch write",
    instead: "load it there with `weights_only=True` and save its tensors with `safetensors.torch.save_file`",
};

const GGUF: OtherFormat = OtherFormat {
    what: "a GGUF file, as llama.cpp reads",
    instead: "prune the safetensors that it was made from, and make it again from them",
};

/// The format of a file that begins with these bytes, if it is known.
pub(crate) fn of(begin: &[u8]) -> Option<OtherFormat> {
    if let Some((_, format)) = MAGIC.iter().find(|(magic, _)| begin.starts_with(magic)) {
        return Some(*format);
    }
    let known = |what, instead| Some(OtherFormat { what, instead });
    if begin.is_empty() {
        return known("empty", "fetch or write it again");
    }
    if begin.get(257..262) == Some(b"ustar") {
        return known("a tar archive", "unpack it with `tar xf`");
    }
    if begin.get(4..8) == Some(b"TFL3") {
        return known("a file of TensorFlow Lite", CONVERT);
    }
    if begin.len() >= 64 && begin.iter().all(|&byte| byte == 0) {
        return known("nothing but zeros where it begins, as a download that has not ended", "fetch it again");
    }
    if !is_text(begin) {
        if is_flax(begin) {
            return known(
                "a msgpack file, as Flax writes",
                "load it there and save its arrays with `safetensors.flax.save_file`",
            );
        }
        // The first field has type varint: the version of ONNX's intermediate representation.
        let onnx = matches!(begin, [8, 1..=20, 0x12 | 0x3a, ..]);
        return if onnx { known("an ONNX file", "export its weights as safetensors") } else { None };
    }
    let text = begin.trim_ascii_start();
    let starts = |with: &str| text.len() >= with.len() && text[..with.len()].eq_ignore_ascii_case(with.as_bytes());
    if starts("<!doctype") || starts("<html") || starts("<?xml") {
        return known(
            "a web page, as a server sends that refuses or cannot find a file",
            "fetch it again, with access",
        );
    }
    if text.first().is_some_and(|&first| first == b'{' || first == b'[') {
        return known(
            "text in JSON",
            "name the .safetensors file, or an index whose name ends in .safetensors.index.json",
        );
    }
    known("text, such as a server's refusal", "look into it, and fetch the file again")
}

/// The format of a file, if it is known.
pub(crate) fn of_file(path: &Path) -> io::Result<Option<OtherFormat>> {
    // Opening a pipe would wait for a writer.
    let about = disk::stat(path)?;
    if !about.is_file() {
        return Ok(None);
    }
    let mut begin = vec![0; LOOKED_AT.min(usize::try_from(about.len()).unwrap_or(LOOKED_AT))];
    Handle::open(path)?.read_at(&mut begin, 0)?;
    Ok(of(&begin))
}

/// True if bytes begin a msgpack map whose first key is a name.
fn is_flax(begin: &[u8]) -> bool {
    let rest = match begin {
        [0x81..=0x8f, rest @ ..] | [0xde, _, _, rest @ ..] => rest,
        _ => return false,
    };
    let (len, rest) = match rest {
        [len @ 0xa1..=0xbf, rest @ ..] => (usize::from(len & 0x1f), rest),
        [0xd9, len @ 1..=255, rest @ ..] => (usize::from(*len), rest),
        _ => return false,
    };
    rest.get(..len).is_some_and(|key| key.iter().all(u8::is_ascii_graphic))
}

/// True if the bytes are text: valid UTF-8 without control characters other than white space.
fn is_text(begin: &[u8]) -> bool {
    let text = match core::str::from_utf8(begin) {
        Ok(text) => text,
        // The last character may be cut off.
        Err(error) if error.error_len().is_none() => {
            core::str::from_utf8(&begin[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty() && !text.chars().any(|c| c.is_control() && !c.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_their_begin() {
        let mut tar = [b'x'; 300];
        tar[100..257].fill(0);
        tar[257..262].copy_from_slice(b"ustar");
        let cases: [(&[u8], &str); 17] = [
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS"),
            (b"Entry not found", "text"),
            (b"<!DOCTYPE html><html>", "web page"),
            (b"\n<HTML>", "web page"),
            (b"{\"error\":\"Invalid username or password.\"}", "JSON"),
            (b"PK\x03\x04\0\0", "PyTorch"),
            (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", "pickle"),
            (b"GGUF\x03\0\0\0", "GGUF"),
            (b"\x89HDF\r\n\x1a\n\0", "HDF5"),
            (b"\x08\x07\x12\x07pytorch", "ONNX"),
            (b"\x1c\0\0\0TFL3\x14", "TensorFlow Lite"),
            (b"lmgg\0\0\0\0", "GGUF"),
            (b"\x82\xa5model\x83\xa4bert", "msgpack"),
            (b"\xde\x00\x20\xd9\x23transformer_blocks_of_the_generator\x81", "msgpack"),
            (b"", "empty"),
            (&[0; 512], "zeros"),
            (&tar, "tar"),
        ];
        for (begin, what) in cases {
            assert!(of(begin).is_some_and(|format| format.what.contains(what)), "{what}: {:?}", of(begin));
        }
        assert_eq!(of(b"\xff\xfe\x01\x02 and so on"), None);
        assert_eq!(of(b"\x82\xa5mo\x01el\x83"), None);
        // A header of safetensors is not one of them.
        assert_eq!(of(b"\x40\0\0\0\0\0\0\0{\"a\":{}}"), None);
    }
}
