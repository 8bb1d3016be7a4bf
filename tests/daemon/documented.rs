//! Whatever the documents tell somebody to type is typed here: every fenced block and every command
//! between backticks, in an installation that has what they speak of. What cannot be typed stands in
//! one list with the reason, and is still held against the command line of the program.

mod blocks;
mod configured;
mod document;
mod furnished;
mod shape;
mod shell;
mod shown;
mod tour;
mod typed;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use blocks::Fate;
use clap::error::{ContextKind, ErrorKind};
use clap::{CommandFactory, Parser};
use furnished::{Custody, Furnished};
use keypulse::cli::Cli;

/// What stands behind this in what a script writes was done by the documented commands.
const FROM_HERE: &str = "=== from here";

/// Every command that is named between backticks, once, with where it is named first.
fn named() -> Vec<document::Span> {
    let mut seen = BTreeSet::new();
    let spans = document::all().into_iter().flat_map(|document| document.spans);
    spans
        .filter(|span| span.text.starts_with("keypulse "))
        .filter(|span| seen.insert(span.text.clone()))
        .collect()
}

/// Types it, and says what failed: in the preparation anything, later what may not.
fn typed(
    place: &Furnished,
    prepared: &str,
    script: &str,
    may_fail: impl Fn(&str) -> bool,
) -> Option<String> {
    let ran = place.shell(&format!("{prepared}\necho '{FROM_HERE}' >&2\n{script}"));
    let (before, after) = ran.stderr.split_once(FROM_HERE).unwrap_or((&ran.stderr, ""));
    let failures = after.lines().filter_map(|line| line.strip_prefix("failed "));
    let bad = before.contains("failed ") || failures.clone().any(|one| !may_fail(one));
    // What ends otherwise than by a failing command, such as a syntax error, has no such line.
    let bad =
        bad || (ran.code != Some(0) && failures.count() == 0) || !ran.stderr.contains(FROM_HERE);
    bad.then(|| format!("{:?}: {}", ran.code, ran.stderr))
}

/// What opens no database does the same on all of them.
fn opens_a_database(typed: &str) -> bool {
    let none =
        ["--version", " preview", " config ", " words ", " completions ", " man ", " secret "];
    !none.iter().any(|word| typed.contains(word))
}

/// Types what is named in passing, and says what went otherwise than it should.
fn wrong_of_named(place: &Furnished, custody: Custody) -> String {
    let mut wrong = String::new();
    for span in named() {
        let (one, script) = typed::typed(&span.text);
        if one.custody != custody || typed::excuse(&span.text).is_some() {
            continue;
        }
        if place.is_second() && !opens_a_database(&script) {
            continue;
        }
        let may_fail = |failed: &str| {
            let code = failed.split(':').next().unwrap();
            one.codes.iter().any(|may| may.to_string() == code)
        };
        if let Some(ran) = typed(place, one.prepared, &script, may_fail) {
            writeln!(wrong, "\n{}: `{}`: {ran}", span.place, span.text).unwrap();
        }
    }
    wrong
}

/// The same of the fenced blocks, in their order.
fn wrong_of_blocks(place: &Furnished, custody: Custody) -> String {
    let mut wrong = String::new();
    for block in document::all().into_iter().flat_map(|document| document.blocks) {
        if !block.is_typed() {
            continue;
        }
        let Fate::Run(special, script) = blocks::fate(&block, &place.address) else { continue };
        if special.custody != custody || place.is_second() && !opens_a_database(&script) {
            continue;
        }
        let may_fail = |failed: &str| {
            let answers = ["1: ", "3: "].iter().find_map(|code| failed.strip_prefix(code));
            answers.is_some_and(|failed| special.judges.iter().any(|one| failed.starts_with(one)))
        };
        if let Some(ran) = typed(place, special.prepared, &script, may_fail) {
            writeln!(wrong, "\n{}: {script}{ran}", block.place).unwrap();
        }
    }
    wrong
}

