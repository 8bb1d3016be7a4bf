//! Reads the list of the keys that the integration uses: a reference and a keyed fingerprint a line,
//! as CSV or as JSON Lines. What stands in a line is never repeated in an error: a file given by
//! mistake may hold keys.

use chrono::TimeDelta;
use serde::Deserialize;

use crate::ids::BadRef;
use crate::ids::TenantRef;

/// A pushed list counts for so long.
pub const COUNTS: TimeDelta = TimeDelta::days(1);
/// The header of CSV.
const HEADER: &str = "ref,fingerprint";

/// How the lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Csv,
    Jsonl,
}

/// Reads line by line; the first one that is not empty says how the others are written.
#[derive(Debug, Default)]
pub struct ListReader(Option<Form>);

/// A key of the integration, as it tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedLine {
    /// Its name for the tenant.
    pub reference: TenantRef,
    /// The keyed fingerprint.
    pub fingerprint: [u8; 32],
}

/// Why a line is none of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLine {
    /// Longer than any such line.
    #[error("it is longer than a line of such a list can be")]
    TooLong,
    /// Not UTF-8, or with NULs.
    #[error("it is no text in UTF-8: save the file as UTF-8")]
    NotText,
    /// A first line of CSV that is no header.
    #[error(
        "the first line must be `ref,fingerprint`, or every line a JSON object with `ref` and \
         `fingerprint`"
    )]
    NoHeader,
    /// CSV with more or fewer than two columns.
    #[error("it has not two columns; a reference with a comma stands in double quotes")]
    Columns,
    /// Not such a JSON object.
    #[error("it is no JSON object with `ref` and `fingerprint`, both texts, and nothing else")]
    Object,
    /// No reference.
    #[error(transparent)]
    Reference(#[from] BadRef),
    /// No fingerprint.
    #[error("the fingerprint is not 64 hexadecimal digits")]
    Fingerprint,
    /// A reference for the second time.
    #[error("its reference stands on another line as well")]
    Repeated,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Object<'a> {
    #[serde(borrow)]
    r#ref: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    fingerprint: std::borrow::Cow<'a, str>,
}

impl ListReader {
    /// What one line says; nothing of an empty one and of the header.
    pub fn read(&mut self, line: &[u8]) -> Result<Option<ListedLine>, BadLine> {
        let line = match self.0 {
            None => line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line),
            Some(_) => line,
        };
        let text = std::str::from_utf8(line).map_err(|_| BadLine::NotText)?.trim();
        // So does UTF-16 look, and a hole in a file.
        if text.contains('\0') {
            return Err(BadLine::NotText);
        }
        if text.is_empty() {
            return Ok(None);
        }
        match self.0 {
            None if text.starts_with('{') => self.0 = Some(Form::Jsonl),
            None => {
                // Whatever follows is read as CSV: the other lines are judged too.
                self.0 = Some(Form::Csv);
                let header = text.replace([' ', '"'], "").eq_ignore_ascii_case(HEADER);
                return if header { Ok(None) } else { Err(BadLine::NoHeader) };
            }
            Some(_) => {}
        }
        if self.0 == Some(Form::Jsonl) {
            let Object { r#ref, fingerprint } =
                serde_json::from_str(text).map_err(|_| BadLine::Object)?;
            return listed(&r#ref, &fingerprint).map(Some);
        }
        let (reference, fingerprint) = text.rsplit_once(',').ok_or(BadLine::Columns)?;
        let unquoted = |text: &str| {
            let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
            inner.map(|inner| inner.replace("\"\"", "\""))
        };
        let reference = match unquoted(reference.trim()) {
            Some(reference) => reference,
            None if reference.contains([',', '"']) => return Err(BadLine::Columns),
            None => reference.trim().to_owned(),
        };
        let fingerprint = fingerprint.trim();
        let inner = unquoted(fingerprint);
        listed(&reference, inner.as_deref().unwrap_or(fingerprint)).map(Some)
    }
}

fn listed(reference: &str, text: &str) -> Result<ListedLine, BadLine> {
    let reference = TenantRef::parse(reference)?;
    let fingerprint = fingerprint(text).ok_or(BadLine::Fingerprint)?;
    Ok(ListedLine { reference, fingerprint })
}

/// A fingerprint as both sides write it: 64 hexadecimal digits.
pub fn fingerprint(text: &str) -> Option<[u8; 32]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = [0; 32];
    if !rest.is_empty() || pairs.len() != bytes.len() {
        return None;
    }
    for (to, [high, low]) in bytes.iter_mut().zip(pairs) {
        *to = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(lines: &[&[u8]]) -> Vec<Result<Option<String>, BadLine>> {
        let mut reader = ListReader::default();
        let read = |line: &&[u8]| {
            Ok(reader.read(line)?.map(|one| {
                assert_eq!(one.fingerprint, [0xab; 32]);
                one.reference.to_string()
            }))
        };
        lines.iter().map(read).collect()
    }

    fn csv(reference: &str) -> String {
        format!("{reference},{}", "aB".repeat(32))
    }

    #[test]
    fn both_forms_are_read_with_references_as_odd_as_they_may_be() {
        let lines =
            ["\u{feff}ref,fingerprint".to_owned(), String::new(), csv("erp-1"), csv("\"a,\"\"b\"")];
        let lines: Vec<_> = lines.iter().map(String::as_bytes).collect();
        let some = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(all(&lines), [Ok(None), Ok(None), some("erp-1"), some("a,\"b")]);
        let object = format!(r#"{{"ref":"a,b","fingerprint":"{}"}}"#, "ab".repeat(32));
        assert_eq!(all(&[object.as_bytes(), b"", object.as_bytes()])[2], some("a,b"));
    }

    #[test]
    fn what_is_no_line_of_a_list_is_refused_and_not_repeated() {
        let header = b"ref,fingerprint".as_slice();
        let short = format!("erp-1,{}", "a".repeat(63));
        for (line, why) in [
            (csv("a,b").as_bytes(), BadLine::Columns),
            (b"erp-1", BadLine::Columns),
            (short.as_bytes(), BadLine::Fingerprint),
            (b"erp-1,pls_0123456789abcdef", BadLine::Fingerprint),
            (csv("erp\0x").as_bytes(), BadLine::NotText),
            (csv("erp 1").as_bytes(), BadLine::Reference(BadRef::Character)),
            (csv("").as_bytes(), BadLine::Reference(BadRef::Empty)),
            (csv(&"x".repeat(129)).as_bytes(), BadLine::Reference(BadRef::TooLong)),
            (b"\xff\xfee\0r\0p\0", BadLine::NotText),
        ] {
            assert_eq!(all(&[header, line])[1], Err(why));
            assert!(!why.to_string().contains("pls_"));
        }
        assert_eq!(all(&[csv("erp-1").as_bytes()]), [Err(BadLine::NoHeader)]);
        assert_eq!(all(&[br#"{"ref":"a","key":"b"}"#]), [Err(BadLine::Object)]);
        assert_eq!(all(&[br#"{"ref":"a","ref":"a","fingerprint":""}"#]), [Err(BadLine::Object)]);
    }

    proptest! {
        #[test]
        fn no_line_ends_the_reading(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..6)) {
            let mut reader = ListReader::default();
            for line in &lines {
                let _ = reader.read(line);
            }
        }
    }
}
