//! Messages to be written: pieces of the file that was read, new bytes, and tensors that are cut while they are
//! written.

use std::io::{self, Write};

use bytes::Bytes;

use super::cut::TensorCut;
use crate::error::Error;
use crate::wire::put_head;

/// Bytes that exist, or that writing will make.
#[derive(Debug, Clone)]
enum RopePiece<'m> {
    Bytes(Bytes),
    Cut(TensorCut<'m>),
}

/// A message of known length.
#[derive(Debug, Clone, Default)]
pub(super) struct Rope<'m> {
    pieces: Vec<RopePiece<'m>>,
    new: Vec<u8>,
    len: u64,
}

impl<'m> Rope<'m> {
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Adds bytes of the file that was read.
    pub(super) fn copy(&mut self, bytes: &Bytes) {
        self.flush();
        self.len += bytes.len() as u64;
        self.pieces.push(RopePiece::Bytes(bytes.clone()));
    }

    /// Adds bytes that `put` writes.
    pub(super) fn put(&mut self, put: impl FnOnce(&mut Vec<u8>)) {
        let before = self.new.len();
        put(&mut self.new);
        self.len += (self.new.len() - before) as u64;
    }

    /// Adds a field that holds another message.
    pub(super) fn message(&mut self, number: u32, mut message: Rope<'m>) {
        self.put(|into| put_head(into, number, message.len));
        self.flush();
        message.flush();
        self.len += message.len;
        self.pieces.append(&mut message.pieces);
    }

    /// Adds a field of bytes: the elements that a cut keeps.
    pub(super) fn cut(&mut self, number: u32, cut: TensorCut<'m>) {
        self.put(|into| put_head(into, number, cut.byte_len()));
        self.flush();
        self.len += cut.byte_len();
        self.pieces.push(RopePiece::Cut(cut));
    }

    fn flush(&mut self) {
        if !self.new.is_empty() {
            self.pieces.push(RopePiece::Bytes(core::mem::take(&mut self.new).into()));
        }
    }

    pub(super) fn write(mut self, to: &mut dyn Write) -> Result<(), Error> {
        self.flush();
        for piece in self.pieces {
            match piece {
                RopePiece::Bytes(bytes) => to.write_all(&bytes).map_err(write_error)?,
                RopePiece::Cut(cut) => cut.write(to)?,
            }
        }
        Ok(())
    }
}

pub(super) fn write_error(source: io::Error) -> Error {
    Error::Write { source }
}
