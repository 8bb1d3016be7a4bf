//! What the documents say of the sources: every file, function and test that they name is there. What the
//! sentences mean, nobody can check but a reader.

use std::fs;
use std::io;
use std::path::Path;

use crate::house;
use crate::rules::Source;

/// Whoever clones the repository downloads every picture.
const MOST_OF_A_PICTURE: u64 = 150_000;

/// The text between this heading and the next of the same rank.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let (_, after) = text.split_once(heading).unwrap_or_else(|| panic!("no `{heading}`"));
    after.split_once("\n## ").map_or(after, |(section, _)| section)
}

/// The cells of every row of the tables in a text but their heads, with all that is between backticks.
fn rows(text: &str) -> Vec<Vec<Cell<'_>>> {
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with('|')).collect();
    let is_head = |at: usize| lines.get(at + 1).is_some_and(|line| line.starts_with("|---"));
    let kept = (0..lines.len()).filter(|at| !is_head(*at) && !lines[*at].starts_with("|---"));
    let cell = |text| Cell { text, named: quoted(text) };
    kept.map(|at| lines[at].trim_matches('|').split('|').map(cell).collect()).collect()
}

/// One cell of a table.
struct Cell<'a> {
    text: &'a str,
    named: Vec<&'a str>,
}

/// What stands between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Whether it names a file or folder of the repository.
fn is_path(name: &str) -> bool {
    let of_a_path = |one: char| one.is_ascii_alphanumeric() || "/._-*".contains(one);
    let roots = [
        "src/",
        "tests/",
        "docs/",
        "scripts/",
        "config/",
        "migrations/",
        "packaging/",
        "dashboards/",
    ];
    let at_root = ["Cargo.toml", "deny.toml", "clippy.toml"].contains(&name);
    at_root || roots.iter().any(|root| name.starts_with(root)) && name.chars().all(of_a_path)
}

/// Whether a path of a document leads somewhere; `*` stands for anything at its end.
fn exists(path: &str) -> bool {
    let Some((before, _)) = path.split_once('*') else { return house::root().join(path).exists() };
    let (folder, begins) = before.rsplit_once('/').unwrap_or(("", before));
    let entries = fs::read_dir(house::root().join(folder)).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with(begins))
}

/// Whether a source declares this: a function, a type, a constant.
fn declares(text: &str, item: &str) -> bool {
    // `Checker::settle` is declared by its last part.
    let name = item.rsplit("::").next().unwrap_or(item);
    let kinds = ["fn", "struct", "enum", "trait", "const", "static", "type", "mod", "macro_rules!"];
    let is_end = |rest: &str| !rest.starts_with(|one: char| one.is_alphanumeric() || one == '_');
    kinds.iter().any(|kind| {
        let declared = format!("{kind} {name}");
        text.match_indices(&declared).any(|(at, found)| is_end(&text[at + found.len()..]))
    })
}

/// The sources of the program and of its tests.
fn all_sources() -> io::Result<Vec<Source>> {
    let mut all = house::sources("src")?;
    all.extend(house::sources("tests")?);
    all.extend(house::sources("benches")?);
    Ok(all)
}

fn document(name: &str) -> io::Result<String> {
    fs::read_to_string(house::root().join(name))
}

/// Whether a file is of that kind.
fn is_of(file: &str, kind: &str) -> bool {
    Path::new(file).extension().is_some_and(|extension| extension == kind)
}

/// What is said in a cell that names files and, behind each, what is declared there.
fn wrong_in(cell: &Cell<'_>, sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut of: Option<&Source> = None;
    for name in &cell.named {
        if is_path(name) {
            of = sources.iter().find(|source| source.file == *name);
            if of.is_none() {
                wrong.push(format!("no file `{name}`"));
            }
        } else if !of.is_some_and(|source| declares(&source.text, name)) {
            let file = of.map_or("no file", |source| source.file.as_str());
            wrong.push(format!("`{name}` is not declared in {file}"));
        }
    }
    wrong
}

