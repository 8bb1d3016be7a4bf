//! The templates of the pages: the built-in ones, and those that an operator puts in their place. All
//! that can be wrong with one is found when they are read.

use std::io::Read;
use std::path::{Path, PathBuf};

use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};

/// What one template may cost, in steps of the engine.
const FUEL: u64 = 500_000;
/// The largest template of an operator's own, in bytes.
const LARGEST: u64 = 128 * 1024;

/// Every template, with what is compiled in.
pub const BUILT_IN: [(&str, &str); 7] = [
    ("layout.html", include_str!("../../../config/templates/pages/layout.html")),
    ("ask.html", include_str!("../../../config/templates/pages/ask.html")),
    ("confirm.html", include_str!("../../../config/templates/pages/confirm.html")),
    ("connected.html", include_str!("../../../config/templates/pages/connected.html")),
    ("declined.html", include_str!("../../../config/templates/pages/declined.html")),
    ("ended.html", include_str!("../../../config/templates/pages/ended.html")),
    ("notice.html", include_str!("../../../config/templates/pages/notice.html")),
];

/// Why templates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The folder or a file in it cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A file takes the place of nothing.
    #[error("{} takes the place of no page: the templates are {}", path.display(), names())]
    Unknown {
        /// Which.
        path: PathBuf,
    },
    /// A file is no template of ours to use: no file, too long, or not in UTF-8.
    #[error("{} must be a file of at most 128 KiB in UTF-8, and no link to one", path.display())]
    Form {
        /// Which.
        path: PathBuf,
    },
    /// A template is wrong, or does not work with what a page is made from.
    #[error("the template {name} does not work, in line {line}: {what}")]
    Broken {
        /// Which.
        name: String,
        /// Where.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// A page lacks what it is for.
    #[error("the template {name} lacks {what}, without which no customer can use the page")]
    Lacks {
        /// Which.
        name: String,
        /// What.
        what: &'static str,
    },
}

fn names() -> String {
    BUILT_IN.map(|(name, _)| name).join(", ")
}

impl TemplateError {
    pub(super) fn of(name: &str, error: &Error) -> Self {
        let what = match error.detail() {
            Some(detail) => format!("{} ({detail})", error.kind()),
            None => error.kind().to_string(),
        };
        let name = error.name().unwrap_or(name).to_owned();
        Self::Broken {
            name,
            line: error.line().unwrap_or(1),
            what: what.chars().take(300).collect(),
        }
    }
}

/// Reads the templates; those in the folder take the place of the built-in ones.
pub fn load(folder: Option<&Path>) -> Result<Environment<'static>, TemplateError> {
    let mut all = Environment::new();
    all.set_undefined_behavior(UndefinedBehavior::Strict);
    all.set_auto_escape_callback(|_| AutoEscape::Html);
    all.set_fuel(Some(FUEL));
    // What a customer or a tenant is called is never markup, whatever a template says.
    all.remove_filter("safe");
    all.set_formatter(|out, state, value| {
        if !matches!(state.auto_escape(), AutoEscape::Html) {
            let why = "escaping cannot be turned off";
            return Err(Error::new(ErrorKind::InvalidOperation, why));
        }
        let value = if value.is_none() { &Value::UNDEFINED } else { value };
        minijinja::escape_formatter(out, state, value)
    });
    for (name, text) in BUILT_IN {
        add(&mut all, name, text.to_owned())?;
    }
    if let Some(folder) = folder {
        for (name, text) in own(folder)? {
            add(&mut all, name, text)?;
        }
    }
    Ok(all)
}

fn add(
    all: &mut Environment<'static>,
    name: &'static str,
    text: String,
) -> Result<(), TemplateError> {
    all.add_template_owned(name, text).map_err(|error| TemplateError::of(name, &error))
}

/// The operator's templates: files of that folder itself, whose names are those of built-in ones.
fn own(folder: &Path) -> Result<Vec<(&'static str, String)>, TemplateError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| TemplateError::Read { path, source }
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
        let entry = entry.map_err(failed(folder))?;
        let path = entry.path();
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
            return Err(TemplateError::Unknown { path });
        };
        // What editors and file systems leave lying about.
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        let Some((known, _)) = BUILT_IN.into_iter().find(|(known, _)| *known == name) else {
            return Err(TemplateError::Unknown { path });
        };
        // Not through a link: nothing outside of the folder is served.
        if !entry.file_type().map_err(failed(&path))?.is_file() {
            return Err(TemplateError::Form { path });
        }
        let mut text = Vec::new();
        let file = std::fs::File::open(&path).map_err(failed(&path))?;
        file.take(LARGEST + 1).read_to_end(&mut text).map_err(failed(&path))?;
        let text = String::from_utf8(text).ok().filter(|text| text.len() as u64 <= LARGEST);
        found.push((known, text.ok_or(TemplateError::Form { path })?));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    fn with(files: &[(&str, &str)]) -> Result<Environment<'static>, TemplateError> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        load(Some(folder.path()))
    }

    fn rendered(text: &str) -> Result<String, Error> {
        let all = with(&[("notice.html", text)]).unwrap();
        all.get_template("notice.html").unwrap().render(context! { name => "<b>\u{202e}" })
    }

    #[test]
    fn a_name_is_never_markup_whatever_a_template_says() {
        assert_eq!(rendered("{{ name }}").unwrap(), "&lt;b&gt;\u{202e}");
        for trick in ["{% autoescape false %}{{ name }}{% endautoescape %}", "{{ name|safe }}"] {
            assert!(rendered(trick).is_err(), "{trick}");
        }
    }

    #[test]
    fn what_a_template_misspells_is_an_error_and_no_empty_place() {
        assert!(rendered("{{ nmae }}").is_err());
    }

    #[test]
    fn a_template_that_never_ends_is_stopped() {
        let text = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
        assert!(rendered(text).is_err());
    }

    #[test]
    fn a_broken_template_is_named_with_its_line() {
        let error = with(&[("ended.html", "\n\n{% if %}")]).unwrap_err();
        assert!(error.to_string().contains("ended.html") && error.to_string().contains("line 3"));
    }

    #[test]
    fn a_file_that_takes_the_place_of_nothing_is_named_and_a_link_is_not_followed() {
        let error = with(&[("asks.html", "")]).unwrap_err().to_string();
        assert!(error.contains("asks.html") && error.contains("ask.html"), "{error}");
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/hostname", folder.path().join("ask.html")).unwrap();
        assert!(matches!(load(Some(folder.path())), Err(TemplateError::Form { .. })));
        assert!(with(&[(".ask.html.swp", "{%"), ("ask.html~", "{%")]).is_ok());
    }

    #[test]
    fn a_template_cannot_read_a_file() {
        let all = with(&[("notice.html", "{% include '../../../Cargo.toml' %}")]).unwrap();
        assert!(all.get_template("notice.html").unwrap().render(context! {}).is_err());
    }
}
