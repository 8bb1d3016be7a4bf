//! Reads keys where they lie and writes replacements there: bounded in time and in number, and never
//! over what somebody else has written.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use url::Url;
use zeroize::Zeroizing;

use crate::redact::ApiKey;

use super::error::PlaceError;
use super::key_ref::KeyRef;
use super::{env, file};

/// At most so many readings and writings at once.
const AT_ONCE: usize = 16;
/// The longest that one takes, waiting for its turn included.
const PATIENCE: Duration = Duration::from_secs(20);

/// All places.
#[derive(Debug)]
pub struct Places {
    turns: Arc<Semaphore>,
    #[cfg(feature = "aws")]
    aws: super::aws::Aws,
}

/// What lies in a place, as it was read. It has no printable form.
pub struct Lying {
    /// The text, as it is there: it need not be a key.
    pub text: Zeroizing<String>,
}

impl std::fmt::Debug for Lying {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lying(hidden)")
    }
}

impl Places {
    /// `aws_endpoint` is asked instead of AWS's own address, where one is given.
    pub fn new(aws_endpoint: Option<&Url>) -> Self {
        #[cfg(not(feature = "aws"))]
        let _ = aws_endpoint;
        Self {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            #[cfg(feature = "aws")]
            aws: super::aws::Aws::new(aws_endpoint),
        }
    }

    /// What lies there now.
    pub async fn read(&self, at: &KeyRef) -> Result<Lying, PlaceError> {
        let text = self.bounded(async |turn| match at {
            KeyRef::Env(name) => env::read(name),
            KeyRef::File(path) => {
                let path = path.clone();
                beside(turn, move || file::read(&path)).await
            }
            #[cfg(feature = "aws")]
            KeyRef::AwsSecret { arn, field } => self.aws.read(arn, field.as_deref()).await,
            #[cfg(not(feature = "aws"))]
            KeyRef::AwsSecret { .. } => Err(PlaceError::NotBuilt),
        });
        Ok(Lying { text: text.await? })
    }

    /// Writes `key` there, if what lies there is still what was read `before`.
    pub async fn write(&self, at: &KeyRef, before: &Lying, key: &ApiKey) -> Result<(), PlaceError> {
        self.bounded(async |turn| match at {
            KeyRef::Env(_) => Err(PlaceError::ReadOnly),
            KeyRef::File(path) => {
                let (path, before) = (path.clone(), before.text.clone());
                let text = Zeroizing::new(key.expose().to_owned());
                beside(turn, move || file::replace(&path, &before, &text)).await
            }
            #[cfg(feature = "aws")]
            KeyRef::AwsSecret { arn, field } => {
                self.aws.replace(arn, field.as_deref(), &before.text, key.expose()).await
            }
            #[cfg(not(feature = "aws"))]
            KeyRef::AwsSecret { .. } => Err(PlaceError::NotBuilt),
        })
        .await
    }

    async fn bounded<T>(
        &self,
        work: impl AsyncFnOnce(OwnedSemaphorePermit) -> Result<T, PlaceError>,
    ) -> Result<T, PlaceError> {
        let late = || PlaceError::Away(format!("no answer in {} seconds", PATIENCE.as_secs()));
        timeout(PATIENCE, async {
            let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| late())?;
            work(turn).await
        })
        .await
        .unwrap_or_else(|_| Err(late()))
    }
}

/// Work that keeps a thread waiting. Whoever gives up on it does not give its turn to another until
/// it ends: a file system that hangs takes no more threads than there are turns.
async fn beside<T: Send + 'static>(
    turn: OwnedSemaphorePermit,
    work: impl FnOnce() -> Result<T, PlaceError> + Send + 'static,
) -> Result<T, PlaceError> {
    let done = spawn_blocking(move || {
        let done = work();
        drop(turn);
        done
    });
    done.await.unwrap_or_else(|_| Err(PlaceError::Away("it ended by itself".to_owned())))
}
