//! Strategies as they are given on the command line: a file, standard input, or the text itself.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use prune_files::Error;
use prune_schedule::Strategy;

/// The longest text that is read as a strategy.
const LONGEST: u64 = 16 << 20;

/// Reads a strategy: from standard input for `-`; otherwise from the file of that name, which may be a pipe; or, if
/// there is none and it looks like a strategy, from the text itself.
pub(crate) fn read(given: &str) -> Result<Strategy, Error> {
    let path = Path::new(given);
    let looks_like_text = given.contains(['{', '=', '\n', '[']);
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let text = if given == "-" {
        text(io::stdin().lock(), Path::new("standard input"))?
    } else {
        match fs::metadata(path) {
            Ok(about) if about.is_dir() => {
                let why = format!("{} is a folder; name a file with a strategy, or write the text itself", shown(path));
                return Err(Error::Request { why });
            }
            Ok(_) => text(File::open(path).map_err(failed)?, path)?,
            Err(source) if looks_like_text && is_no_file(&source) => given.to_owned(),
            Err(source) => return Err(failed(source)),
        }
    };
    text.parse().map_err(|source| Error::Strategy { source })
}

/// True if the system says that no file has this name, or that none can. Any other failure says nothing about the name.
fn is_no_file(error: &io::Error) -> bool {
    use ErrorKind::{InvalidFilename, InvalidInput, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | InvalidFilename | InvalidInput)
}

/// Reads all of a text, up to `LONGEST` bytes.
fn text(from: impl Read, path: &Path) -> Result<String, Error> {
    let mut bytes = Vec::new();
    let read = from.take(LONGEST + 1).read_to_end(&mut bytes);
    read.map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let refuse = |why: String| Error::Request { why: format!("{} {why}", shown(path)) };
    if bytes.len() as u64 > LONGEST {
        return Err(refuse(format!("has more than {LONGEST} bytes, which is not plausible for a strategy")));
    }
    String::from_utf8(bytes).map_err(|_| refuse("is not a text in UTF-8, so it is no strategy".to_owned()))
}

fn shown(path: &Path) -> String {
    prune_core::printable(&path.display().to_string()).into_owned()
}
