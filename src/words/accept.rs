//! Which of the languages there are comes nearest to what was wished for.

use std::cmp::Reverse;

/// The most that is read of a header, and how many languages of it.
const HEADER: usize = 1_024;
const RANGES: usize = 32;
/// No tag is longer.
const TAG: usize = 64;

/// One wish; the first that can be granted counts.
pub(super) enum Wish<'a> {
    /// A language tag.
    Tag(Option<&'a str>),
    /// The value of `Accept-Language`.
    Header(Option<&'a str>),
}

impl Wish<'_> {
    /// The tag, of `tags`, that this wish leads to.
    pub fn granted<'t>(&self, tags: &[&'t str]) -> Option<&'t str> {
        match self {
            Self::Tag(tag) => tag.and_then(|tag| nearest(tag, tags)),
            Self::Header(header) => header.and_then(|header| negotiated(header, tags)),
        }
    }
}

/// RFC 9110, section 12.5.4: the languages by weight, those of one weight in their order. A weight
/// of zero excludes. `*` is granted with English, as everything that names nothing is.
fn negotiated<'t>(header: &str, tags: &[&'t str]) -> Option<&'t str> {
    let mut ranges: Vec<(u16, &str)> =
        bounded(header).split(',').take(RANGES).filter_map(weighed).collect();
    let refused: Vec<&str> =
        ranges.iter().filter(|(weight, _)| *weight == 0).map(|(_, range)| *range).collect();
    let open: Vec<&str> = tags
        .iter()
        .copied()
        .filter(|tag| !refused.iter().any(|range| range.eq_ignore_ascii_case(tag)))
        .collect();
    ranges.retain(|(weight, _)| *weight > 0);
    ranges.sort_by_key(|(weight, _)| Reverse(*weight));
    ranges.iter().find_map(|(_, range)| match *range {
        "*" => open.iter().find(|tag| **tag == super::ENGLISH).or(open.first()).copied(),
        range => nearest(range, &open),
    })
}

/// The beginning of an overlong header, up to the last range that is whole.
fn bounded(header: &str) -> &str {
    if header.len() <= HEADER {
        return header;
    }
    let end = header.bytes().take(HEADER).rposition(|byte| byte == b',').unwrap_or(0);
    header.get(..end).unwrap_or_default()
}

/// A range and its weight in thousandths; none where it is not written as it should be.
fn weighed(range: &str) -> Option<(u16, &str)> {
    let mut parts = range.split(';').map(str::trim);
    let tag = parts.next().filter(|tag| !tag.is_empty())?;
    let weight = match parts.next() {
        None => 1_000,
        Some(parameter) => {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("q").then_some(())?;
            thousandths(value.trim())?
        }
    };
    parts.next().is_none().then_some((weight, tag))
}

/// `0`, `1`, and up to three digits behind the point.
fn thousandths(value: &str) -> Option<u16> {
    let (whole, rest) = value.split_once('.').unwrap_or((value, ""));
    if rest.len() > 3 || !rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let rest: u16 = format!("{rest:0<3}").parse().ok()?;
    match whole {
        "0" => Some(rest),
        "1" if rest == 0 => Some(1_000),
        _ => None,
    }
}

/// RFC 4647, section 3.4: the tag itself, else shorter and shorter ones. Where only a regional form
/// of the language is there, that.
fn nearest<'t>(wished: &str, tags: &[&'t str]) -> Option<&'t str> {
    let wished = wished.trim();
    if wished.len() > TAG || !wished.is_ascii() {
        return None;
    }
    let wished = wished.replace('_', "-");
    let mut short = wished.as_str();
    loop {
        if let Some(found) = tags.iter().find(|tag| tag.eq_ignore_ascii_case(short)) {
            return Some(found);
        }
        match short.rsplit_once('-') {
            Some((shorter, _)) => short = shorter,
            None => break,
        }
    }
    let regional = |tag: &str| {
        tag.split_once('-').is_some_and(|(language, _)| language.eq_ignore_ascii_case(short))
    };
    tags.iter().find(|tag| regional(tag)).copied()
}
