//! Holds what the reader saw against the tables. It reads names, not types: a type that travels
//! through a signature without being named is the compiler's business (and private modules').

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::crates::Crates;
use crate::parsed::{Module, Named, Parsed, module_of};
use crate::reader;
use crate::table::{self, Confined};

/// One broken rule: where, what, and which.
#[derive(Debug)]
pub struct Violation {
    pub file: String,
    pub line: usize,
    pub what: String,
    pub rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, what, rule } = self;
        write!(f, "{file}:{line}: {what}\n    rule: {rule}")
    }
}

/// A source file by its path from the root of the repository.
pub struct Source {
    pub file: String,
    pub text: String,
}

/// Every broken rule in these sources.
pub fn violations(sources: &[Source], crates: &Crates) -> Vec<Violation> {
    let parsed: Vec<Parsed> = sources
        .iter()
        .map(|source| reader::read(&source.file, &source.text, module_of(&source.file)))
        .collect();
    let mut found = Vec::new();
    let (ours, steps): (Vec<_>, Vec<_>) =
        parsed.iter().partition(|parsed| parsed.file.starts_with("src/"));
    let house = House::of(&ours, crates);
    for parsed in &ours {
        house.check(parsed, &mut found);
    }
    for parsed in steps {
        check_migration(parsed, &mut found);
    }
    found
}

fn check_migration(parsed: &Parsed, found: &mut Vec<Violation>) {
    let rule = "a migration is frozen: it imports nothing of keypulse";
    let ours =
        parsed.named.iter().filter(|named| named.segments.first().is_some_and(|s| s == "keypulse"));
    for named in ours {
        found.push(violation(parsed, named.line, format!("`{}`", named.text()), rule));
    }
    refused(parsed, found);
}

fn refused(parsed: &Parsed, found: &mut Vec<Violation>) {
    for line in &parsed.silenced {
        let rule =
            "a lint is silenced by `#[expect(…, reason = …)]`, which says why and ends itself";
        found.push(violation(parsed, *line, "`#[allow(…)]`".to_owned(), rule));
    }
    for (line, what) in &parsed.refused {
        let rule = "sources use only forms that this test can read";
        found.push(violation(parsed, *line, what.clone(), rule));
    }
}

fn violation(parsed: &Parsed, line: usize, what: String, rule: impl Into<String>) -> Violation {
    Violation { file: parsed.file.clone(), line, what, rule: rule.into() }
}

/// Where a named path leads.
enum Target {
    Ours(Vec<String>),
    Outside(String),
    /// A name of this file, already judged where it was brought in.
    Local,
    Unreadable(&'static str),
}

/// All modules of `src/` together.
struct House<'a> {
    crates: &'a Crates,
    children: BTreeMap<Vec<String>, BTreeSet<String>>,
    test_only: BTreeSet<Vec<String>>,
}

impl<'a> House<'a> {
    fn of(all: &[&Parsed], crates: &'a Crates) -> Self {
        let mut children: BTreeMap<Vec<String>, BTreeSet<String>> = BTreeMap::new();
        let mut test_only = BTreeSet::new();
        for module in all.iter().flat_map(|parsed| &parsed.modules) {
            if let Some((name, parent)) = module.path.split_last() {
                children.entry(parent.to_vec()).or_default().insert(name.clone());
            }
            if module.test_only {
                test_only.insert(module.path.clone());
            }
        }
        Self { crates, children, test_only }
    }

    fn check(&self, parsed: &Parsed, found: &mut Vec<Violation>) {
        refused(parsed, found);
        let module = module_of(&parsed.file);
        let top = top_of(&parsed.file, &module);
        let Some(row) = table::ROWS.iter().find(|row| row.module == top) else {
            let what = format!("the module `{top}` has no row in the table of imports");
            found.push(violation(parsed, 1, what, "every module has its place in the layers"));
            return;
        };
        for module in &parsed.modules {
            Self::check_module(parsed, top, module, found);
        }
        for named in &parsed.named {
            self.check_named(parsed, row, named, found);
        }
        for (line, method) in &parsed.methods {
            for call in table::CALLS.iter().filter(|call| call.name == method) {
                check_place(parsed, &module, *line, call, &format!("`{method}`"), found);
            }
        }
    }

    fn check_module(parsed: &Parsed, top: &str, module: &Module, found: &mut Vec<Violation>) {
        if top == "main" {
            let rule = "main.rs has no modules: the library holds them";
            found.push(violation(parsed, module.line, module.path.join("::"), rule));
        }
        if module.path == table::PRIVATE && module.visible {
            let rule = "`store::entity` never leaves `src/store`: declare it without `pub`";
            found.push(violation(parsed, module.line, "`pub mod entity`".to_owned(), rule));
        }
    }

    fn check_named(
        &self,
        parsed: &Parsed,
        row: &table::Row,
        named: &Named,
        found: &mut Vec<Violation>,
    ) {
        let shown = format!("`{}`", named.text());
        let in_test = named.in_test || self.is_test(&named.scope);
        for call in table::CALLS.iter().filter(|call| call.name.contains("::")) {
            if named.segments.join("::").ends_with(call.name) {
                check_place(parsed, &named.scope, named.line, call, &shown, found);
            }
        }
        match self.target(parsed, named) {
            Target::Local => {}
            Target::Unreadable(why) => {
                let rule = "sources use only forms that this test can read";
                found.push(violation(parsed, named.line, format!("{shown}: {why}"), rule));
            }
            Target::Ours(path) => self.check_ours(parsed, row, named, &path, in_test, found),
            Target::Outside(name) => self.check_outside(parsed, row, named, &name, in_test, found),
        }
    }

