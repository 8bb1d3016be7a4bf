//! Parses the command line, runs one command, and turns its end into an exit code.

use std::io::Write;
use std::process::ExitCode;

use keypulse::cli::Cli;
use keypulse::redact::chain;

fn main() -> ExitCode {
    let cli = Cli::typed();
    // One crypto provider for TLS and sealing; it can be chosen only once.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("the runtime cannot be started: {error}")),
    };
    match runtime.block_on(cli.run()) {
        Ok(code) => code,
        Err(error) => fail(&chain(error.as_ref())),
    }
}

fn fail(why: &str) -> ExitCode {
    // With standard error gone there is nobody left to tell.
    let _ = writeln!(std::io::stderr(), "keypulse: {why}");
    ExitCode::FAILURE
}
