//! How a status looks: one sign and one colour for each, and its word as people read it. The same
//! everywhere.

use crate::plain::symbol;
pub use crate::plain::words;

/// The sign, in its colour where colours are wanted.
pub fn sign(word: &str, colour: bool) -> String {
    if colour {
        format!("\u{1b}[{}m{}\u{1b}[0m", code(word), symbol(word))
    } else {
        symbol(word).to_string()
    }
}

/// The code of the colour of a status.
fn code(word: &str) -> u8 {
    match word {
        "pending" => 36,
        "healthy" => 32,
        "degraded" => 33,
        "needs_reconnection" => 31,
        "paused" => 34,
        _ => 90,
    }
}

/// Whether standard output wants colours.
pub fn coloured() -> bool {
    std::io::IsTerminal::is_terminal(&std::io::stdout()) && std::env::var_os("NO_COLOR").is_none()
}
