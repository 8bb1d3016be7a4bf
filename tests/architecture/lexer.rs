//! Rust text into words and signs with their lines; comments and the insides of literals are gone.
//!
//! Small on purpose and not a syntax tree: a tree hides what stands inside a macro call, and an
//! import there is an import all the same.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A word: name or keyword.
    Word,
    /// A word written `r#word`: never a keyword.
    RawWord,
    /// `::`
    PathSep,
    /// Any other single character.
    Sign,
    /// A string, character or number; its text is not kept.
    Literal,
    /// `'a`; its text is not kept.
    Lifetime,
}

/// One token and the line it begins on.
#[derive(Clone, Debug)]
pub struct Token {
    pub kind: Kind,
    pub text: String,
    pub line: usize,
}

impl Token {
    pub fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text == word
    }

    pub fn is_sign(&self, sign: &str) -> bool {
        self.kind == Kind::Sign && self.text == sign
    }

    pub fn is_name(&self) -> bool {
        matches!(self.kind, Kind::Word | Kind::RawWord)
    }
}

/// Reads `text`; an error carries the line on which an unfinished comment or literal begins.
pub fn tokens(text: &str) -> Result<Vec<Token>, usize> {
    let mut lexer = Lexer { chars: text.chars().collect(), at: 0, line: 1, out: Vec::new() };
    while let Some(c) = lexer.peek(0) {
        lexer.step(c)?;
    }
    Ok(lexer.out)
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    line: usize,
    out: Vec<Token>,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn bump(&mut self) {
        if self.peek(0) == Some('\n') {
            self.line += 1;
        }
        self.at += 1;
    }

    fn push(&mut self, kind: Kind, text: &str, line: usize) {
        self.out.push(Token { kind, text: text.to_owned(), line });
    }

    fn step(&mut self, c: char) -> Result<(), usize> {
        let line = self.line;
        match (c, self.peek(1)) {
            ('/', Some('/')) => {
                while self.peek(0).is_some_and(|c| c != '\n') {
                    self.bump();
                }
            }
            ('/', Some('*')) => self.block_comment()?,
            ('"', _) => self.string()?,
            ('\'', _) => self.quote()?,
            (':', Some(':')) => {
                self.at += 2;
                self.push(Kind::PathSep, "::", line);
            }
            _ if c.is_alphabetic() || c == '_' => self.word()?,
            _ if c.is_ascii_digit() => self.number(),
            _ => {
                self.bump();
                if !c.is_whitespace() {
                    self.push(Kind::Sign, &c.to_string(), line);
                }
            }
        }
        Ok(())
    }

    fn block_comment(&mut self) -> Result<(), usize> {
        let begun = self.line;
        let mut depth = 0_usize;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => {
                    depth += 1;
                    self.at += 2;
                }
                (Some('*'), Some('/')) => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                (Some(_), _) => self.bump(),
                (None, _) => return Err(begun),
            }
        }
    }

    fn string(&mut self) -> Result<(), usize> {
        let begun = self.line;
        self.bump();
        loop {
            match self.peek(0) {
                Some('\\') => {
                    self.bump();
                    self.bump();
                }
                Some('"') => break,
                Some(_) => self.bump(),
                None => return Err(begun),
            }
        }
        self.bump();
        self.push(Kind::Literal, "", begun);
        Ok(())
    }

    /// From the first `#` or `"` of a raw string on.
    fn raw_string(&mut self) -> Result<(), usize> {
        let begun = self.line;
        let mut hashes = 0;
        while self.peek(0) == Some('#') {
            hashes += 1;
            self.at += 1;
        }
        self.bump();
        loop {
            match self.peek(0) {
                Some('"') if (1..=hashes).all(|n| self.peek(n) == Some('#')) => break,
                Some(_) => self.bump(),
                None => return Err(begun),
            }
        }
        self.at += 1 + hashes;
        self.push(Kind::Literal, "", begun);
        Ok(())
    }

    /// A character or a lifetime.
    fn quote(&mut self) -> Result<(), usize> {
        let begun = self.line;
        self.bump();
        if self.peek(0) == Some('\\') {
            self.bump();
            self.bump();
            while self.peek(0).is_some_and(|c| c != '\'') {
                self.bump();
            }
            if self.peek(0).is_none() {
                return Err(begun);
            }
            self.bump();
            self.push(Kind::Literal, "", begun);
        } else if self.peek(1) == Some('\'') {
            self.bump();
            self.bump();
            self.push(Kind::Literal, "", begun);
        } else {
            while self.peek(0).is_some_and(is_word_part) {
                self.bump();
            }
            self.push(Kind::Lifetime, "", begun);
        }
        Ok(())
    }

    fn word(&mut self) -> Result<(), usize> {
        let line = self.line;
        let start = self.at;
        while self.peek(0).is_some_and(is_word_part) {
            self.at += 1;
        }
        let word: String = self.chars[start..self.at].iter().collect();
        match (word.as_str(), self.peek(0), self.peek(1)) {
            ("r" | "br" | "cr", Some('"'), _) | ("r" | "br" | "cr", Some('#'), Some('"' | '#')) => {
                self.raw_string()
            }
            ("b" | "c", Some('"'), _) => self.string(),
            ("b", Some('\''), _) => self.quote(),
            ("r", Some('#'), Some(c)) if is_word_part(c) => {
                let start = self.at + 1;
                self.at = start;
                while self.peek(0).is_some_and(is_word_part) {
                    self.at += 1;
                }
                let name: String = self.chars[start..self.at].iter().collect();
                self.push(Kind::RawWord, &name, line);
                Ok(())
            }
            _ => {
                self.push(Kind::Word, &word, line);
                Ok(())
            }
        }
    }

    fn number(&mut self) {
        let line = self.line;
        while self.peek(0).is_some_and(is_word_part)
            || (self.peek(0) == Some('.') && self.peek(1).is_some_and(|c| c.is_ascii_digit()))
        {
            self.at += 1;
        }
        self.push(Kind::Literal, "", line);
    }
}

