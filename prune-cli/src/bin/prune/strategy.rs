//! Strategies as they are given on the command line: a file, or the text itself.

use std::fs;
use std::path::Path;

use prune_cli::Error;
use prune_schedule::Strategy;

/// The longest file that is read as a strategy.
const LONGEST: u64 = 16 << 20;

/// Reads a strategy from a file of that name, or from the text itself where it looks like one.
pub(crate) fn read(given: &str) -> Result<Strategy, Error> {
    let path = Path::new(given);
    let looks_like_text = given.contains(['{', '=', '\n', '[']);
    let text = match fs::metadata(path) {
        Ok(about) if about.is_file() => {
            if about.len() > LONGEST {
                let why = format!("a strategy of {} bytes is not plausible: {given}", about.len());
                return Err(Error::Request { why });
            }
            let bytes = fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
            String::from_utf8(bytes).map_err(|_| Error::Request { why: format!("{given} is not a text") })?
        }
        Err(source) if !looks_like_text => return Err(Error::Read { path: path.to_owned(), source }),
        _ => given.to_owned(),
    };
    text.parse().map_err(|source| Error::Strategy { source })
}
