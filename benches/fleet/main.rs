//! Measures the shipped daemon beside a bare HTTP client that makes the same calls, in one run.
//!
//! Nothing in the daemon knows that it is measured: it is the built program with a configuration.
//! Every figure of it is checked afterwards against what the provider counted and the store keeps.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is what it is for")]

mod bare;
mod daemon;
mod options;
mod paced;
mod process;
mod provider;
mod report;
mod saturated;
mod store;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use report::Report;

fn main() -> ExitCode {
    // Both clients are told which one to use, although nothing here speaks TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(run()),
        Err(error) => Err(error.into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    // A process of its own, so that its CPU time is its own too.
    if let Some(job) = bare::Job::from_environment()? {
        return bare::run(&job).await;
    }
    let Some(options) = options::read(std::env::args_os().skip(1))? else { return Ok(()) };
    let sizes = options.sizes();
    let folder = tempfile::Builder::new().prefix("keypulse-bench-").tempdir()?;
    let mut report = Report::new(&options);
    if options.wants("saturation") {
        report.saturation = Some(saturated::run(folder.path(), &sizes).await?);
    }
    if options.wants("paced") {
        report.paced.push(paced::run(folder.path(), sizes.paced).await?);
    }
    if let Some(million) = sizes.million.filter(|_| options.wants("million")) {
        report.paced.push(paced::run(folder.path(), million).await?);
    }
    report.print();
    if let Some(path) = &options.json {
        write(path, &report.json()?)?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}
