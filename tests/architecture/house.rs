//! Rules about whole files: their length, their first line, and what no file may contain.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::rules::{Source, Violation};

/// Lines of a source file from which on it must say why it is long.
pub const LONG: usize = 400;

/// How many of the first lines may hold that reason.
const FIRST_LINES: usize = 12;

/// Crates that must not be in the tree at all, however deep: there is one TLS stack and one
/// crypto provider. `deny.toml` says the same with more words; this runs without any tool.
const BANNED: &[&str] = &[
    "openssl",
    "openssl-sys",
    "native-tls",
    "tokio-native-tls",
    "aws-lc-rs",
    "aws-lc-sys",
    "aws-lc-fips-sys",
];

/// The one source of crates.
const STANDARD: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below `folder`, by its path from the root.
pub fn sources(folder: &str) -> io::Result<Vec<Source>> {
    let mut files = Vec::new();
    walk(&root().join(folder), &mut files)?;
    files.sort();
    files
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| Ok(Source { file: from_root(&path), text: fs::read_to_string(&path)? }))
        .collect()
}

/// Every text file that is or would be tracked; without git, every one outside `target`.
pub fn texts() -> io::Result<Vec<Source>> {
    let listed = Command::new("git")
        .args(["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others"])
        .arg("--exclude-standard")
        .current_dir(root())
        .output();
    let mut files = Vec::new();
    match listed {
        Ok(output) if output.status.success() => {
            let names = String::from_utf8_lossy(&output.stdout).into_owned();
            files.extend(names.split_terminator('\0').map(|name| root().join(name)));
        }
        _ => walk(root(), &mut files)?,
    }
    let mut texts = Vec::new();
    for path in files.into_iter().filter(|path| path.is_file()) {
        // A file that is no UTF-8 is a picture or the like.
        if let Ok(text) = String::from_utf8(fs::read(&path)?) {
            texts.push(Source { file: from_root(&path), text });
        }
    }
    Ok(texts)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let skipped = [".git", "target", "node_modules"].iter().any(|name| path.ends_with(name));
        if path.is_dir() && !skipped {
            walk(&path, files)?;
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

fn from_root(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// A source file says what it is for, and why when it is long.
pub fn shape(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    if !source.text.starts_with("//!") {
        let rule = "a file's first line is `//!`: what it is for and what it refuses to know";
        found.push(violation(source, 1, "no `//!` on the first line".to_owned(), rule));
    }
    let lines = source.text.lines().count();
    let mut first = source.text.lines().take(FIRST_LINES);
    if lines > LONG && !first.any(|line| line.contains("Long because")) {
        let rule = "above 400 lines the first lines say `Long because …`";
        found.push(violation(source, lines, format!("{lines} lines"), rule));
    }
    found
}

/// Nothing of the machine on which a line was written, and one source of packages.
pub fn places(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        if let Some(path) = machine_path(line) {
            let rule = "no path of a machine in a file: write it relative or as a placeholder";
            found.push(violation(source, index + 1, format!("`{path}`"), rule));
        }
        if let Some(registry) = strange_registry(line) {
            let rule = "packages come from the standard registry, and no file names another";
            found.push(violation(source, index + 1, format!("`{registry}`"), rule));
        }
    }
    found
}

/// The crates that must not be in the tree.
pub fn banned(lock: &str) -> Vec<String> {
    let names = lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    names.filter(|name| BANNED.contains(name)).map(str::to_owned).collect()
}

fn machine_path(line: &str) -> Option<&'static str> {
    ["home", "root", "work", "Users"].into_iter().find(|folder| {
        let needle = format!("/{folder}/");
        line.match_indices(&needle).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || "/._-~}>*".contains(c))
        })
    })
}

fn strange_registry(line: &str) -> Option<&str> {
    let settings = ["replace-with", "index-url", "registry-mirrors"];
    if let Some(setting) = settings.iter().find(|name| {
        line.trim_start()
            .strip_prefix(**name)
            .is_some_and(|rest| rest.trim_start().starts_with('='))
    }) {
        return Some(setting);
    }
    let source = line.strip_prefix("source = \"")?.strip_suffix('"')?;
    (source != STANDARD).then_some(source)
}

fn violation(source: &Source, line: usize, what: String, rule: &str) -> Violation {
    Violation { file: source.file.clone(), line, what, rule: rule.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source { file: "src/x.rs".to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_file_that_does_not_say_what_it_is_for_is_named() {
        let found = shape(&source("use std::fmt;\n"));
        assert!(found[0].to_string().starts_with("src/x.rs:1: no `//!`"), "{}", found[0]);
        assert!(shape(&source("//! Here is why.\n")).is_empty());
    }

    #[test]
    fn a_long_file_without_a_reason_is_named_and_one_with_a_reason_is_not() {
        let body = "x\n".repeat(LONG);
        assert_eq!(shape(&source(&format!("//! A file.\n{body}"))).len(), 1);
        assert_eq!(shape(&source(&format!("//! A file.\n//! Long because.\n{body}"))).len(), 0);
        assert_eq!(shape(&source(&format!("//! A file.\n{body}// Long because"))).len(), 1);
    }

    #[test]
    fn a_path_of_a_machine_is_seen_and_a_path_below_the_root_is_not() {
        for folder in ["home", "root", "work", "Users"] {
            let found = places(&source(&format!("ok\nsee \"/{folder}/somebody/x\"\n")));
            assert_eq!(found.len(), 1, "{folder}");
            assert_eq!(found[0].line, 2);
        }
        assert!(
            places(&source("docs/work/x, https://example.com/home/x, {dir}/root/x")).is_empty()
        );
    }

    #[test]
    fn another_source_of_packages_is_seen_and_the_standard_one_is_not() {
        assert_eq!(places(&source("replace-with = \"mirror\"")).len(), 1);
        assert_eq!(places(&source("  index-url = https://mirror.example/simple")).len(), 1);
        assert_eq!(places(&source("source = \"git+https://example.com/x#1\"")).len(), 1);
        assert_eq!(places(&source("source = \"sparse+https://mirror.example/\"")).len(), 1);
        assert!(places(&source(&format!("source = \"{STANDARD}\""))).is_empty());
    }

    #[test]
    fn a_banned_crate_in_the_lock_file_is_seen_by_its_whole_name() {
        let lock = "name = \"openssl-probe\"\nname = \"aws-lc-rs\"\nname = \"ring\"\n";
        assert_eq!(banned(lock), ["aws-lc-rs"]);
    }
}
