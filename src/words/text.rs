//! One file of texts: read, and its faults named by line.

use std::path::Path;

use fluent_bundle::FluentResource;
use fluent_syntax::ast::Entry;

use super::error::WordsError;
use crate::redact;

/// How deep a text may nest. The parser goes down once for each level.
const DEPTH: usize = 16;

/// The file at `path`, which is only named in errors.
pub(super) fn parse(path: &Path, source: String) -> Result<FluentResource, WordsError> {
    let syntax = |line, why| WordsError::Syntax { path: path.to_owned(), line, why };
    if let Some(line) = too_deep(&source) {
        return Err(syntax(line, format!("this nests deeper than {DEPTH} levels")));
    }
    FluentResource::try_new(source).map_err(|(resource, faults)| {
        let source = resource.source();
        match faults.first() {
            Some(fault) => {
                let line = line_of(source.as_bytes(), fault.pos.start);
                // It may repeat what is written there.
                syntax(line, redact::printable(&fault.kind.to_string()))
            }
            None => syntax(1, "this is not a file of texts".to_owned()),
        }
    })
}

/// The names of all messages and, behind a `-`, of all terms, each with its line.
pub(super) fn names(resource: &FluentResource) -> impl Iterator<Item = (String, usize)> {
    let source = resource.source();
    resource.entries().filter_map(move |entry| {
        let (name, sign) = match entry {
            Entry::Message(message) => (message.id.name, ""),
            Entry::Term(term) => (term.id.name, "-"),
            Entry::Comment(_)
            | Entry::GroupComment(_)
            | Entry::ResourceComment(_)
            | Entry::Junk { .. } => return None,
        };
        // A name is a piece of the source.
        let at = (name.as_ptr() as usize).saturating_sub(source.as_ptr() as usize);
        Some((format!("{sign}{name}"), line_of(source.as_bytes(), at)))
    })
}

/// The line, counted from one, that the byte at `at` stands in.
pub(super) fn line_of(source: &[u8], at: usize) -> usize {
    source.get(..at).unwrap_or(source).split(|byte| *byte == b'\n').count()
}

/// The first line where placeables and their arguments nest too deep. A text begins anew with each
/// line that is not indented.
fn too_deep(source: &str) -> Option<usize> {
    let mut braces = 0_usize;
    let mut brackets = 0_usize;
    for (index, line) in source.lines().enumerate() {
        if !line.starts_with([' ', '\t', '}']) {
            (braces, brackets) = (0, 0);
        }
        for byte in line.bytes() {
            match byte {
                b'{' => braces += 1,
                b'}' => braces = braces.saturating_sub(1),
                b'(' if braces > 0 => brackets += 1,
                b')' => brackets = brackets.saturating_sub(1),
                _ => {}
            }
            if braces == 0 {
                brackets = 0;
            }
            if braces + brackets > DEPTH {
                return Some(index + 1);
            }
        }
    }
    None
}
