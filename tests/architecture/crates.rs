//! The outside crates that the manifest makes known, by the names that sources use.

use std::collections::BTreeSet;

use crate::table;

/// The names under which Cargo.toml makes outside crates known.
#[derive(Default)]
pub struct Crates {
    pub shipped: BTreeSet<String>,
    pub for_tests: BTreeSet<String>,
}

impl Crates {
    /// Reads a manifest; complains of a confined crate under another name.
    pub fn of_manifest(text: &str) -> Result<Self, String> {
        let manifest: toml::Table = text.parse().map_err(|error| format!("Cargo.toml: {error}"))?;
        let mut crates = Self::default();
        for (section, names) in
            [("dependencies", &mut crates.shipped), ("dev-dependencies", &mut crates.for_tests)]
        {
            let Some(table) = manifest.get(section).and_then(toml::Value::as_table) else {
                continue;
            };
            for (key, value) in table {
                let name = key.replace('-', "_");
                if let Some(package) = value.get("package").and_then(toml::Value::as_str) {
                    let package = package.replace('-', "_");
                    if package != name && table::CRATES.iter().any(|c| c.name == package) {
                        return Err(format!("Cargo.toml: `{key}` hides the crate `{package}`"));
                    }
                }
                names.insert(name);
            }
        }
        if manifest.contains_key("target") {
            return Err("Cargo.toml: dependencies of one target only are not read here".to_owned());
        }
        crates.shipped.extend(["std", "core", "alloc"].map(str::to_owned));
        Ok(crates)
    }

    pub fn knows(&self, name: &str) -> bool {
        self.shipped.contains(name) || self.for_tests.contains(name)
    }
}
