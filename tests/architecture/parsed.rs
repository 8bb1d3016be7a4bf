//! What the reader saw in one file: modules declared, paths named, forms it cannot read.

/// A `mod` declaration.
#[derive(Debug)]
pub struct Module {
    pub path: Vec<String>,
    pub test_only: bool,
    pub visible: bool,
    pub line: usize,
}

/// A path that is named: in a `use`, an expression, a type, an attribute or a macro call.
#[derive(Debug)]
pub struct Named {
    pub line: usize,
    /// The module it stands in.
    pub scope: Vec<String>,
    /// As written, `$crate` as `crate`; a glob ends in `*`.
    pub segments: Vec<String>,
    /// Begins with `::`.
    pub absolute: bool,
    /// Stands in a `pub use` or `pub(crate) use`.
    pub re_exported: bool,
    pub in_test: bool,
}

impl Named {
    pub fn text(&self) -> String {
        let lead = if self.absolute { "::" } else { "" };
        format!("{lead}{}", self.segments.join("::"))
    }
}

/// Everything the rules want to know of one file.
#[derive(Debug, Default)]
pub struct Parsed {
    pub file: String,
    pub modules: Vec<Module>,
    pub named: Vec<Named>,
    /// Methods called or functions named after a dot or `::`, with line.
    pub methods: Vec<(usize, String)>,
    /// Lines that silence a lint without having to say why.
    pub silenced: Vec<usize>,
    /// Line, and the form that cannot be read.
    pub refused: Vec<(usize, String)>,
}

/// The module path of a file below `src/`: `src/health/policy.rs` is `health::policy`.
pub fn module_of(file: &str) -> Vec<String> {
    let inner = file.strip_prefix("src/").unwrap_or(file);
    let mut path: Vec<String> =
        inner.strip_suffix(".rs").unwrap_or(inner).split('/').map(str::to_owned).collect();
    if path.last().is_some_and(|last| last == "mod") || path == ["lib"] || path == ["main"] {
        path.pop();
    }
    path
}
