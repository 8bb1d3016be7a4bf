//! How a tenant's key stands to the one that the integration uses, as people read it.

use crate::app::App;
use crate::cli::{handover, output};
use crate::config::CustodyMode;
use crate::http::api::compared::{Compared, Setting};
use crate::store::TenantView;

/// What tenants are seen by, here and now.
pub fn setting(app: &App) -> Setting {
    Setting {
        now: app.clock.now(),
        late_before: handover::late_before(app),
        custody: app.config.custody.mode,
        reconnect_url: app.config.connect.reconnect_url.clone(),
    }
}

/// What is known of a tenant of a mirror, with what is to be done; nothing in any other custody.
pub async fn line(app: &App, view: &TenantView) -> anyhow::Result<Option<String>> {
    if app.config.custody.mode != CustodyMode::Mirror {
        return Ok(None);
    }
    let Some(compared) = Compared::of(&app.store, view, &setting(app)).await? else {
        return Ok(None);
    };
    let at = output::moment(compared.at);
    Ok(Some(match compared.outcome {
        "same" => format!("uses the same key, as compared {at}"),
        "differs" => format!(
            "uses another key, known since {at}; have it push that key, or give it with \
             `keypulse tenant replace {} --from-integration`",
            output::printable(&view.reference)
        ),
        _ if compared.at.is_some() => format!("not compared with the integration, tried {at}"),
        _ => "not compared with the integration".to_owned(),
    }))
}

/// The integration's own page on which a customer gives a new key.
pub fn reconnect_url(app: &App, reference: &str) -> Option<String> {
    setting(app).reconnect_url(reference)
}