#[test]
fn every_step_of_the_three_walks_is_taken_by_what_they_name() {
    let text = document("docs/ARCHITECTURE.md").unwrap();
    let walks = section(&text, "\n## Three walks through it\n");
    assert_eq!(walks.matches("\n### ").count(), 3);
    let sources = all_sources().unwrap();
    let rows = rows(walks);
    let wrong: Vec<_> = rows.iter().flat_map(|row| wrong_in(&row[1], &sources)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(rows.len() > 30 && rows.iter().all(|row| row[1].named.len() >= 2), "{}", rows.len());
}

#[test]
fn every_file_that_a_document_names_is_there() {
    let mut named = 0;
    let mut wrong = Vec::new();
    let sources = all_sources().unwrap();
    for text in house::texts().unwrap() {
        let is_document = is_of(&text.file, "md") && !text.file.contains("/adr/");
        if !is_document || text.file == "CHANGELOG.md" {
            continue;
        }
        let prose: String = text.text.split("\n```").step_by(2).collect();
        for name in quoted(&prose) {
            // Within a document on the sources `src/` is often left out.
            let short = is_of(name, "rs") && !name.contains(' ');
            if !is_path(name) && !short {
                continue;
            }
            named += 1;
            let tail = format!("/{name}");
            let found =
                exists(name) || short && sources.iter().any(|one| one.file.ends_with(&tail));
            if !found {
                wrong.push(format!("{}: `{name}`", text.file));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(named > 150, "only {named} were found");
}

/// Where the links of a text lead that lead within the repository, pictures included.
fn links(text: &str) -> Vec<&str> {
    let prose = text.split("](").skip(1);
    let targets = prose.filter_map(|rest| rest.split([')', ' ', '\n']).next());
    targets.filter(|one| !one.contains("://") && !one.is_empty()).collect()
}

/// How the headings of a document are named in links; a second one of the same words has a number.
fn anchors(text: &str) -> Vec<String> {
    let (mut all, mut named) = (Vec::new(), Vec::new());
    for line in text.lines().filter(|line| line.starts_with('#')) {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter(|one| one.is_alphanumeric() || " -_".contains(*one));
        let name: String = kept.map(|one| if one == ' ' { '-' } else { one }).collect();
        let before = all.iter().filter(|one| **one == name).count();
        named.push(if before == 0 { name.clone() } else { format!("{name}-{before}") });
        all.push(name);
    }
    named
}

#[test]
fn every_link_of_a_document_leads_somewhere_and_no_picture_is_heavy() {
    let mut wrong = Vec::new();
    let mut followed = 0;
    for text in house::texts().unwrap().into_iter().filter(|text| is_of(&text.file, "md")) {
        let folder = house::root().join(&text.file).parent().unwrap().to_owned();
        let prose: String = text.text.split("\n```").step_by(2).collect();
        for link in links(&prose) {
            followed += 1;
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            let path =
                if file.is_empty() { house::root().join(&text.file) } else { folder.join(file) };
            let Ok(about) = fs::metadata(&path) else {
                wrong.push(format!("{}: {link}", text.file));
                continue;
            };
            if is_of(link, "png") && about.len() > MOST_OF_A_PICTURE {
                wrong.push(format!("{}: {link} has {} bytes", text.file, about.len()));
            }
            if place.is_empty() {
                continue;
            }
            let there = fs::read_to_string(&path).unwrap();
            if !anchors(&there).iter().any(|one| one == place) {
                wrong.push(format!("{}: there is no such heading: {link}", text.file));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(followed > 200, "only {followed} were found");
}

#[test]
fn every_defence_is_where_it_is_said_to_be_and_held_by_a_test_that_there_is() {
    let text = document("docs/SECURITY.md").unwrap();
    let defences = rows(section(&text, "\n## What defends\n"));
    let sources = all_sources().unwrap();
    let mut wrong = Vec::new();
    let mut tests = 0;
    for row in &defences {
        assert_eq!(row.len(), 3, "{}", row[0].text);
        tests += row[2].named.iter().filter(|name| !is_path(name)).count();
        wrong.extend(
            wrong_of_defence(row, &sources)
                .into_iter()
                .map(|why| format!("{why}: {}", row[0].text)),
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(tests > 80, "only {tests} tests are named");
}

fn wrong_of_defence(row: &[Cell<'_>], sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    let (place, held) = (&row[1], &row[2]);
    let paths = place.named.iter().chain(&held.named).filter(|name| is_path(name));
    wrong.extend(paths.filter(|path| !exists(path)).map(|path| format!("no `{path}`")));
    let here: Vec<_> = place.named.iter().filter(|name| is_path(name)).collect();
    if here.is_empty() {
        wrong.push("it is nowhere".to_owned());
    }
    // `cover` in `src/http/public/guard.rs`
    for name in place.named.iter().filter(|name| !is_path(name)) {
        let within = |source: &&Source| here.iter().any(|path| source.file.starts_with(**path));
        if !sources.iter().filter(within).any(|source| declares(&source.text, name)) {
            wrong.push(format!("`{name}` is in none of {here:?}"));
        }
    }
    // A file of tests, or some of them by name.
    let mut of = None;
    for name in &held.named {
        if is_path(name) {
            of = Some(*name);
            continue;
        }
        let tests = |source: &&Source| of.is_some_and(|path| source.file == path);
        if !sources.iter().filter(tests).any(|source| is_tested(&source.text, name)) {
            wrong.push(format!("`{name}` is no test of {of:?}"));
        }
    }
    if of.is_none() && held.text.trim() != "untested" {
        wrong.push("no test is named, and it is not called untested".to_owned());
    }
    wrong
}

/// Whether a source has a test of this name: a function right behind the mark of one, or one within
/// `proptest!`, which marks it further up.
fn is_tested(text: &str, name: &str) -> bool {
    let Some(at) = text.find(&format!("fn {name}(")) else { return false };
    let before: Vec<_> = text[..at].lines().rev().take(8).collect();
    before.iter().any(|line| line.contains("test]") || line.contains("#[tokio::test"))
}

#[test]
fn a_name_that_only_begins_like_another_is_not_taken_for_it() {
    let text = "pub async fn claim_mail() {}\nstruct Mail;\n";
    assert!(declares(text, "claim_mail") && declares(text, "Mail") && declares(text, "Post::Mail"));
    assert!(!declares(text, "claim") && !declares(text, "mail"));
    assert_eq!(anchors("## It's on\nx\n### Its on\n"), ["its-on", "its-on-1"]);
    assert!(exists("tests/it/api*.rs") && !exists("tests/it/nobody*.rs"));
    let row = rows("| a | b |\n|---|---|\n| `x` | y |\n");
    assert_eq!((row.len(), row[0][0].named.as_slice()), (1, ["x"].as_slice()));
}
