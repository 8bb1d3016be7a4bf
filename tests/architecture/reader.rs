//! One source file into what it declares and what it names. What cannot be read is reported, never
//! passed over: an import form this reader does not know is a failure, not a hole.

use crate::lexer::{self, Kind, Token};
use crate::parsed::{Module, Named, Parsed};

/// Words that end before a path and never begin one.
const KEYWORDS: &[&str] = &[
    "as", "async", "await", "box", "break", "const", "continue", "dyn", "else", "enum", "extern",
    "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref",
    "return", "static", "struct", "trait", "type", "union", "unsafe", "use", "where", "while",
    "yield",
];

/// Reads one file that is module `root`.
pub fn read(file: &str, text: &str, root: Vec<String>) -> Parsed {
    let parsed = Parsed { file: file.to_owned(), ..Parsed::default() };
    match lexer::tokens(text) {
        Ok(tokens) => {
            let mut reader = Reader {
                tokens: &tokens,
                at: 0,
                depth: 0,
                scopes: vec![Scope { path: root, depth: 0, test: false }],
                pending: Pending::default(),
                parsed,
            };
            reader.run();
            reader.parsed
        }
        Err(line) => Parsed {
            refused: vec![(line, "a comment or literal that does not end".to_owned())],
            ..parsed
        },
    }
}

struct Scope {
    path: Vec<String>,
    depth: usize,
    test: bool,
}

/// What stood before an item: attributes and visibility.
#[derive(Clone, Copy, Default)]
struct Pending {
    test: bool,
    visible: bool,
}

struct Reader<'t> {
    tokens: &'t [Token],
    at: usize,
    depth: usize,
    scopes: Vec<Scope>,
    pending: Pending,
    parsed: Parsed,
}

/// One `use` being read.
#[derive(Clone, Copy)]
struct Use {
    re_exported: bool,
    in_test: bool,
    absolute: bool,
}

