//! Every piece of configuration that a document shows is one that is accepted: keypulse's own by
//! `config check`, that of Prometheus by promtool.

use std::path::Path;
use std::process::Command;

use super::document::{self, Block};
use crate::program::{self, Ran};
use crate::rig::Rig;

fn blocks(language: &str) -> Vec<Block> {
    let blocks = document::all().into_iter().flat_map(|document| document.blocks);
    blocks.filter(|block| block.language == language).collect()
}

/// Makes whatever a setting names: folders for `dir`, a logo, and secrets that nobody else can read.
fn made(rig: &Rig, block: &Block) -> String {
    let mut text = block.text.clone();
    for (section, settings) in block.text.parse::<toml::Table>().unwrap() {
        for (key, value) in settings.as_table().unwrap_or_else(|| panic!("{section}")) {
            let Some(named) = value.as_str() else { continue };
            if !key.ends_with("_file") && !key.ends_with("dir") {
                continue;
            }
            let name = Path::new(named).file_name().unwrap().to_str().unwrap();
            let path = if key.ends_with("dir") {
                let path = rig.path().join(name);
                std::fs::create_dir_all(&path).unwrap();
                path
            } else if key == "logo_file" {
                rig.file(
                    name,
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1\" height=\"1\"/>",
                )
            } else if key == "secret_file" && section == "webhook" {
                let path = rig.path().join(name);
                rig.run(&["webhook", "secret", "--out", path.to_str().unwrap()]).well();
                path
            } else {
                rig.file(name, "a secret\n")
            };
            text = text.replace(&format!("\"{named}\""), &format!("\"{}\"", path.display()));
        }
    }
    text
}

fn checked(rig: &Rig, text: &str) -> Ran {
    let file = rig.file("documented.toml", text);
    rig.run(&["--config", file.to_str().unwrap(), "config", "check"])
}

#[test]
fn every_configuration_that_a_document_shows_is_accepted() {
    let blocks = blocks("toml");
    assert!(blocks.len() >= 6, "{blocks:#?}");
    for block in blocks {
        let rig = Rig::new(1);
        let said = checked(&rig, &made(&rig, &block));
        assert!(
            said.code == Some(0) && said.stdout.contains("is valid"),
            "{}: {said:?}",
            block.place
        );
    }
    // That it would say so.
    let refusal = checked(&Rig::new(1), "[mail]\nhots = \"smtp.example.com\"\n").refusal();
    assert!(refusal.contains("hots"), "{refusal}");
}

#[test]
fn every_configuration_of_prometheus_that_a_document_shows_is_accepted() {
    let blocks = blocks("yaml");
    assert!(blocks.len() >= 2, "{blocks:#?}");
    for block in blocks {
        let folder = tempfile::tempdir().unwrap();
        for rules in ["recording.yml", "alerts.yml"] {
            let from = document::root().join("dashboards/prometheus").join(rules);
            std::fs::copy(from, folder.path().join(rules)).unwrap();
        }
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, &block.text).unwrap();
        let mut promtool = Command::new("promtool");
        let said = program::run(promtool.args(["check", "config"]).arg(&file), b"");
        assert_eq!(said.code, Some(0), "{}: {said:?}", block.place);
    }
}
