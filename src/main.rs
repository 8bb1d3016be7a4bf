//! Parses the command line, runs one command, and turns its end into an exit code.

fn main() {}
