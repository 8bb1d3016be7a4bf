//! What containers are made and run by, held against what is published of its form. Nothing is built or
//! run: that needs images, which a test cannot count on.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::{file, run, said, text};

/// A program of the folder that `scripts/test` has installed.
fn tool(name: &str) -> Command {
    let folder = std::env::var_os("KEYPULSE_TEST_MANIFESTS");
    let folder = folder.unwrap_or_else(|| panic!("no KEYPULSE_TEST_MANIFESTS: run scripts/test"));
    Command::new(Path::new(&folder).join(name))
}

fn kubernetes() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(file("packaging/kubernetes"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().is_some_and(|name| name != "kustomization.yaml"))
        .collect();
    files.sort();
    files
}

fn validated(file: &Path) -> Output {
    run(tool("kubernetes-validate").arg("--strict").arg(file))
}

/// A text in a folder of its own, under this name.
fn changed(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn every_kubernetes_file_is_of_the_form_of_the_api() {
    let files = kubernetes();
    assert!(files.len() >= 7, "{files:?}");
    for file in &files {
        let output = validated(file);
        assert!(output.status.success(), "{}", said(&output));
    }
    let folder = tempfile::tempdir().unwrap();
    let misspelt = text("packaging/kubernetes/deployment.yaml").replace("runAsUser", "runasUser");
    assert!(!validated(&changed(folder.path(), "d.yaml", &misspelt)).status.success());
}

#[test]
fn kustomize_is_given_every_file_but_the_migration() {
    let list = text("packaging/kubernetes/kustomization.yaml");
    for path in kubernetes() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let listed = list.lines().any(|line| line.trim() == format!("- {name}"));
        assert_eq!(listed, name != "migrate.yaml", "{name}");
    }
}

#[test]
fn the_compose_file_is_of_the_form_of_its_specification() {
    let check = |path: &Path| {
        run(tool("check-jsonschema").args(["--builtin-schema", "vendor.compose-spec"]).arg(path))
    };
    let output = check(&file("packaging/container/compose.yaml"));
    assert!(output.status.success(), "{}", said(&output));
    let folder = tempfile::tempdir().unwrap();
    let misspelt = text("packaging/container/compose.yaml").replace("cap_drop:", "capdrop:");
    assert!(!check(&changed(folder.path(), "c.yaml", &misspelt)).status.success());
}

#[test]
fn every_file_that_the_compose_file_mounts_is_in_the_repository() {
    let compose = text("packaging/container/compose.yaml");
    let mounted: Vec<&str> = compose
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- ."))
        .filter_map(|line| line.split(':').next())
        .collect();
    assert!(mounted.len() >= 6, "{mounted:?}");
    for path in mounted {
        let path = file("packaging/container").join(format!(".{path}"));
        assert!(path.exists(), "{}", path.display());
    }
}

#[test]
fn promtool_takes_what_prometheus_is_told_to_scrape() {
    let folder = tempfile::tempdir().unwrap();
    // The rules lie elsewhere here than in the container.
    let rules = file("dashboards/prometheus").display().to_string();
    let told = text("packaging/container/prometheus.yml");
    let told = told.replace("/etc/prometheus/keypulse", &rules);
    let path = changed(folder.path(), "prometheus.yml", &told);
    let output = run(Command::new("promtool").args(["check", "config"]).arg(path));
    let says = said(&output);
    assert!(output.status.success() && says.contains("SUCCESS"), "{says}");
    assert!(says.contains("rule files found"), "{says}");
}

#[test]
fn hadolint_finds_nothing_wrong_with_the_dockerfile() {
    let lint = |path: &Path| run(tool("hadolint").arg("--no-color").arg(path));
    let output = lint(&file("packaging/container/Dockerfile"));
    assert!(output.status.success(), "{}", said(&output));
    let folder = tempfile::tempdir().unwrap();
    let careless = text("packaging/container/Dockerfile").replace("rust:1.95-bookworm", "rust");
    assert!(!lint(&changed(folder.path(), "Dockerfile", &careless)).status.success());
}

/// Whether the build is given this path of the repository.
fn is_given(path: &str) -> bool {
    let given = text("packaging/container/Dockerfile.dockerignore");
    let mut given = given.lines().filter_map(|line| line.strip_prefix('!'));
    given.any(|prefix| path == prefix || path.starts_with(&format!("{prefix}/")))
}

#[test]
fn the_build_of_the_image_is_given_all_that_the_program_is_made_of() {
    let oldest = text("Cargo.toml");
    let (_, oldest) = oldest.split_once("rust-version = \"").unwrap();
    let image = format!("FROM rust:{}-", oldest.split('"').next().unwrap());
    assert!(text("packaging/container/Dockerfile").contains(&image), "not built in `{image}`");
    for path in ["Cargo.toml", "Cargo.lock", "packaging/container/root.sh"] {
        assert!(is_given(path), "{path}");
    }
    // What the compiler wrote down when it built the library of the program that is tested here.
    let folder = Path::new(crate::PROGRAM).with_file_name("deps");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let notes = files.filter(|path| path.extension().is_some_and(|end| end == "d"));
    let notes = notes.filter_map(|path| fs::read_to_string(path).ok());
    // A library is made by a build only; the lints write notes of their own.
    let library = |note: &String| {
        let made = note.lines().filter_map(|line| Some(line.split_once(": ")?.0));
        let library = |file: &Path| file.extension().is_some_and(|end| end == "rlib");
        made.filter(|file| library(Path::new(file))).any(|file| file.contains("/libkeypulse-"))
    };
    let wanted: Vec<String> = notes.filter(library).collect();
    let own: BTreeSet<String> =
        wanted.iter().flat_map(|note| note.split_whitespace()).filter_map(own).collect();
    assert!(own.len() > 100, "{}", own.len());
    // What an older build was made of may be gone.
    for path in own.iter().filter(|path| Path::new(path).exists()) {
        assert!(is_given(path), "the build is not given {path}");
    }
}

/// A file of the project, as it is called from its folder; none for what lies elsewhere, or was built.
fn own(word: &str) -> Option<String> {
    let root = format!("{}/", env!("CARGO_MANIFEST_DIR"));
    let path = word.trim_end_matches(':');
    let built = Path::new(crate::PROGRAM).ancestors().nth(2).unwrap();
    if Path::new(path).starts_with(built) {
        return None;
    }
    let path = path.strip_prefix(&root).unwrap_or(path);
    if path.starts_with('/') {
        return None;
    }
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
