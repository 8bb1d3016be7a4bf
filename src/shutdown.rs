//! The end of the process, in two stages: soft (take nothing new), hard (drop what is left); and
//! a third word that waits for nothing.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The exit code of a process that was told to end three times.
const AT_ONCE: i32 = 130;

/// The two stages. Cheap to clone; all clones end together.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    soft: CancellationToken,
    hard: CancellationToken,
}

impl Shutdown {
    /// A process that is to go on.
    pub fn new() -> Self {
        Self::default()
    }

    /// Listens for SIGTERM and SIGINT from now on: the first begins the soft stage, the second
    /// the hard one. The third ends the process where it stands, with exit code 130: a database
    /// that does not answer must not keep anybody waiting who has asked three times.
    pub fn on_signals(&self) -> io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let shutdown = self.clone();
        tokio::spawn(async move {
            for stage in [Self::begin, Self::end] {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                stage(&shutdown);
            }
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            std::process::exit(AT_ONCE);
        });
        Ok(())
    }

    /// Begins the soft stage.
    pub fn begin(&self) {
        self.soft.cancel();
    }

    /// Begins the hard stage, and the soft one if it had not begun.
    pub fn end(&self) {
        self.soft.cancel();
        self.hard.cancel();
    }

    /// Waits for the soft stage.
    pub async fn begun(&self) {
        self.soft.cancelled().await;
    }

    /// Whether the soft stage has begun.
    pub fn has_begun(&self) -> bool {
        self.soft.is_cancelled()
    }

    /// Waits for the hard stage.
    pub async fn ended(&self) {
        self.hard.cancelled().await;
    }
}
