//! Keys in AWS Secrets Manager, by AWS's own SDK. Its errors print the bodies of answers, so nothing
//! but their code gets out of here.

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::Region;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use tokio::sync::OnceCell;
use url::Url;
use zeroize::Zeroizing;

use crate::ids::random_name;

use super::error::{PlaceError, What};
use super::field;
use super::key_ref::region;

/// The longest that a connection, and one question with all its repetitions, may take.
const CONNECT: Duration = Duration::from_secs(3);
const ANSWER: Duration = Duration::from_secs(8);
/// A secret that others keep changing is tried so often.
const TRIES: u32 = 8;
/// The label of the version that is current.
const CURRENT: &str = "AWSCURRENT";
/// The label of the version that keypulse wrote last. It becomes the current one by a second
/// question, which AWS refuses when another version has become it in between.
const OURS: &str = "KEYPULSE";

/// AWS Secrets Manager. Credentials are found the first time that a key lies there.
#[derive(Debug)]
pub(super) struct Aws {
    endpoint: Option<String>,
    client: OnceCell<Client>,
}

/// A version of a secret.
struct Version {
    id: String,
    text: Zeroizing<String>,
}

impl Aws {
    pub(super) fn new(endpoint: Option<&Url>) -> Self {
        Self { endpoint: endpoint.map(Url::to_string), client: OnceCell::new() }
    }

    pub(super) async fn read(
        &self,
        arn: &str,
        name: Option<&str>,
    ) -> Result<Zeroizing<String>, PlaceError> {
        value(&self.current(arn).await?.text, name)
    }

    /// Puts `text` in the place of `before`, and nothing in the place of anything else: what others
    /// have written into other fields meanwhile is kept.
    pub(super) async fn replace(
        &self,
        arn: &str,
        name: Option<&str>,
        before: &str,
        text: &str,
    ) -> Result<(), PlaceError> {
        let client = self.client(arn).await;
        let there = region_of(arn);
        for _ in 0..TRIES {
            let present = self.current(arn).await?;
            if value(&present.text, name)?.as_str() != before {
                return Err(PlaceError::Changed);
            }
            let whole = match name {
                Some(name) => field::replaced(&present.text, name, text)?,
                None => Zeroizing::new(text.to_owned()),
            };
            // A question that is repeated after a lost answer makes no second version.
            let token = random_name().map_err(|error| PlaceError::Away(error.to_string()))?;
            let put = client.put_secret_value().secret_id(arn).secret_string(whole.as_str());
            let put = put.client_request_token(&token).version_stages(OURS);
            let put = put.customize().config_override(there.clone()).send().await;
            put.map_err(|error| failed(&error))?;
            let moved = client.update_secret_version_stage().secret_id(arn).version_stage(CURRENT);
            let moved = moved.move_to_version_id(&token).remove_from_version_id(&present.id);
            match moved.customize().config_override(there.clone()).send().await {
                Ok(_) => return Ok(()),
                Err(error) if error.code().is_some_and(is_overtaken) => {}
                Err(error) => return Err(failed(&error)),
            }
        }
        Err(PlaceError::Changed)
    }

    async fn current(&self, arn: &str) -> Result<Version, PlaceError> {
        let get = self.client(arn).await.get_secret_value().secret_id(arn).version_stage(CURRENT);
        let answer = get.customize().config_override(region_of(arn)).send().await;
        let answer = answer.map_err(|error| failed(&error))?;
        let id = answer.version_id().unwrap_or_default().to_owned();
        let text = answer.secret_string.map(Zeroizing::new);
        let text = text.ok_or(PlaceError::NoKey("the secret is not a text"))?;
        Ok(Version { id, text })
    }

    /// Regions and credentials are those of the environment; a question goes to the secret's own
    /// region.
    async fn client(&self, arn: &str) -> &Client {
        self.client
            .get_or_init(async || {
                let tls = Provider::Rustls(CryptoMode::Ring);
                let http = Builder::new().tls_provider(tls).build_https();
                let own = Region::new(region(arn).unwrap_or_default().to_owned());
                let environment = EnvironmentVariableRegionProvider::new();
                let timeouts = TimeoutConfig::builder()
                    .connect_timeout(CONNECT)
                    .operation_timeout(ANSWER)
                    .build();
                let found = aws_config::defaults(BehaviorVersion::latest())
                    .region(RegionProviderChain::first_try(environment).or_else(own))
                    .http_client(http)
                    .timeout_config(timeouts)
                    .retry_config(RetryConfig::standard().with_max_attempts(2))
                    .load()
                    .await;
                let mut chosen = config::Builder::from(&found);
                chosen.set_endpoint_url(self.endpoint.clone());
                Client::from_conf(chosen.build())
            })
            .await
    }
}

fn region_of(arn: &str) -> config::Builder {
    config::Builder::new().region(region(arn).map(|name| Region::new(name.to_owned())))
}

fn value(secret: &str, name: Option<&str>) -> Result<Zeroizing<String>, PlaceError> {
    match name {
        Some(name) => field::read(secret, name),
        None => Ok(Zeroizing::new(secret.to_owned())),
    }
}

/// What AWS says when the version that was current is not current any more.
fn is_overtaken(code: &str) -> bool {
    matches!(code, "InvalidParameterException" | "InvalidRequestException")
}

fn failed<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> PlaceError {
    let code = error.code().filter(|code| code.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    match (error, code) {
        (_, Some("ResourceNotFoundException")) => PlaceError::Missing(What::Secret),
        (
            _,
            Some(
                code @ ("AccessDeniedException"
                | "UnrecognizedClientException"
                | "InvalidSignatureException"
                | "ExpiredTokenException"
                | "DecryptionFailure"
                | "InvalidClientTokenId"
                | "InvalidRequestException"
                | "InvalidParameterException"),
            ),
        ) => PlaceError::Denied(code.to_owned()),
        (_, Some(code)) => PlaceError::Away(code.to_owned()),
        (SdkError::TimeoutError(_), None) => PlaceError::Away("no answer in time".to_owned()),
        (SdkError::ConstructionFailure(_), None) => {
            PlaceError::Denied("the question could not be made: no credentials?".to_owned())
        }
        (SdkError::DispatchFailure(why), None) if why.is_timeout() => {
            PlaceError::Away("no answer in time".to_owned())
        }
        (SdkError::DispatchFailure(why), None) if why.is_io() => {
            PlaceError::Away("no connection".to_owned())
        }
        (SdkError::DispatchFailure(_), None) => {
            PlaceError::Away("nothing was sent: no connection, or no credentials".to_owned())
        }
        (_, None) => PlaceError::Away("an answer that says nothing".to_owned()),
    }
}
