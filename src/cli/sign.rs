//! How a status looks: one sign and one colour for each, and its word as people read it. The same
//! everywhere.

/// The sign of a status and the code of its colour.
pub fn symbol(word: &str) -> (char, u8) {
    match word {
        "pending" => ('○', 36),
        "healthy" => ('●', 32),
        "degraded" => ('▲', 33),
        "needs_reconnection" => ('✖', 31),
        "paused" => ('‖', 34),
        _ => ('⊘', 90),
    }
}

/// The sign, in its colour where colours are wanted.
pub fn sign(word: &str, colour: bool) -> String {
    match symbol(word) {
        (sign, code) if colour => format!("\u{1b}[{code}m{sign}\u{1b}[0m"),
        (sign, _) => sign.to_string(),
    }
}

/// A word as people read it.
pub fn words(word: &str) -> String {
    word.replace('_', " ")
}

/// Whether standard output wants colours.
pub fn coloured() -> bool {
    std::io::IsTerminal::is_terminal(&std::io::stdout()) && std::env::var_os("NO_COLOR").is_none()
}
