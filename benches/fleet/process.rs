//! A process that is measured: what it costs the machine, by the kernel's own account.

use std::fs::read_to_string;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::time::{Instant, sleep};

/// A child; killed when dropped.
pub struct Process {
    name: &'static str,
    child: Child,
}

/// The program that is measured: it was built with this one and lies beside it.
pub fn keypulse() -> anyhow::Result<Command> {
    let program = std::env::current_exe()?.with_file_name("keypulse");
    anyhow::ensure!(program.is_file(), "{} is not there: run scripts/bench", program.display());
    Ok(Command::new(program))
}

/// Clock ticks a second in /proc; fixed in the kernel's interface to user space.
const TICKS: f64 = 100.0;
const PATIENCE: Duration = Duration::from_mins(1);

impl Process {
    /// Starts it; what it says on standard error is shown.
    pub fn start(name: &'static str, command: &mut Command) -> anyhow::Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("{name} cannot be started"))?;
        Ok(Self { name, child })
    }

    /// CPU seconds so far, in user space and in the kernel, of all its threads.
    pub fn cpu(&self) -> anyhow::Result<f64> {
        let stat = self.proc("stat")?;
        // After the name in parentheses, which may hold anything: fields 3 and on.
        let rest = stat.rsplit_once(") ").context("no such /proc/PID/stat")?.1;
        let field = |at: usize| -> anyhow::Result<f64> {
            Ok(rest.split(' ').nth(at - 3).context("a short /proc/PID/stat")?.parse()?)
        };
        Ok((field(14)? + field(15)?) / TICKS)
    }

    /// Resident memory now and the most there ever was, in MiB.
    pub fn memory(&self) -> anyhow::Result<(f64, f64)> {
        let status = self.proc("status")?;
        let field = |name: &str| -> anyhow::Result<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.split_whitespace().next());
            Ok(kib.with_context(|| format!("no {name}"))?.parse::<f64>()? / 1024.0)
        };
        Ok((field("VmRSS:")?, field("VmHWM:")?))
    }

    /// Whether it still runs; an error when it has ended.
    pub fn alive(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended too early: {status}", self.name),
        }
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait()? {
                anyhow::ensure!(status.success(), "{} ended with {status}", self.name);
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < deadline, "{} does not end", self.name);
            sleep(Duration::from_millis(20)).await;
        }
    }

    fn proc(&self, file: &str) -> anyhow::Result<String> {
        let path = format!("/proc/{}/{file}", self.child.id());
        read_to_string(&path).with_context(|| format!("{} has no {path}", self.name))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
