//! `keypulse mail preview`: the letters to customers, before a customer gets one.

use crate::program::Ran;
use crate::rig::Rig;

#[test]
fn every_letter_of_every_language_is_written_for_a_look_without_a_database() {
    let rig = Rig::new(1)
        .set("brand.product", "Acme ERP")
        .set("brand.support", "help@erp.example")
        .set("store.url", "sqlite:///nowhere/at/all.db");
    let out = rig.path().join("mails");
    let shown = out.to_str().unwrap();
    let said = rig.run(&["mail", "preview", "--out", shown, "--json"]).json();
    let letters = said["letters"].as_array().unwrap();
    assert!(letters.len() >= 4 * 20, "{} letters", letters.len());
    let index = std::fs::read_to_string(out.join("index.html")).unwrap();
    for letter in letters {
        let read =
            |what: &str| std::fs::read_to_string(out.join(letter[what].as_str().unwrap())).unwrap();
        let subject = letter["subject"].as_str().unwrap();
        assert!(read("text").starts_with(&format!("{subject}\n\n")), "{letter}");
        assert!(read("html").contains("help@erp.example"), "{letter}");
        assert!(index.contains(letter["html"].as_str().unwrap()), "{letter}");
    }
    let Ran { stdout, .. } = rig.run(&["mail", "preview", "--out", shown]).well();
    assert!(stdout.starts_with(&format!("wrote {} letters", letters.len())), "{stdout}");
}

#[test]
fn a_template_that_is_wrong_is_named_with_its_line_and_what_it_is_configured_by() {
    let rig = Rig::new(1);
    let folder = rig.path().join("own");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("letter.txt"), "{{ title }}\n{{ referense }}\n").unwrap();
    let rig = rig.set("mail.templates_dir", folder.to_str().unwrap());
    let out = rig.path().join("mails");
    let ran = rig.run(&["mail", "preview", "--out", out.to_str().unwrap()]);
    let refusal = ran.refusal();
    for part in ["mail.templates_dir", "letter.txt", "line 2"] {
        assert!(refusal.contains(part), "{part}: {refusal}");
    }
}