    fn check_ours(
        &self,
        parsed: &Parsed,
        row: &table::Row,
        named: &Named,
        path: &[String],
        in_test: bool,
        found: &mut Vec<Violation>,
    ) {
        let shown = format!("`{}`", named.text());
        let Some(top) = path.first() else { return };
        let leaves = named.re_exported && !is_private(&named.scope);
        if is_private(path) && (row.module != table::PRIVATE[0] || leaves) {
            let rule = "`store::entity` never leaves `src/store`";
            found.push(violation(parsed, named.line, shown, rule));
            return;
        }
        if top == row.module || (in_test && self.is_test(path)) {
            return;
        }
        if !table::ROWS.iter().any(|known| known.module == top) {
            let rule =
                "the root of the crate holds modules only, each with its place in the layers";
            found.push(violation(parsed, named.line, shown, rule));
        } else if !row.may_import.contains(&top.as_str()) {
            let rule = match row.may_import {
                [] => format!("`{}` imports none of its siblings", row.module),
                some => format!("`{}` imports only {}", row.module, some.join(", ")),
            };
            found.push(violation(parsed, named.line, shown, rule));
        }
    }

    fn check_outside(
        &self,
        parsed: &Parsed,
        row: &table::Row,
        named: &Named,
        name: &str,
        in_test: bool,
        found: &mut Vec<Violation>,
    ) {
        let shown = format!("`{}`", named.text());
        let spare = table::SPARE.iter().find(|(module, _)| *module == row.module);
        if let Some((module, allowed)) = spare
            && !allowed.contains(&name)
            && !(in_test && self.crates.for_tests.contains(name))
        {
            let rule = format!("`{module}` uses only {}", allowed.join(", "));
            found.push(violation(parsed, named.line, shown.clone(), rule));
        }
        for home in table::CRATES.iter().filter(|home| home.name == name) {
            check_place(parsed, &named.scope, named.line, home, &shown, found);
            if named.re_exported {
                let rule = format!("`{name}` stays at home: {}", home.why);
                let what = format!("{shown} is exported again");
                found.push(violation(parsed, named.line, what, rule));
            }
        }
    }

    fn target(&self, parsed: &Parsed, named: &Named) -> Target {
        let Some((first, rest)) = named.segments.split_first() else {
            return Target::Unreadable("it names nothing");
        };
        if named.absolute {
            return self.outside_or_own(first, rest);
        }
        let below = match first.as_str() {
            "crate" if parsed.file == "src/main.rs" => {
                return Target::Unreadable("main.rs has no modules of its own; say `keypulse`");
            }
            "crate" => return whole_or_root(rest.to_vec()),
            "self" => rest,
            "super" => named.segments.as_slice(),
            name if self.children.get(&named.scope).is_some_and(|all| all.contains(name)) => {
                named.segments.as_slice()
            }
            _ => return self.outside_or_own(first, rest),
        };
        let up = below.iter().take_while(|segment| *segment == "super").count();
        let Some(height) = named.scope.len().checked_sub(up) else {
            return Target::Unreadable("`super` leads out of the crate");
        };
        whole_or_root([&named.scope[..height], &below[up..]].concat())
    }

    fn outside_or_own(&self, first: &str, rest: &[String]) -> Target {
        if first == "keypulse" {
            whole_or_root(rest.to_vec())
        } else if self.crates.knows(first) || table::CRATES.iter().any(|home| home.name == first) {
            Target::Outside(first.to_owned())
        } else {
            Target::Local
        }
    }

    fn is_test(&self, path: &[String]) -> bool {
        (1..=path.len()).any(|length| self.test_only.contains(&path[..length]))
    }
}

/// The root itself, by whatever name or as a glob, would let everything through unseen.
fn whole_or_root(path: Vec<String>) -> Target {
    if path.is_empty() || path == ["*"] {
        Target::Unreadable("the root of the crate as a whole; name the module that is meant")
    } else if path.iter().any(|segment| segment == "super" || segment == "self") {
        Target::Unreadable("`self` or `super` in the middle of a path")
    } else {
        Target::Ours(path)
    }
}

fn top_of<'f>(file: &'f str, module: &'f [String]) -> &'f str {
    match module.first() {
        Some(top) => top,
        None if file == "src/main.rs" => "main",
        None => "lib",
    }
}

fn check_place(
    parsed: &Parsed,
    scope: &[String],
    line: usize,
    what: &Confined,
    shown: &str,
    found: &mut Vec<Violation>,
) {
    let here = scope.join("::");
    let fits = |place: &&str| match place.strip_suffix('*') {
        Some(begin) => here.starts_with(begin),
        None => here == **place || here.starts_with(&format!("{place}::")),
    };
    if !what.places.iter().any(fits) {
        let rule = format!("`{}` only in {}: {}", what.name, what.places.join(", "), what.why);
        found.push(violation(parsed, line, shown.to_owned(), rule));
    }
}

/// In the module that its parent keeps to itself.
fn is_private(path: &[String]) -> bool {
    path.len() >= table::PRIVATE.len() && path.iter().zip(table::PRIVATE).all(|(a, b)| a == b)
}
