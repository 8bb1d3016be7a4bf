//! Whose a key is that somebody offers for a tenant of which no company was given: to be shown to a
//! person, who confirms it before anything is stored.

use std::time::Duration;

use tokio::time::Instant;

use crate::health::CompanyId;
use crate::health::Scopes;
use crate::provider;
use crate::provider::Call;
use crate::provider::CallKind;
use crate::provider::Examination;
use crate::provider::Expected;
use crate::provider::Refusal;
use crate::provider::Subject;
use crate::provider::format;
use crate::redact::ApiKey;
use crate::shutdown::Shutdown;
use crate::store::Bearer;

use super::budget::Caller;
use super::check::Checker;
use super::enter::EnterError;

/// A name is not waited for longer than this.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is known of the owner of a key. Nothing was stored.
#[derive(Debug)]
pub enum Whose {
    /// It is this company's, and may do all that is required.
    Company {
        /// The company.
        company: CompanyId,
        /// The name that people know it by, where the key may read it.
        name: Option<String>,
        /// What people may see of the key.
        masked: String,
        /// The client that it was made for, where the provider says.
        client: Option<String>,
        /// What it may do, where the provider says.
        scopes: Option<Scopes>,
    },
    /// It would not be taken, or it cannot be said whose it is.
    Refused(Refusal),
}

impl Checker {
    /// Asks the provider whose key this is: one call, or two for its name, ahead of routine in the budget.
    #[tracing::instrument(name = "key.whose", level = "debug", skip_all)]
    pub async fn whose(
        &self,
        pasted: &str,
        required: &Scopes,
        shutdown: &Shutdown,
    ) -> Result<Whose, EnterError> {
        let formed = match format::judge(pasted, &self.profile.key.prefixes) {
            Ok(formed) => formed,
            Err(why) => return Ok(Whose::Refused(why.into())),
        };
        let fingerprint = self.keyring.held().fingerprint(&formed.key);
        match self.store.bearer(fingerprint.as_bytes()).await? {
            Bearer::Nobody => {}
            Bearer::Tenant(_) => return Ok(Whose::Refused(Refusal::KeyOfAnotherTenant)),
            Bearer::Withdrawn => return Ok(Whose::Refused(Refusal::WithdrawnKey)),
        }
        let client = self.client_id.as_deref();
        let expected = Expected { company: None, client, required };
        let examination = Examination::of_unknown(&self.profile, expected);
        let Some(tried) = self.quarantine(examination, &formed.key, shutdown).await? else {
            return Ok(Whose::Refused(Refusal::TooBusy));
        };
        if let Some(refusal) = Refusal::of_finding(&tried.finding, false) {
            return Ok(Whose::Refused(refusal));
        }
        Ok(match tried.seen.map(|seen| (seen.subject, seen.client, seen.scopes)) {
            Some((Subject::Company(company), client, scopes)) => {
                let name = self.name_of(&company, scopes.as_ref(), &formed.key).await;
                Whose::Company { company, name, masked: formed.key.masked(), client, scopes }
            }
            Some((Subject::Organisation, ..)) | None => Whose::Refused(Refusal::CompanyNotSaid),
        })
    }

    /// What people call a company, for whoever has to recognise it: one more call, where the key may
    /// make it. Without a name its id has to do.
    async fn name_of(
        &self,
        company: &CompanyId,
        granted: Option<&Scopes>,
        key: &ApiKey,
    ) -> Option<String> {
        let asked = self.profile.company.as_ref().filter(|call| !call.name.is_empty())?;
        let needs: Scopes = asked.needs.iter().cloned().collect();
        if granted.is_some_and(|granted| !needs.missing_from(granted).is_empty()) {
            return None;
        }
        self.may_call(Caller::Entry, Instant::now() + PATIENCE, None).await?;
        let path = asked.path.replace("{company}", company.as_str()).into();
        let reply = self.call(&Call { kind: CallKind::Company, path }, key, self.clock.now()).await;
        self.heed(&reply).await;
        provider::company_name(asked, company, &reply)
    }
}
