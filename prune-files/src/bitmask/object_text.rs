//! The text of a JSON object. One member can be put in or taken out, and every other byte stays.
//!
//! The reader accepts the output of Python: `NaN`, `Infinity`, `-Infinity`, and a byte-order mark before the text.

use core::ops::Range;

use serde::de::IgnoredAny;

/// The depth to which values may nest; other readers of JSON allow no more.
const DEEPEST: usize = 128;

/// The text of an object, and the places of its members.
#[derive(Debug)]
pub(crate) struct ObjectText<'t> {
    text: &'t str,
    /// The first byte after `{`.
    open: usize,
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    name: String,
    key: Range<usize>,
    value: Range<usize>,
}

impl<'t> ObjectText<'t> {
    /// Finds the members. An error says what is wrong, and at which byte.
    pub(crate) fn parse(text: &'t str) -> Result<Self, String> {
        let mut reader = Reader { text, at: if text.starts_with('\u{feff}') { 3 } else { 0 } };
        reader.space();
        let (open, members) = reader.object(0)?;
        reader.space();
        if reader.at < text.len() { Err(reader.wrong("the end")) } else { Ok(ObjectText { text, open, members }) }
    }

    /// The text of a member's value. If a name occurs several times, the last one counts, as for other readers.
    pub(crate) fn get(&self, name: &str) -> Option<&'t str> {
        self.find(name).map(|place| &self.text[self.members[place].value.clone()])
    }

    /// The names of all members.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| member.name.as_str())
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.members.iter().rposition(|member| member.name == name)
    }

    /// The text with this value for a member, in place of its value or after all other members. Lines of the value are
    /// indented as the members are; the value becomes one line if the members share one line.
    pub(crate) fn with(&self, name: &str, value: &str) -> String {
        if let Some(place) = self.find(name) {
            let old = self.members[place].value.clone();
            return [&self.text[..old.start], value, &self.text[old.end..]].concat();
        }
        let Some((first, last)) = self.members.first().zip(self.members.last()) else {
            let member = format!("{}: {value}", serde_json::Value::from(name));
            return [&self.text[..self.open], &member, &self.text[self.open..]].concat();
        };
        let space = &self.text[self.open..first.key.start];
        let space = if space.is_empty() { " " } else { space };
        let value = match space.rfind('\n') {
            Some(_) => value.replace('\n', space),
            None => value.lines().map(str::trim_start).collect::<Vec<_>>().join(" "),
        };
        let end = last.value.end;
        let member = format!(",{space}{}: {value}", serde_json::Value::from(name));
        [&self.text[..end], &member, &self.text[end..]].concat()
    }

    /// The text without a member. It undoes exactly what [`ObjectText::with`] added after all other members.
    pub(crate) fn without(&self, name: &str) -> String {
        let Some(place) = self.find(name) else { return self.text.to_owned() };
        let own = &self.members[place];
        let gap = match (place.checked_sub(1), self.members.get(place + 1)) {
            (Some(before), _) => self.members[before].value.end..own.value.end,
            (None, Some(next)) => own.key.start..next.key.start,
            (None, None) => own.key.start..own.value.end,
        };
        [&self.text[..gap.start], &self.text[gap.end..]].concat()
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn wrong(&self, wanted: &str) -> String {
        let found = match self.rest().chars().next() {
            Some(found) => format!("`{}`", prune_core::printable(&found.to_string())),
            None => "the end".to_owned(),
        };
        format!("{wanted} is due at byte {}, but there is {found}", self.at)
    }

    /// Skips a character, and the space after it.
    fn take(&mut self, due: char) -> bool {
        let taken = self.rest().starts_with(due);
        if taken {
            self.at += due.len_utf8();
            self.space();
        }
        taken
    }

    /// The first byte inside an object, and its members.
    fn object(&mut self, depth: usize) -> Result<(usize, Vec<Member>), String> {
        let open = self.at + 1;
        let mut members = Vec::new();
        if !self.take('{') {
            return Err(self.wrong("`{`"));
        }
        if self.take('}') {
            return Ok((open, members));
        }
        loop {
            let key = self.string()?;
            let name = serde_json::from_str(&self.text[key.clone()]).map_err(|error| error.to_string())?;
            self.space();
            if !self.take(':') {
                return Err(self.wrong("`:`"));
            }
            let value = self.value(depth)?;
            members.push(Member { name, key, value });
            self.space();
            if self.take('}') {
                return Ok((open, members));
            }
            if !self.take(',') {
                return Err(self.wrong("`,` or `}`"));
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Range<usize>, String> {
        let start = self.at;
        if depth == DEEPEST {
            return Err(format!("at byte {start} it is nested more than {DEEPEST} deep"));
        }
        match self.rest().as_bytes().first() {
            Some(b'{') => {
                self.object(depth + 1)?;
            }
            Some(b'[') => self.array(depth + 1)?,
            Some(b'"') => {
                self.string()?;
            }
            _ => self.word()?,
        }
        // The reader has already skipped the space after a closing bracket.
        let value = self.text[start..self.at].trim_end_matches([' ', '\t', '\n', '\r']).len();
        Ok(start..start + value)
    }

    fn array(&mut self, depth: usize) -> Result<(), String> {
        self.take('[');
        if self.take(']') {
            return Ok(());
        }
        loop {
            self.value(depth)?;
            self.space();
            if self.take(']') {
                return Ok(());
            }
            if !self.take(',') {
                return Err(self.wrong("`,` or `]`"));
            }
        }
    }

    /// A string with its quotes.
    fn string(&mut self) -> Result<Range<usize>, String> {
        let start = self.at;
        if !self.rest().starts_with('"') {
            return Err(self.wrong("`\"`"));
        }
        let mut strings = serde_json::Deserializer::from_str(self.rest()).into_iter::<IgnoredAny>();
        strings.next().transpose().map_err(|error| match error.is_eof() {
            true => format!("the text that begins at byte {start} does not end"),
            false => format!("at byte {start}: {error}"),
        })?;
        let len = strings.byte_offset();
        self.at += len;
        Ok(start..self.at)
    }

    /// A number or a literal.
    fn word(&mut self) -> Result<(), String> {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c)).unwrap_or(rest.len());
        let word = &rest[..end];
        let known = ["NaN", "Infinity", "-Infinity"].contains(&word);
        if !known && serde_json::from_str::<IgnoredAny>(word).is_err() {
            return Err(self.wrong("a value"));
        }
        self.at += end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    /// Any value, as Python or a person might write it.
    fn values() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            prop::sample::select(vec!["null", "true", "NaN", "-Infinity", "Infinity", "1e-05", "-0", "1.5"])
                .prop_map(str::to_owned),
            "\\PC{0,5}".prop_map(|text| Value::from(text).to_string()),
            Just(r#""\\\"}{\u00e4""#.to_owned()),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                (prop::collection::vec(inner.clone(), 0..3), spaces())
                    .prop_map(|(items, space)| format!("[{space}{}{space}]", items.join(&format!(",{space}")))),
                (prop::collection::vec(inner, 0..3), spaces()).prop_map(|(items, space)| {
                    let items: Vec<String> =
                        items.iter().enumerate().map(|(i, item)| format!("\"{i}\"{space}:{item}")).collect();
                    format!("{{{space}{}}}", items.join(","))
                }),
            ]
        })
    }

    fn spaces() -> impl Strategy<Value = String> {
        prop::sample::select(vec!["", " ", "\n  ", "\r\n\t", "\n"]).prop_map(str::to_owned)
    }

    /// The text of an object with members `k0`, `k1` and so on.
    fn objects() -> impl Strategy<Value = (String, usize)> {
        let ends = prop::sample::select(vec![("", ""), ("\u{feff}", "\n"), (" \n", "\r\n ")]);
        (prop::collection::vec(values(), 0..5), spaces(), spaces(), ends).prop_map(|(values, space, last, ends)| {
            let members: Vec<String> =
                values.iter().enumerate().map(|(i, value)| format!("{space}\"k{i}\":{last}{value}{last}")).collect();
            (format!("{}{{{}{space}}}{}", ends.0, members.join(","), ends.1), values.len())
        })
    }

    /// The value as seen by a reader that knows neither NaN nor a byte-order mark.
    fn read(text: &str) -> Value {
        let plain = ["-Infinity", "Infinity", "NaN"].iter().fold(text.to_owned(), |text, word| text.replace(word, "0"));
        serde_json::from_str(plain.trim_start_matches('\u{feff}')).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_put_in_can_be_taken_out((text, count) in objects(), value in values()) {
            let object = ObjectText::parse(&text).unwrap();
            prop_assert_eq!(object.names().count(), count);
            let with = object.with("new \"one\"", &value);
            let more = ObjectText::parse(&with).unwrap();
            prop_assert_eq!(read(&with)["new \"one\""].clone(), read(&format!("[{value}]"))[0].clone());
            prop_assert_eq!(more.without("new \"one\""), text.clone());
            // Every other member is unchanged and in its order.
            prop_assert_eq!(more.names().take(count).collect::<Vec<_>>(), object.names().collect::<Vec<_>>());
            for i in 0..count {
                let name = format!("k{i}");
                prop_assert_eq!(more.get(&name), object.get(&name));
                // The value replaces another one, which is then put back.
                let replaced = object.with(&name, &value);
                prop_assert_eq!(ObjectText::parse(&replaced).unwrap().with(&name, object.get(&name).unwrap()), text.clone());
                let without = object.without(&name);
                let mut wanted = read(&text);
                wanted.as_object_mut().unwrap().remove(&name);
                prop_assert_eq!(read(&without), wanted);
            }
        }

        /// The reader accepts what a strict JSON reader accepts, and beyond that only NaN and the infinities.
        #[test]
        fn texts_are_read_strictly(pieces in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"a\"", "\"\\u12\"", "\"", "1", "-", "01", "null", "nul", " ", "{}", "[]", "\"b\":2",
        ]), 0..9)) {
            let text = format!("{{{}}}", pieces.concat());
            let strict = serde_json::from_str::<serde_json::Map<String, Value>>(&text).is_ok();
            prop_assert_eq!(ObjectText::parse(&text).is_ok(), strict, "{}", text);
            let _ = ObjectText::parse(&pieces.concat());
        }
    }

    #[test]
    fn members_are_added_in_the_manner_of_the_others() {
        let value = "{\n  \"a\": 1\n}";
        for (text, wanted) in [
            ("{}", "{\"q\": {\n  \"a\": 1\n}}"),
            ("{\"b\": 2}\n", "{\"b\": 2, \"q\": { \"a\": 1 }}\n"),
            ("{\n    \"b\": 2\n}", "{\n    \"b\": 2,\n    \"q\": {\n      \"a\": 1\n    }\n}"),
            ("{\r\n \"b\": NaN\r\n}", "{\r\n \"b\": NaN,\r\n \"q\": {\r\n   \"a\": 1\r\n }\r\n}"),
        ] {
            assert_eq!(ObjectText::parse(text).unwrap().with("q", value), wanted);
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, why) in [
            ("", "`{` is due at byte 0, but there is the end"),
            ("[1]", "`{` is due at byte 0, but there is `[`"),
            ("{\"a\" 1}", "`:` is due at byte 5, but there is `1`"),
            ("{\"a\": 1,}", "`\"` is due at byte 8, but there is `}`"),
            ("{\"a\": nan}", "a value is due at byte 6, but there is `n`"),
            ("{\"a\": 1} x", "the end is due at byte 9, but there is `x`"),
            ("{\"a", "the text that begins at byte 1 does not end"),
        ] {
            assert_eq!(ObjectText::parse(text).unwrap_err(), why);
        }
        let deep = format!("{{\"a\": {}", "[".repeat(1_000_000));
        assert!(ObjectText::parse(&deep).unwrap_err().contains("more than 128 deep"));
    }
}
