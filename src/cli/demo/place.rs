//! Where the demo keeps its files: a folder of its own that goes with it, or one that stays to be
//! looked at.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::TempDir;
use url::Url;

use crate::config::Config;
use crate::vault::MasterKey;

/// A folder for the demo.
#[derive(Debug)]
pub struct Place {
    path: PathBuf,
    /// Removes the folder with everything in it when the demo ends.
    passing: Option<TempDir>,
}

impl Place {
    /// A folder that goes when this is dropped.
    pub fn passing() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("keypulse-demo-")
            .tempdir()
            .context("no folder can be made for the demo")?;
        Ok(Self { path: folder.path().to_owned(), passing: Some(folder) })
    }

    /// This folder, made where there is none; whatever is in it already is not touched.
    pub fn kept(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let mut builder = fs::DirBuilder::new();
        match builder.mode(0o700).create(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let mut entries = fs::read_dir(path)
                    .with_context(|| format!("`--keep {shown}` is not a folder to write to"))?;
                if entries.next().is_some() {
                    bail!(
                        "`--keep {shown}` is not empty: name a new folder, or remove what is in \
                         it; nothing was changed"
                    );
                }
            }
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("`--keep {shown}`: the folder cannot be made"));
            }
        }
        let path = fs::canonicalize(path)
            .with_context(|| format!("`--keep {shown}`: the folder cannot be found"))?;
        Ok(Self { path, passing: None })
    }

    /// Makes a master key and a configuration, and reads it. The user's own is not looked at.
    pub fn configure(&self, provider: &Url, settings: &str) -> anyhow::Result<Config> {
        let (master, database) = (self.path.join("master.key"), self.path.join("keypulse.db"));
        MasterKey::generate()?.write_new_file(&master)?;
        let text = |path: &Path| -> anyhow::Result<String> {
            let path = path.to_str().context("the folder's name is not UTF-8")?;
            Ok(toml::Value::from(path).to_string())
        };
        let url = toml::Value::from(format!("sqlite://{}", database.display()));
        let config = format!(
            "# Made by `keypulse demo`: minutes are seconds here, which is no setting for real keys.\n\
             [store]\nurl = {url}\n\n[keyring]\nmaster_key_file = {}\n\n{settings}\n\
             [provider]\nbase_url = {}\n\
             required_scopes = [\"export-jobs:read\", \"users:read\"]\ntimeout = \"3s\"\n",
            text(&master)?,
            toml::Value::from(provider.as_str()),
        );
        let file = self.path.join("keypulse.toml");
        self.write("keypulse.toml", &config)?;
        // Beside a daemon that listens at the usual address.
        let anywhere = ("KEYPULSE__PRIVATE__LISTEN".into(), "127.0.0.1:0".into());
        Ok(Config::load(Some(&file), [anywhere])?)
    }

    /// Says what is here and how to look at it.
    pub fn explain(&self, provider: &Url, tenants: u32, seed: u64) -> anyhow::Result<()> {
        let (host, port) = (provider.host_str().unwrap_or_default(), provider.port().unwrap_or(0));
        let mut text = String::new();
        writeln!(
            text,
            "What `keypulse demo` has left here: {tenants} made-up customers as they were at its \
             end.\n\nkeypulse.db    the database\nmaster.key     what opens the sealed keys in \
             it; readable by its owner only\nkeypulse.toml  the configuration\n\n\
             Look at the fleet, from this folder:\n"
        )?;
        for command in [
            "status",
            "tenant list",
            "tenant list --status needs_reconnection",
            "tenant show erp-0004",
            "keyring status",
        ] {
            writeln!(text, "  keypulse --config keypulse.toml {command}")?;
        }
        writeln!(
            text,
            "\nThe made-up provider has ended with the demo. To watch on, start it again, where \
             every\nkey works as in the beginning, and in a second terminal the daemon:\n\n  \
             keypulse sandbox --listen {host}:{port} --control 127.0.0.1:0 \\\n    \
             --tenants {tenants} --seed {seed}\n  keypulse --config keypulse.toml run\n\n\
             Nothing here is worth anything elsewhere: remove the folder when you are done."
        )?;
        self.write("README", &text)
    }

    /// The folder, if it stays.
    pub fn stays(&self) -> Option<&Path> {
        self.passing.is_none().then_some(self.path.as_path())
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.path.join(name);
        let mut options = fs::OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(&path);
        file.and_then(|mut file| io::Write::write_all(&mut file, text.as_bytes()))
            .with_context(|| format!("{} cannot be written", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_anything_in_it_is_refused_by_name_and_left_as_it_is() {
        let above = tempfile::tempdir().unwrap();
        let mine = above.path().join("mine");
        fs::create_dir(&mine).unwrap();
        fs::write(mine.join("letter"), "dear").unwrap();
        let refusal = Place::kept(&mine).unwrap_err().to_string();
        assert!(refusal.contains(&format!("{}` is not empty", mine.display())), "{refusal}");
        assert_eq!(fs::read_dir(&mine).unwrap().count(), 1);
        let refusal = Place::kept(&mine.join("letter")).unwrap_err().to_string();
        assert!(refusal.contains("is not a folder"), "{refusal}");
    }

    #[test]
    fn a_passing_folder_is_gone_with_all_that_is_in_it() {
        let place = Place::passing().unwrap();
        let provider = Url::parse("http://127.0.0.1:4010/").unwrap();
        place.configure(&provider, "").unwrap();
        let path = place.path.clone();
        assert!(path.join("keypulse.toml").exists() && place.stays().is_none());
        drop(place);
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_with_quotes_in_its_name_makes_a_configuration_that_can_be_read() {
        let above = tempfile::tempdir().unwrap();
        let place = Place::kept(&above.path().join("a \"b\" \\c")).unwrap();
        let provider = Url::parse("http://127.0.0.1:4010/").unwrap();
        place.configure(&provider, "[watch]\ninterval = \"4s\"\n").unwrap();
        place.explain(&provider, 20, 7).unwrap();
        assert!(place.stays().is_some());
    }
}