impl<'t> Reader<'t> {
    fn token(&self, ahead: usize) -> Option<&'t Token> {
        self.tokens.get(self.at + ahead)
    }

    fn before(&self, back: usize) -> Option<&'t Token> {
        self.at.checked_sub(back).and_then(|at| self.tokens.get(at))
    }

    fn sign(&self, ahead: usize, sign: &str) -> bool {
        self.token(ahead).is_some_and(|token| token.is_sign(sign))
    }

    fn word(&self, ahead: usize, word: &str) -> bool {
        self.token(ahead).is_some_and(|token| token.is_word(word))
    }

    fn sep(&self, ahead: usize) -> bool {
        self.token(ahead).is_some_and(|token| token.kind == Kind::PathSep)
    }

    fn refuse(&mut self, line: usize, what: &str) {
        self.parsed.refused.push((line, what.to_owned()));
    }

    fn refuse_include(&mut self, name: &str, line: usize) {
        if name == "include" {
            self.refuse(line, "`include!`: code that this test would not read");
        }
    }

    fn run(&mut self) {
        while let Some(token) = self.token(0) {
            if token.is_sign("#") && (self.sign(1, "[") || (self.sign(1, "!") && self.sign(2, "[")))
            {
                self.attribute();
                continue;
            }
            if token.is_word("pub") {
                self.visibility();
                continue;
            }
            let before = std::mem::take(&mut self.pending);
            if token.is_word("use") && !self.sign(1, "<") {
                self.import(before);
            } else if token.is_word("mod") {
                self.module(before, token.line);
            } else if token.is_sign("{") {
                self.depth += 1;
                self.at += 1;
            } else if token.is_sign("}") {
                self.close();
            } else {
                self.plain(token);
            }
        }
    }

    fn close(&mut self) {
        if self.scopes.len() > 1 && self.scopes.last().is_some_and(|s| s.depth == self.depth) {
            self.scopes.pop();
        }
        self.depth = self.depth.saturating_sub(1);
        self.at += 1;
    }

    /// `#[…]` or `#![…]`: its words are read like any others, some of them are refused.
    fn attribute(&mut self) {
        while !self.sign(0, "[") {
            self.at += 1;
        }
        let mut depth = 0_usize;
        let mut inside: Vec<&Token> = Vec::new();
        for token in &self.tokens[self.at..] {
            depth += usize::from(token.is_sign("["));
            depth -= usize::from(token.is_sign("]"));
            if depth == 0 {
                break;
            }
            inside.push(token);
        }
        let texts: Vec<&str> = inside.iter().skip(1).map(|token| token.text.as_str()).collect();
        let line = inside.first().map_or(0, |token| token.line);
        let has = |name: &str, sign: &str| texts.windows(2).any(|pair| pair == [name, sign]);
        if texts.starts_with(&["cfg", "(", "test", ")"])
            || texts.starts_with(&["cfg", "(", "all", "(", "test"])
        {
            self.pending.test = true;
        }
        let conditional = texts.first() == Some(&"cfg_attr");
        if texts.first() == Some(&"allow") || (conditional && has("allow", "(")) {
            self.parsed.silenced.push(line);
        }
        if texts.first() == Some(&"path") || (conditional && has("path", "=")) {
            self.refuse(line, "`#[path]`: a module's place is its name");
        }
        if texts.first() == Some(&"macro_use") || texts.first() == Some(&"macro_export") {
            self.refuse(line, "`#[macro_use]` or `#[macro_export]`: a name without an import");
        }
        let end = self.at + inside.len();
        while self.at < end {
            let token = &self.tokens[self.at];
            self.plain(token);
        }
        self.at += 1;
    }

    fn visibility(&mut self) {
        self.at += 1;
        self.pending.visible = true;
        if !self.sign(0, "(") {
            return;
        }
        let narrow = self.word(1, "super") || self.word(1, "self");
        if (narrow || self.word(1, "crate")) && self.sign(2, ")") {
            self.pending.visible = !narrow;
            self.at += 3;
        } else if self.word(1, "in") {
            self.pending.visible = false;
        }
    }

    fn module(&mut self, before: Pending, line: usize) {
        self.at += 1;
        let Some(name) = self.token(0).filter(|token| token.is_name()) else {
            self.refuse(line, "a `mod` without a plain name");
            return;
        };
        let (mut path, test) = self.here();
        path.push(name.text.clone());
        self.at += 1;
        let test_only = test || before.test;
        self.parsed.modules.push(Module {
            path: path.clone(),
            test_only,
            visible: before.visible,
            line,
        });
        if self.sign(0, "{") {
            self.depth += 1;
            self.at += 1;
            self.scopes.push(Scope { path, depth: self.depth, test: test_only });
        } else if !self.sign(0, ";") {
            self.refuse(line, "a `mod` that neither ends nor begins a block");
        }
    }

    fn here(&self) -> (Vec<String>, bool) {
        self.scopes.last().map(|scope| (scope.path.clone(), scope.test)).unwrap_or_default()
    }

    /// `use …;`
    fn import(&mut self, before: Pending) {
        self.at += 1;
        let how = Use { re_exported: before.visible, in_test: before.test, absolute: self.sep(0) };
        if how.absolute {
            self.at += 1;
        }
        self.tree(&mut Vec::new(), how);
        if !self.sign(0, ";") {
            let line = self.before(1).map_or(0, |token| token.line);
            self.refuse(line, "a `use` in a form that is not known");
        }
    }

    /// One branch of a `use`, up to the `,`, `}` or `;` behind it.
    fn tree(&mut self, path: &mut Vec<String>, how: Use) {
        let begun = path.len();
        loop {
            if self.sign(0, "$") && self.word(1, "crate") {
                self.at += 1;
            }
            let Some(token) = self.token(0) else { return };
            if token.is_sign("{") {
                self.at += 1;
                while self.token(0).is_some() && !self.sign(0, "}") {
                    let at = self.at;
                    self.tree(path, how);
                    if self.sign(0, ",") {
                        self.at += 1;
                    }
                    if self.at == at {
                        return;
                    }
                }
                self.at += 1;
                break;
            }
            if token.is_sign("*") {
                self.at += 1;
                path.push("*".to_owned());
                self.imported(path, token.line, how);
                break;
            }
            if !token.is_name() {
                return;
            }
            self.at += 1;
            // `{self}` names the path so far.
            if !token.is_word("self") || path.is_empty() {
                path.push(token.text.clone());
            }
            if self.sep(0) {
                self.at += 1;
                continue;
            }
            if self.word(0, "as") {
                self.at += 2;
            }
            self.imported(path, token.line, how);
            break;
        }
        path.truncate(begun);
    }

    fn imported(&mut self, path: &[String], line: usize, how: Use) {
        if let Some(last) = path.last() {
            self.refuse_include(last, line);
        }
        let (scope, test) = self.here();
        self.parsed.named.push(Named {
            line,
            scope,
            segments: path.to_vec(),
            absolute: how.absolute,
            re_exported: how.re_exported,
            in_test: test || how.in_test,
        });
    }

    /// Anything else: looks for the head of a path, a method, a forbidden form.
    fn plain(&mut self, token: &'t Token) {
        let line = token.line;
        if token.is_word("extern") && self.word(1, "crate") {
            self.refuse(line, "`extern crate`: Cargo.toml names the crates");
        }
        if !token.is_name() {
            self.at += 1;
            return;
        }
        let after_dot = self.before(1).is_some_and(|t| t.is_sign("."))
            && !self.before(2).is_some_and(|t| t.is_sign("."));
        let after_sep = self.before(1).is_some_and(|t| t.kind == Kind::PathSep);
        let keyword = token.kind == Kind::Word && KEYWORDS.contains(&token.text.as_str());
        if after_dot || (after_sep && !self.sep(1)) {
            self.parsed.methods.push((line, token.text.clone()));
        }
        if after_dot || keyword || !self.sep(1) {
            if self.sign(1, "!") {
                self.refuse_include(&token.text, line);
            }
            if token.is_word("crate") && !self.before(1).is_some_and(|t| t.is_word("in")) {
                self.refuse(line, "`crate` without a path behind it");
            }
            self.at += 1;
            return;
        }
        if self.before(1).is_some_and(|t| t.is_sign("$")) && !token.is_word("crate") {
            self.refuse(line, "a path that begins with a macro's variable");
        }
        let absolute = after_sep && !self.before(2).is_some_and(|t| t.is_sign(">"));
        let mut segments = vec![token.text.clone()];
        self.at += 1;
        while self.sep(0) {
            match self.token(1) {
                Some(next) if next.is_name() => {
                    segments.push(next.text.clone());
                    self.at += 2;
                }
                // `::<T>`: what follows the type is no module any more.
                Some(next) if next.is_sign("<") => break,
                _ => {
                    self.refuse(line, "a path that goes on in a form that is not known");
                    break;
                }
            }
        }
        if let [_, .., last] = segments.as_slice() {
            self.refuse_include(last, line);
            self.parsed.methods.push((line, last.clone()));
        }
        let (scope, in_test) = self.here();
        self.parsed.named.push(Named {
            line,
            scope,
            segments,
            absolute,
            re_exported: false,
            in_test,
        });
        if self.sep(0) {
            self.at += 1;
        }
    }
}
