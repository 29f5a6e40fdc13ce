//! A SHA-256 as a value: compared, printed as hex, and written as a constant.

use std::fmt;

use sha2::Digest as _;

/// The SHA-256 of a file's uncompressed bytes. `Display` shows 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// The hash of `bytes`.
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_mnist::data::Sha256;
    /// let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    /// assert_eq!(Sha256::of(b"").to_string(), empty);
    /// ```
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The 32 bytes of the hash.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash of the bytes given to `hasher`.
    pub(crate) fn from_digest(hasher: sha2::Sha256) -> Self {
        Self(hasher.finalize().into())
    }

    /// Reads 64 hex digits, for constants: a typing error fails the build.
    pub(crate) const fn from_hex(hex: &str) -> Self {
        const fn digit(c: u8) -> u8 {
            match c {
                b'0'..=b'9' => c - b'0',
                b'a'..=b'f' => c - b'a' + 10,
                _ => panic!("a SHA-256 is written in lower-case hex digits"),
            }
        }
        let hex = hex.as_bytes();
        assert!(hex.len() == 64, "a SHA-256 has 64 hex digits");
        let mut bytes = [0; 32];
        let mut i = 0;
        while i < 32 {
            bytes[i] = digit(hex[2 * i]) * 16 + digit(hex[2 * i + 1]);
            i += 1;
        }
        Self(bytes)
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({self})")
    }
}
