//! Takes a line of CSV or of JSON Lines apart. One line is one record: a field cannot hold a line
//! break, so nothing that is left open can swallow the lines after it.

use std::borrow::Cow;
use std::fmt;

use anyhow::{Context, bail};
use csv_core::ReadRecordResult;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};
use zeroize::{Zeroize, Zeroizing};

use super::column::{Column, Texts};
use super::lines::MAX_LINE;
use super::refusal::Refusal;

/// More fields than this are no line of ours.
const MAX_FIELDS: usize = 64;

/// How the lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A header, then a line for each tenant, separated by commas.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

/// What understands the lines of one file.
pub enum Parser {
    /// CSV, with the columns of the header in their order.
    Csv { split: Box<Split>, columns: Vec<Column> },
    /// JSON Lines.
    Jsonl,
}

impl Parser {
    /// Chooses by the first line, unless told; the header of CSV is understood here. Gives back
    /// whether the first line is a record of its own. The texts of a header are not repeated in an
    /// error: a file without one begins with a key.
    pub fn choose(first: &[u8], forced: Option<Format>) -> anyhow::Result<(Self, bool)> {
        if first.starts_with(b"\xff\xfe") || first.starts_with(b"\xfe\xff") {
            bail!("this file is UTF-16: save it as UTF-8");
        }
        let text = text(first)?;
        let looks = match text.trim_start().bytes().next() {
            Some(b'{') => Format::Jsonl,
            Some(b'[') => bail!("a JSON list is not read; write one object a line"),
            _ => Format::Csv,
        };
        match forced.unwrap_or(looks) {
            Format::Jsonl => Ok((Self::Jsonl, true)),
            Format::Csv => {
                let mut split = Box::new(Split::new());
                let columns = header(&mut split, text).context("the header of CSV")?;
                Ok((Self::Csv { split, columns }, false))
            }
        }
    }

    /// The texts of one line; `None` of an empty one.
    pub fn parse<'a>(&'a mut self, line: &'a [u8]) -> Result<Option<Texts<'a>>, Refusal> {
        let line = text(line)?;
        if line.trim().is_empty() {
            return Ok(None);
        }
        match self {
            Self::Jsonl => object(line).map(Some),
            Self::Csv { split, columns } => {
                let fields = split.line(line)?;
                if fields.len() != columns.len() {
                    let (found, expected) = (fields.len(), columns.len());
                    return Err(Refusal::FieldCount { found, expected });
                }
                let mut texts = Texts::default();
                for (column, field) in columns.iter().zip(fields.iter()) {
                    texts.set(*column, Cow::Borrowed(field));
                }
                Ok(Some(texts))
            }
        }
    }
}

/// A line as a text; a mark of the byte order at its beginning goes.
fn text(line: &[u8]) -> Result<&str, Refusal> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    if line.contains(&0) {
        return Err(Refusal::Nul);
    }
    std::str::from_utf8(line).map_err(|_| Refusal::NotUtf8)
}

fn header(split: &mut Split, line: &str) -> anyhow::Result<Vec<Column>> {
    let fields = split.line(line)?;
    let mut columns = Vec::new();
    for (at, field) in fields.iter().enumerate() {
        let Some(column) = Column::parse(field.trim()) else {
            let known = Column::ALL.map(Column::name).join(", ");
            match Column::nearest(field) {
                _ if fields.len() == 1 && field.contains([';', '\t']) => {
                    bail!("columns are separated by commas")
                }
                Some(name) => {
                    bail!("column {} is not known: did you mean `{name}`?", at + 1)
                }
                None => bail!("column {} is not known; there are {known}", at + 1),
            }
        };
        if columns.contains(&column) {
            bail!("`{}` stands there twice", column.name());
        }
        columns.push(column);
    }
    let need = |any: &[Column]| any.iter().any(|one| columns.contains(one));
    for (any, named) in [
        (&[Column::Ref][..], "`ref`"),
        (&[Column::CompanyId], "`company_id`"),
        (&[Column::Key, Column::KeyRef], "`key` or `key_ref`"),
    ] {
        if !need(any) {
            bail!("there must be a column {named}");
        }
    }
    Ok(columns)
}

