//! The reader for Python literals and their near-twin JSON.
//!
//! One pass over the text, without backtracking, and with recursion bounded by [`DEPTH`]. It takes what either language
//! allows: newlines anywhere, `#` comments, both kinds of quotes, tuples, trailing commas, `True` and `true`, numbers
//! such as `1e-3`, `.5` and `1_000`, and an optional `name =` at the start. Duplicate keys are kept, so that the next
//! step can refuse them by name. The crate py_literal was considered and not taken: it refuses newlines, has no
//! positions, and its time is exponential in the nesting.

use crate::error::{Position, Problem, StrategyError, SyntaxError};
use crate::tree::{DEPTH, Node, NodeValue};
use crate::words::clip;

/// The beginning of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// Blank, or only comments.
    Nothing,
    /// `{` or `name =`.
    Literal,
    /// Anything else.
    Other,
}

/// The beginning of a text, which decides on the reader.
pub(super) fn opening(text: &str) -> Opening {
    let mut reader = LiteralReader { text, at: 0 };
    reader.skip_blank();
    match reader.peek() {
        None => Opening::Nothing,
        Some('{') => Opening::Literal,
        Some(_) if reader.assignment() => Opening::Literal,
        Some(_) => Opening::Other,
    }
}

/// Reads a single value up to the end of the text.
pub(super) fn read(text: &str) -> Result<Node, StrategyError> {
    let mut reader = LiteralReader { text, at: 0 };
    reader.skip_blank();
    reader.assignment();
    reader.skip_blank();
    let node = reader.value(DEPTH)?;
    reader.skip_blank();
    match reader.peek() {
        None => Ok(node),
        Some(_) => Err(reader.fault(reader.at, SyntaxError::Trailing { found: reader.describe() })),
    }
}

struct LiteralReader<'t> {
    text: &'t str,
    /// The byte offset of the next character; always between two characters.
    at: usize,
}

