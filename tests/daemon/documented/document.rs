//! What the documents say that can be typed: their fenced blocks, and the commands between backticks.

use std::fmt;
use std::path::Path;

/// One fenced block.
#[derive(Clone, Debug)]
pub struct Block {
    pub place: Place,
    pub language: String,
    pub text: String,
}

/// What stands between backticks in a sentence or a table; spaces and ends of lines are one.
#[derive(Clone, Debug)]
pub struct Span {
    pub place: Place,
    pub text: String,
}

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub file: String,
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A document, taken apart.
pub struct Document {
    pub blocks: Vec<Block>,
    pub spans: Vec<Span>,
}

impl Block {
    /// Whether somebody is meant to type it.
    pub fn is_typed(&self) -> bool {
        ["sh", "console"].contains(&self.language.as_str())
    }

    /// What is typed: all of it, or the lines behind a prompt.
    pub fn script(&self) -> String {
        if self.language == "sh" {
            return self.text.clone();
        }
        let typed = self.text.lines().filter_map(|line| line.strip_prefix("$ "));
        typed.flat_map(|line| [line, "\n"]).collect()
    }
}

/// Every document that is for people who type.
pub fn names() -> Vec<String> {
    let mut names = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned()];
    for entry in std::fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if Path::new(&name).extension().is_some_and(|extension| extension == "md") {
            names.push(format!("docs/{name}"));
        }
    }
    names.sort();
    names
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn read(file: &str) -> Document {
    parsed(file, &std::fs::read_to_string(root().join(file)).unwrap())
}

/// Every document.
pub fn all() -> Vec<Document> {
    names().iter().map(|name| read(name)).collect()
}

pub fn parsed(file: &str, text: &str) -> Document {
    let place = |line| Place { file: file.to_owned(), line };
    let mut document = Document { blocks: Vec::new(), spans: Vec::new() };
    let mut open: Option<(usize, Block)> = None;
    let mut prose = String::new();
    for (number, line) in (1..).zip(text.lines()) {
        let inner = line.trim_start();
        prose.push('\n');
        match &mut open {
            Some((_, block)) if inner.starts_with("```") => {
                document.blocks.push(block.clone());
                open = None;
            }
            Some((margin, block)) => {
                // A block within a list stands further in.
                let stripped = line.get(..*margin).is_some_and(|space| space.trim().is_empty());
                block.text.push_str(if stripped { &line[*margin..] } else { line });
                block.text.push('\n');
            }
            None => match inner.strip_prefix("```") {
                Some(language) => {
                    let language = language.trim().to_owned();
                    let block = Block { place: place(number), language, text: String::new() };
                    open = Some((line.len() - inner.len(), block));
                }
                None => prose.push_str(line),
            },
        }
    }
    assert!(open.is_none(), "{file}: a block has no end");
    let mut line = 1;
    for (index, part) in prose.split('`').enumerate() {
        let begins = line;
        line += part.matches('\n').count();
        if index % 2 == 1 {
            // Prose begins with a line end more than the document.
            let text = part.split_whitespace().collect::<Vec<_>>().join(" ");
            document.spans.push(Span { place: place(begins - 1), text });
        }
    }
    document
}

#[test]
fn a_block_in_a_list_and_a_command_over_two_lines_are_read_as_they_are_meant() {
    let text = "See `keypulse\nstatus`.\n\n1. So:\n\n   ```sh\n   a \\\n     b\n   ```\n\n`x`\n";
    let document = parsed("x.md", text);
    assert_eq!(document.blocks[0].text, "a \\\n  b\n");
    assert_eq!(document.blocks[0].place.to_string(), "x.md:6");
    let spans: Vec<_> = document.spans.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(spans, ["keypulse status", "x"]);
    assert_eq!(document.spans[1].place.line, 11);
}