/// Takes lines of CSV apart, in buffers that are overwritten.
pub struct Split {
    reader: csv_core::Reader,
    /// The line with an end: an open quote is one that the end does not end.
    line: Zeroizing<Vec<u8>>,
    fields: Zeroizing<Vec<u8>>,
    ends: Vec<usize>,
}

/// The fields of one line.
pub struct Fields<'a> {
    text: &'a str,
    ends: &'a [usize],
}

impl Split {
    fn new() -> Self {
        Self {
            reader: csv_core::Reader::new(),
            line: Zeroizing::new(Vec::with_capacity(MAX_LINE + 1)),
            fields: Zeroizing::new(vec![0; MAX_LINE + 1]),
            ends: vec![0; MAX_FIELDS],
        }
    }

    fn line(&mut self, line: &str) -> Result<Fields<'_>, Refusal> {
        self.line.zeroize();
        self.line.extend_from_slice(line.as_bytes());
        self.line.push(b'\n');
        self.fields.iter_mut().for_each(|byte| *byte = 0);
        self.reader.reset();
        let (result, read, _, count) =
            self.reader.read_record(&self.line, &mut self.fields, &mut self.ends);
        match result {
            ReadRecordResult::Record if read < self.line.len() => {
                return Err(Refusal::CarriageReturn);
            }
            ReadRecordResult::Record => {}
            ReadRecordResult::OutputEndsFull => {
                let expected = Column::ALL.len();
                return Err(Refusal::FieldCount { found: MAX_FIELDS, expected });
            }
            ReadRecordResult::InputEmpty | ReadRecordResult::End | ReadRecordResult::OutputFull => {
                return Err(Refusal::OpenQuote);
            }
        }
        let ends = &self.ends[..count];
        let length = ends.last().copied().unwrap_or(0);
        // Fields are made of whole characters of a line that is UTF-8.
        let text = std::str::from_utf8(&self.fields[..length]).map_err(|_| Refusal::NotUtf8)?;
        Ok(Fields { text, ends })
    }
}

impl<'a> Fields<'a> {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let (text, ends) = (self.text, self.ends);
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts.zip(ends).map(move |(start, end)| text.get(start..*end).unwrap_or_default())
    }
}

fn object(line: &str) -> Result<Texts<'_>, Refusal> {
    let mut texts = Texts::default();
    let mut why = None;
    let mut reader = serde_json::Deserializer::from_str(line);
    let read = Object { texts: &mut texts, why: &mut why }
        .deserialize(&mut reader)
        .and_then(|()| reader.end());
    match read {
        Ok(()) => Ok(texts),
        // What serde_json would say repeats what stands there.
        Err(error) => Err(why.unwrap_or(Refusal::NotJson { at: error.column() })),
    }
}

/// Reads one object into texts, and says why it cannot without repeating it.
struct Object<'t, 'a> {
    texts: &'t mut Texts<'a>,
    why: &'t mut Option<Refusal>,
}

impl<'a> DeserializeSeed<'a> for Object<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Object<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        let mut at = 0;
        while let Some(Text(name)) = map.next_key()? {
            at += 1;
            let refused = |why: &mut Option<Refusal>, refusal| {
                *why = Some(refusal);
                Err(de::Error::custom("refused"))
            };
            let Some(column) = Column::parse(&name) else {
                let nearest = Column::nearest(&name).unwrap_or_default();
                return refused(self.why, Refusal::UnknownField { at, nearest });
            };
            let Ok(value) = map.next_value::<Option<Text<'a>>>() else {
                return refused(self.why, Refusal::NotText(column.name()));
            };
            let text = value.map_or(Cow::Borrowed(""), |Text(text)| text);
            if !self.texts.set(column, text) {
                return refused(self.why, Refusal::FieldTwice(column.name()));
            }
        }
        Ok(())
    }
}

/// A text, not copied where it holds no escape.
struct Text<'a>(Cow<'a, str>);

