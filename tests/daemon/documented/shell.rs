//! What a shell would make of a script, as far as it takes to find the commands in it.

/// The commands of a script, each as its words. Comments, redirections and here-documents are none.
pub fn commands(script: &str) -> Vec<Vec<String>> {
    let mut reader = Reader::default();
    let mut rest = script.chars().peekable();
    while let Some(one) = rest.next() {
        match one {
            '\\' => match rest.next() {
                Some('\n') | None => {}
                Some(other) => reader.word.get_or_insert_default().push(other),
            },
            '\'' | '"' => {
                let word = reader.word.get_or_insert_default();
                while let Some(inner) = rest.next() {
                    match inner {
                        _ if inner == one => break,
                        '\\' if one == '"' => word.extend(rest.next().filter(|next| *next != '\n')),
                        _ => word.push(inner),
                    }
                }
            }
            '#' if reader.word.is_none() => while rest.next_if(|next| *next != '\n').is_some() {},
            '<' | '>' => {
                // `2>`: the number belongs to it.
                reader.word.take_if(|word| word.chars().all(|one| one.is_ascii_digit()));
                reader.end_word();
                let doubled = rest.next_if_eq(&one).is_some();
                rest.next_if_eq(&'&');
                reader.place = if doubled && one == '<' { Target::Here } else { Target::File };
            }
            ' ' | '\t' => reader.end_word(),
            '\n' => {
                reader.end_command();
                let Some(end) = reader.here.take() else { continue };
                let mut line = String::new();
                for next in rest.by_ref() {
                    if next == '\n' && std::mem::take(&mut line) == end {
                        break;
                    }
                    if next != '\n' {
                        line.push(next);
                    }
                }
            }
            '$' if rest.peek() == Some(&'(') => reader.end_command(),
            '|' | '&' | ';' | '(' | ')' => reader.end_command(),
            _ => reader.word.get_or_insert_default().push(one),
        }
    }
    reader.end_command();
    reader.commands
}

/// What comes next is no word of the command.
#[derive(Default, PartialEq, Eq)]
enum Target {
    #[default]
    None,
    File,
    Here,
}

#[derive(Default)]
struct Reader {
    commands: Vec<Vec<String>>,
    words: Vec<String>,
    word: Option<String>,
    place: Target,
    here: Option<String>,
}

impl Reader {
    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        match std::mem::take(&mut self.place) {
            Target::None => self.words.push(word),
            Target::File => {}
            Target::Here => self.here = Some(word),
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        if !self.words.is_empty() {
            self.commands.push(std::mem::take(&mut self.words));
        }
    }
}

/// What this command has keypulse do, if that is what it runs: the words behind its name.
pub fn of_keypulse(command: &[String]) -> Option<&[String]> {
    // In a container, and where it is built to be run, its name stands further on.
    let within = |word: &String| word == "/usr/bin/keypulse" || word.starts_with("keypulse:");
    if let Some(at) = command.iter().position(within) {
        return Some(&command[at + 1..]);
    }
    if command.starts_with(&["cargo".to_owned(), "run".to_owned()]) {
        let at = command.iter().position(|word| word == "--")?;
        return Some(&command[at + 1..]);
    }
    let mut rest = command;
    loop {
        rest = match rest {
            [name, after @ ..] if name == "keypulse" || name == "kp" => return Some(after),
            [option, _, after @ ..] if option == "-u" => after,
            [word, after @ ..] if word == "sudo" || is_set(word) => after,
            _ => return None,
        };
    }
}

/// `NAME=value` before a command.
fn is_set(word: &str) -> bool {
    let name = word.split_once('=').map(|(name, _)| name);
    name.is_some_and(|name| name.chars().all(|one| one.is_ascii_alphanumeric() || one == '_'))
}

#[test]
fn only_what_runs_keypulse_is_a_command_of_it() {
    let script = "sudo systemctl restart keypulse\n\
        sudo -u keypulse keypulse --config 'a b' status # not this\n\
        token=$(keypulse token new --role reader) && curl \"$(cat x)\" >out 2>&1\n\
        cat > f <<'END'\nkeypulse nothing\nEND\n\
        A=b \\\n  kp go-live < yes | docker run keypulse:0.1.0 man x\n\
        kubectl -n keypulse exec deploy/keypulse -- /usr/bin/keypulse doctor\n";
    let found: Vec<_> = commands(script)
        .iter()
        .filter_map(|command| of_keypulse(command))
        .map(|words| words.join(" "))
        .collect();
    let expected = ["--config a b status", "token new --role reader", "go-live", "man x", "doctor"];
    assert_eq!(found, expected);
}