fn is_word_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        tokens(text).unwrap().into_iter().filter(Token::is_name).map(|token| token.text).collect()
    }

    #[test]
    fn words_inside_comments_and_literals_are_not_seen() {
        assert_eq!(words("a // b\n/* c /* d */ e */ f"), ["a", "f"]);
        assert_eq!(words(r#"a "b \" c" d"#), ["a", "d"]);
        assert_eq!(words("a r#\"b \" c\"# d r\"e\\\" f"), ["a", "d", "f"]);
        assert_eq!(words("a br##\"b\"# c\"## c\"d\" b\"e\" f"), ["a", "f"]);
        assert_eq!(words("a '\"' b '\\'' c '\\u{1F600}' d b'e' f"), ["a", "b", "c", "d", "f"]);
    }

    #[test]
    fn a_lifetime_does_not_swallow_what_follows_it() {
        assert_eq!(words("fn f<'a>(x: &'a str) {}"), ["fn", "f", "x", "str"]);
    }

    #[test]
    fn a_raw_word_is_no_keyword() {
        let read = tokens("r#use").unwrap();
        assert_eq!(read[0].text, "use");
        assert!(!read[0].is_word("use"));
    }

    #[test]
    fn a_range_of_numbers_is_not_one_number() {
        let signs = tokens("0..1.5").unwrap();
        assert_eq!(signs.iter().filter(|token| token.is_sign(".")).count(), 2);
    }

    #[test]
    fn lines_are_counted_through_comments_and_strings() {
        let read = tokens("/*\n*/ \"\n\" r\"\n\" x").unwrap();
        assert_eq!(read.last().unwrap().line, 4);
    }

    #[test]
    fn an_unfinished_literal_is_an_error_on_the_line_it_begins() {
        assert_eq!(tokens("a\n\"b").unwrap_err(), 2);
        assert_eq!(tokens("a\n/* b").unwrap_err(), 2);
    }
}