impl<'a> de::Deserialize<'a> for Text<'a> {
    fn deserialize<D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'a> Visitor<'a> for Either {
            type Value = Text<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'a str) -> Result<Text<'a>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'a>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        from.deserialize_str(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"company_id,ref,key,name";

    fn csv(line: &[u8]) -> Result<Vec<String>, Refusal> {
        let (mut parser, _) = Parser::choose(HEADER, None).unwrap();
        let texts = parser.parse(line)?.unwrap();
        let columns = [Column::CompanyId, Column::Ref, Column::Key, Column::Name];
        Ok(columns.map(|column| texts.get(column).unwrap_or("-").to_owned()).to_vec())
    }

    fn json(line: &str) -> Result<Option<String>, Refusal> {
        let (mut parser, _) = Parser::choose(b"{", None).unwrap();
        let texts = parser.parse(line.as_bytes())?.unwrap();
        Ok(texts.get(Column::Name).map(str::to_owned))
    }

    #[test]
    fn columns_stand_in_any_order_and_quotes_hold_commas() {
        assert_eq!(csv(b"c-1,r-1,k, \"a\"").unwrap()[3], "\"a\"");
        assert_eq!(csv(b"c-1,r-1,k,\"a, \"\"b\"\"\"").unwrap(), ["c-1", "r-1", "k", "a, \"b\""]);
        assert_eq!(csv(b"c-1,r-1,,").unwrap(), ["c-1", "r-1", "-", "-"]);
    }

    #[test]
    fn a_quote_left_open_ends_with_its_line() {
        let (mut parser, _) = Parser::choose(HEADER, None).unwrap();
        let refused = parser.parse(b"c-1,r-1,k,\"a").err();
        assert_eq!(refused, Some(Refusal::OpenQuote));
        assert!(parser.parse(b"c-2,r-2,k,b").unwrap().is_some());
    }

    #[test]
    fn broken_lines_are_refused_with_their_reasons() {
        assert_eq!(csv(b"a,b\0,c,d"), Err(Refusal::Nul));
        assert_eq!(csv(b"a,b\xe6,c,d"), Err(Refusal::NotUtf8));
        assert_eq!(csv(b"a,b,c"), Err(Refusal::FieldCount { found: 3, expected: 4 }));
        assert_eq!(csv(b"a,b,c,d\ra,b,c,d"), Err(Refusal::CarriageReturn));
        let many = ",".repeat(100);
        assert!(matches!(csv(many.as_bytes()), Err(Refusal::FieldCount { found: 64, .. })));
    }

    #[test]
    fn a_header_is_refused_without_repeating_it() {
        let error = |line: &str| {
            let error = Parser::choose(line.as_bytes(), None).err().unwrap();
            format!("{error:#}")
        };
        assert!(
            error("ref,company,key").contains("column 2 is not known: did you mean `company_id`")
        );
        assert!(error("ref;company_id;key").contains("separated by commas"));
        assert!(error("ref,ref,key").contains("`ref` stands there twice"));
        assert!(error("ref,company_id,name").contains("`key` or `key_ref`"));
        let headless = error("erp-1,0b7c,pls_secret_1");
        assert!(headless.contains("column 1 is not known"), "{headless}");
        assert!(!headless.contains("secret"), "{headless}");
        assert!(error("[{}]").contains("JSON list"));
        assert!(error("r\0e\0f\0").contains("NUL"));
        assert!(error("\u{feff}ref,company_id").contains("`key` or `key_ref`"));
        let utf16 = Parser::choose(b"\xff\xfer\0", None).err().unwrap().to_string();
        assert!(utf16.contains("UTF-16"), "{utf16}");
    }

    #[test]
    fn json_is_read_by_name_and_refused_without_repeating_it() {
        assert_eq!(json(r#"{"name":"a\"b","ref":null}"#), Ok(Some("a\"b".to_owned())));
        for (line, why) in [
            (r#"{"name":7}"#, Refusal::NotText("name")),
            (r#"{"name":{"secret":1}}"#, Refusal::NotText("name")),
            (r#"{"name":"a","name":"b"}"#, Refusal::FieldTwice("name")),
            (r#"{"nam":"a"}"#, Refusal::UnknownField { at: 1, nearest: "name" }),
            (r#"{"pls_secret":"a"}"#, Refusal::UnknownField { at: 1, nearest: "" }),
        ] {
            assert_eq!(json(line), Err(why), "{line}");
        }
        for line in ["7", "\"secret\"", "{\"name\":\"a\"", "{\"name\":\"a\"} x", "secret"] {
            assert!(matches!(json(line), Err(Refusal::NotJson { .. })), "{line}");
        }
    }
}