fn assert_all_well(place: &Furnished, custody: Custody) {
    let wrong = wrong_of_blocks(place, custody) + &wrong_of_named(place, custody);
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn whatever_is_told_to_type_works_on_sqlite() {
    assert_all_well(&Furnished::new(Custody::Keeper), Custody::Keeper);
}

#[test]
fn whatever_is_told_to_type_works_on_postgresql() {
    assert_all_well(&Furnished::on_postgresql(), Custody::Keeper);
}

#[test]
fn whatever_is_told_to_type_works_where_the_integration_has_the_keys() {
    for custody in [Custody::Mirror, Custody::Reference] {
        assert_all_well(&Furnished::new(custody), custody);
    }
}

/// What the program says of these words when it only reads them.
fn refused(words: &[String]) -> Option<clap::Error> {
    let words = std::iter::once("keypulse".to_owned()).chain(words.iter().cloned());
    let kind = |error: &clap::Error| error.kind();
    let error = Cli::try_parse_from(words).err()?;
    (![ErrorKind::DisplayVersion, ErrorKind::DisplayHelp].contains(&kind(&error))).then_some(error)
}

#[test]
fn whatever_keypulse_is_told_in_a_block_is_something_that_it_understands() {
    let mut wrong = String::new();
    let mut understood = 0;
    for block in document::all().into_iter().flat_map(|document| document.blocks) {
        if !block.is_typed() {
            continue;
        }
        for command in shell::commands(&block.script()) {
            // A function of its name has none.
            let Some(words @ [_, ..]) = shell::of_keypulse(&command) else { continue };
            understood += 1;
            if let Some(error) = refused(words) {
                writeln!(wrong, "{}: {command:?}: {error}", block.place).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(understood > 80, "only {understood} commands were found");
}

/// The sub-commands of the program that have sub-commands, such as `tenant`.
fn groups() -> Vec<String> {
    let program = Cli::command();
    let groups = program.get_subcommands().filter(|one| one.has_subcommands());
    groups.map(|one| one.get_name().to_owned()).collect()
}

#[test]
fn whatever_is_named_in_passing_is_something_that_keypulse_understands() {
    let groups = groups();
    let mut wrong = String::new();
    let mut understood = 0;
    for span in document::all().into_iter().flat_map(|document| document.spans) {
        let line = match span.text.split_once(' ') {
            // The word `keypulse` is often left out.
            // This is a line of the log.
            Some(("audit", "head SEQ:MAC")) => continue,
            Some((first, _)) if groups.iter().any(|group| group == first) => {
                format!("keypulse {}", span.text)
            }
            Some(("keypulse", _)) => span.text.clone(),
            _ => continue,
        };
        understood += 1;
        let line = line.replace("SEQ:MAC", &format!("1:{}", "0".repeat(64)));
        let line = line.replace("ADDRESS", "anna@firm.example");
        let commands = shell::commands(&line);
        let error = refused(shell::of_keypulse(&commands[0]).unwrap());
        // In passing one may leave out what is needed, and name options alone.
        let left_out = [
            ErrorKind::MissingRequiredArgument,
            ErrorKind::MissingSubcommand,
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
        ];
        let is_left_out = |error: &clap::Error| {
            // An option that is named without its value.
            let value = error.get(ContextKind::InvalidValue).map(ToString::to_string);
            let bare =
                error.kind() == ErrorKind::InvalidValue && value.is_none_or(|one| one.is_empty());
            bare || left_out.contains(&error.kind())
        };
        if let Some(error) = error.filter(|error| !is_left_out(error)) {
            writeln!(wrong, "{}: `{}`: {error}", span.place, span.text).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(understood > 200, "only {understood} commands were found");
}

#[test]
fn every_block_says_what_it_is_and_nothing_that_is_typed_hides_among_what_is_shown() {
    let languages =
        ["sh", "console", "text", "toml", "yaml", "ini", "json", "python", "js", "java", "rust"];
    for block in document::all().into_iter().flat_map(|document| document.blocks) {
        assert!(languages.contains(&block.language.as_str()), "{}", block.place);
        let typed =
            |line: &str| ["$ ", "keypulse ", "# keypulse "].iter().any(|one| line.starts_with(one));
        let hides = !block.is_typed() && block.text.lines().any(typed);
        assert!(!hides, "{}: is this typed?\n{}", block.place, block.text);
    }
}

#[test]
fn no_list_of_exceptions_names_what_no_document_has() {
    let blocks: Vec<_> = document::all().into_iter().flat_map(|document| document.blocks).collect();
    for (file, begins) in blocks::named_here() {
        let is_meant = |block: &&document::Block| {
            block.place.file == file && block.is_typed() && block.script().starts_with(begins)
        };
        assert!(blocks.iter().any(|block| is_meant(&block)), "{file}: `{begins}`");
    }
    let named: BTreeSet<_> = named().into_iter().map(|span| span.text).collect();
    for one in typed::TYPED {
        assert!(named.contains(one.named), "`{}`", one.named);
    }
    for one in typed::TYPED.iter().filter(|one| !one.full.is_empty()) {
        // All that is named is typed, in that order, but for what stands for something.
        let mut typed = one.full.split(' ');
        let stands_for = |word: &str| {
            word.starts_with(|first: char| first.is_uppercase() || "…/".contains(first))
                || word.contains('…')
        };
        let mut words = one.named.split(' ').filter(|word| !stands_for(word));
        assert!(words.all(|word| typed.any(|one| one == word)), "`{}`: {}", one.named, one.full);
    }
    let sources = sources(&document::root().join("tests"));
    for (file, _, test) in blocks::ELSEWHERE {
        assert!(sources.contains(&format!("fn {test}(")), "{file}: no `{test}`");
    }
}

/// All Rust below a folder.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text.push_str(&sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
    text
}
