//! Asks the person at the terminal whether something is meant.

use std::io;

use anyhow::Context;

use super::output;

/// Whether the answer is `yes`, in full.
pub fn yes(question: &str) -> anyhow::Result<bool> {
    output::hint(&format!("{question}\nType `yes` to go on:"))?;
    let mut typed = String::new();
    io::stdin().read_line(&mut typed).context("the answer cannot be read")?;
    Ok(typed.trim() == "yes")
}