impl<'t> LiteralReader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Skips `expected`, if it comes next.
    fn take(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        if found {
            self.at += expected.len_utf8();
        }
        found
    }

    /// Skips the characters that fit and returns them.
    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let len = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    fn skip_blank(&mut self) {
        loop {
            self.take_while(char::is_whitespace);
            if self.peek() != Some('#') {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    /// Skips `name =`, if that comes next.
    fn assignment(&mut self) -> bool {
        let start = self.at;
        let starts_a_name = self.peek().is_some_and(|c| c.is_alphabetic() || c == '_');
        self.take_while(|c| c.is_alphanumeric() || c == '_' || c == '.');
        self.take_while(char::is_whitespace);
        let found = starts_a_name && self.take('=');
        if !found {
            self.at = start;
        }
        found
    }

    fn fault(&self, at: usize, problem: SyntaxError) -> StrategyError {
        StrategyError::from(Problem::from(problem)).at(Some(Position::of(self.text, at)))
    }

    /// The next token, in the words of an error.
    fn describe(&self) -> String {
        match self.peek() {
            None => "the end of the text".to_owned(),
            Some(c) if c.is_alphanumeric() || c == '_' => {
                let rest = self.rest();
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
                format!("`{}`", clip(&rest[..end]))
            }
            Some(c) => format!("`{c}`"),
        }
    }

    /// The error for a missing token. At the end of the text it is a different error.
    fn missing(&self, wanted: &'static str, bracket: char, opened: usize) -> StrategyError {
        let problem = match self.peek() {
            None => SyntaxError::Unclosed { bracket, opened: Position::of(self.text, opened) },
            Some(_) => SyntaxError::Expected { wanted, found: self.describe() },
        };
        self.fault(self.at, problem)
    }

    fn value(&mut self, depth: usize) -> Result<Node, StrategyError> {
        let at = self.at;
        let value = match self.peek() {
            Some('{') => self.table(self.deeper(depth)?)?,
            Some('[') => self.list(self.deeper(depth)?)?,
            Some('(') => self.parentheses(self.deeper(depth)?)?,
            Some('"' | '\'') => NodeValue::Text(self.string()?),
            Some(c) if c.is_ascii_digit() || matches!(c, '+' | '-' | '.') => self.number()?,
            Some(c) if c.is_alphabetic() || c == '_' => self.word()?,
            _ => {
                let problem = SyntaxError::Expected { wanted: "a value", found: self.describe() };
                return Err(self.fault(at, problem));
            }
        };
        Ok(Node { at: Some(at), value })
    }

    fn deeper(&self, depth: usize) -> Result<usize, StrategyError> {
        depth.checked_sub(1).ok_or_else(|| self.fault(self.at, SyntaxError::TooDeep { limit: DEPTH }))
    }

    fn table(&mut self, depth: usize) -> Result<NodeValue, StrategyError> {
        let opened = self.at;
        let entry = |reader: &mut Self| {
            let key = reader.value(depth)?;
            reader.skip_blank();
            if !reader.take(':') {
                return Err(reader.missing("`:` between a key and its value", '{', opened));
            }
            reader.skip_blank();
            if reader.peek().is_none() {
                return Err(reader.missing("a value", '{', opened));
            }
            Ok((key, reader.value(depth)?))
        };
        Ok(NodeValue::Table(self.items('{', '}', "`,` or `}`", entry)?.0))
    }

    fn list(&mut self, depth: usize) -> Result<NodeValue, StrategyError> {
        Ok(NodeValue::List(self.items('[', ']', "`,` or `]`", |reader| reader.value(depth))?.0))
    }

    /// A tuple, or a value in parentheses: only a comma makes a tuple.
    fn parentheses(&mut self, depth: usize) -> Result<NodeValue, StrategyError> {
        let (mut items, commas) = self.items('(', ')', "`,` or `)`", |reader| reader.value(depth))?;
        match items.pop() {
            Some(only) if items.is_empty() && !commas => Ok(only.value),
            last => Ok(NodeValue::List(items.into_iter().chain(last).collect())),
        }
    }

    /// The items between brackets, and true if there are commas.
    fn items<T>(
        &mut self,
        open: char,
        close: char,
        wanted: &'static str,
        item: impl Fn(&mut Self) -> Result<T, StrategyError>,
    ) -> Result<(Vec<T>, bool), StrategyError> {
        let opened = self.at;
        self.take(open);
        let mut items = Vec::new();
        let mut commas = false;
        loop {
            self.skip_blank();
            if self.take(close) {
                return Ok((items, commas));
            }
            if self.peek().is_none() {
                return Err(self.missing(wanted, open, opened));
            }
            items.push(item(self)?);
            self.skip_blank();
            if self.take(',') {
                commas = true;
            } else if self.peek() != Some(close) {
                return Err(self.missing(wanted, open, opened));
            }
        }
    }

    fn word(&mut self) -> Result<NodeValue, StrategyError> {
        let at = self.at;
        match self.take_while(|c| c.is_alphanumeric() || c == '_') {
            "True" | "true" => Ok(NodeValue::Bool(true)),
            "False" | "false" => Ok(NodeValue::Bool(false)),
            "None" | "null" => Ok(NodeValue::Null),
            // Python prints these. They are refused when a number is checked, with its epoch and layer.
            "nan" | "NaN" => Ok(NodeValue::Float(f64::NAN)),
            "inf" | "Infinity" => Ok(NodeValue::Float(f64::INFINITY)),
            word => Err(self.fault(at, SyntaxError::Word { word: clip(word) })),
        }
    }

    fn number(&mut self) -> Result<NodeValue, StrategyError> {
        let at = self.at;
        let rest = self.rest();
        // A sign belongs to a number at its start and after an `e`.
        let len = rest
            .char_indices()
            .find(|&(i, c)| match c {
                '+' | '-' => i > 0 && !matches!(rest.as_bytes()[i - 1], b'e' | b'E'),
                _ => !(c.is_alphanumeric() || matches!(c, '_' | '.')),
            })
            .map_or(rest.len(), |(i, _)| i);
        self.at += len;
        number(&rest[..len]).map_err(|problem| self.fault(at, problem))
    }

    fn string(&mut self) -> Result<String, StrategyError> {
        let opened = self.at;
        let quote = if self.take('"') { '"' } else { '\'' };
        if quote == '\'' {
            self.take('\'');
        }
        let mut text = String::new();
        loop {
            text.push_str(self.take_while(|c| c != quote && c != '\\' && c != '\n'));
            if self.take(quote) {
                return Ok(text);
            }
            if !self.take('\\') {
                return Err(self.fault(opened, SyntaxError::UnclosedString));
            }
            let at = self.at - 1;
            let Some(c) = self.escape().map_err(|problem| self.fault(at, problem))? else { continue };
            text.push(c);
        }
    }

    /// The character of an escape, after its backslash; `None` for an escaped newline.
    fn escape(&mut self) -> Result<Option<char>, SyntaxError> {
        let Some(letter) = self.peek() else { return Err(SyntaxError::UnclosedString) };
        let unknown = |escape: &str| SyntaxError::Escape { escape: escape.to_owned() };
        if matches!(letter, '0'..='7') {
            let rest = self.rest();
            let len = rest.bytes().take(3).take_while(|b| matches!(b, b'0'..=b'7')).count();
            self.at += len;
            let code = u32::from_str_radix(&rest[..len], 8).map_err(|_| unknown(&rest[..len]))?;
            return char::from_u32(code).map(Some).ok_or_else(|| unknown(&rest[..len]));
        }
        self.at += letter.len_utf8();
        Ok(Some(match letter {
            '\n' => return Ok(None),
            '\\' | '"' | '\'' | '/' => letter,
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'a' => '\u{7}',
            'v' => '\u{b}',
            'x' => self.code_point('x', 2)?,
            'U' => self.code_point('U', 8)?,
            'u' => self.code_point('u', 4)?,
            other => return Err(unknown(&other.to_string())),
        }))
    }

    /// The character with this number of hexadecimal digits. Two `\u` of a surrogate pair make one character, as in
    /// JSON.
    fn code_point(&mut self, letter: char, digits: usize) -> Result<char, SyntaxError> {
        let start = self.at;
        let first = self.hex(digits);
        let code = match first {
            Some(high @ 0xD800..=0xDBFF) if letter == 'u' && self.rest().starts_with("\\u") => {
                self.at += 2;
                match self.hex(4) {
                    Some(low @ 0xDC00..=0xDFFF) => Some(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)),
                    _ => None,
                }
            }
            other => other,
        };
        code.and_then(char::from_u32).ok_or_else(|| {
            let written: String = self.text[start..].chars().take(digits).take_while(|c| c.is_alphanumeric()).collect();
            SyntaxError::Escape { escape: format!("{letter}{written}") }
        })
    }

    fn hex(&mut self, digits: usize) -> Option<u32> {
        let text = self.rest().get(..digits)?;
        if !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        self.at += digits;
        u32::from_str_radix(text, 16).ok()
    }
}

/// A decimal number in the form of both languages; underscores may separate digits.
fn number(text: &str) -> Result<NodeValue, SyntaxError> {
    let malformed = || SyntaxError::Number { text: clip(text) };
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let exponent_digits = exponent.map(|e| e.strip_prefix(['+', '-']).unwrap_or(e));
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    let some_digit = !whole.is_empty() || fraction.is_some_and(|f| !f.is_empty());
    let well_formed = some_digit
        && !leading_zero
        && (whole.is_empty() || digits(whole))
        && fraction.is_none_or(|f| f.is_empty() || digits(f))
        && exponent_digits.is_none_or(digits);
    if !well_formed {
        return Err(malformed());
    }
    let plain = text.replace('_', "");
    if fraction.is_none() && exponent.is_none() {
        return plain.parse().map(NodeValue::Int).map_err(|_| SyntaxError::NumberTooLarge { text: clip(text) });
    }
    match plain.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(NodeValue::Float(value)),
        Ok(_) => Err(SyntaxError::NumberTooLarge { text: clip(text) }),
        Err(_) => Err(malformed()),
    }
}

/// True if a text is digits, with single underscores between some of them.
fn digits(text: &str) -> bool {
    text.split('_').all(|group| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit()))
}
