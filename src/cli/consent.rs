//! Asks the person at the terminal.

use std::io;

use anyhow::Context;

use super::output;

/// Whether the answer is `yes`, in full.
pub fn yes(question: &str) -> anyhow::Result<bool> {
    Ok(typed(&format!("{question}\nType `yes` to go on:"))? == "yes")
}

/// What is typed after the question, without white space around it.
pub fn typed(question: &str) -> anyhow::Result<String> {
    output::hint(question)?;
    let mut typed = String::new();
    io::stdin().read_line(&mut typed).context("the answer cannot be read")?;
    Ok(typed.trim().to_owned())
}
