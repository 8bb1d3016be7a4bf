//! `keypulse tenant`

mod add;
mod care;
mod check;
mod compared;
pub mod contact;
mod erase;
mod link;
mod rebind;
mod replace;
mod show;
mod withdraw;

use std::process::ExitCode;

use anyhow::bail;
use chrono::{DateTime, TimeDelta, Utc};
use clap::Subcommand;

use crate::app::{Access, App};
use crate::config::CustodyMode;
use crate::given;

use super::import;
pub use show::found;

/// What to do with tenants.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a tenant. Its key is read from standard input, or from a file.
    #[command(
        after_help = "Without --company the key is asked whose it is, once, and you confirm the \
        company that is shown: at a terminal by typing it, elsewhere by giving --company.\n\n\
        Examples:\n  \
        keypulse tenant add erp-483 --company 0b7c…  (asks for the key, does not show it)\n  \
        keypulse tenant add erp-483 --company 0b7c… < key.txt"
    )]
    Add(add::Options),
    /// Replace the key of a tenant, whatever its status. The new key is tried first; one that is not
    /// taken changes nothing. It is read from standard input, or from a file.
    #[command(
        after_help = "Exit codes: 0 the key is accepted; 3 it is refused; 4 it could not be \
        tested now, try again; 1 anything else. Unless it is 0, nothing has changed.\n\n\
        Examples:\n  \
        keypulse tenant replace erp-483  (asks for the key, does not show it)\n  \
        keypulse tenant replace erp-483 --json < key.txt"
    )]
    Replace(replace::Options),
    /// Print a link by which a tenant's customer gives a new key, list those there are, take them back,
    /// or find whose one is.
    #[command(after_help = "Examples:\n  \
        keypulse tenant link erp-483\n  \
        keypulse tenant link erp-483 --revoke\n  \
        keypulse tenant link --find 1a2b3c4d")]
    Link(link::LinkOptions),
    /// Print a link by which somebody becomes a tenant: by giving a key that works.
    #[command(
        after_help = "Without --company the customer is shown whose the key is and has to say \
        yes before anything is connected.\n\nExamples:\n  \
        keypulse tenant invite erp-483 --name \"Fjord A/S\" --contact b@fjord.example --locale da\n  \
        keypulse tenant invite erp-483 --revoke"
    )]
    Invite(link::InviteOptions),
    /// Bind a tenant to another company. Its key stays only if the provider accepts it for that one.
    ///
    /// Customers cannot do this: a key of another company is refused wherever one is taken. The
    /// integration is owed word of it, and the audit chain keeps who did it and why.
    #[command(after_help = "Examples:\n  \
        keypulse tenant rebind erp-483 --company 0b7c… --reason \"sold to Nordlys, ticket 4711\"")]
    Rebind(rebind::Options),
    /// Show one tenant.
    Show {
        /// Your own name for the tenant.
        #[arg(value_name = "REF")]
        reference: String,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Add many tenants from CSV or JSON Lines, or bring what is known of them up to date.
    #[command(after_help = "See docs/IMPORT.md for the columns. The same file can be given again \
        and again: what stands there already stays as it is.")]
    Import(import::Options),
    /// List tenants in the order of their references.
    List(show::Filter),
    /// Stop asking about a tenant, until a time or until it is resumed. Nobody is told of it
    /// meanwhile.
    Pause {
        /// Your own name for the tenant.
        #[arg(value_name = "REF")]
        reference: String,
        /// When to go on: 2027-01-31 (its end, UTC) or RFC 3339.
        #[arg(long, value_name = "TIME", value_parser = given::moment)]
        until: Option<DateTime<Utc>>,
        /// How long to stop: 90m, 12h, 3d.
        #[arg(long = "for", value_name = "DURATION", value_parser = given::span,
            conflicts_with = "until")]
        span: Option<TimeDelta>,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Go on asking about a tenant that was paused; it is asked at once.
    Resume {
        /// Your own name for the tenant.
        #[arg(value_name = "REF")]
        reference: String,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Stop using the key of a tenant at once, because it may have leaked.
    ///
    /// Within 5 seconds no keypulse on this database starts a call with it, and calls under way are
    /// dropped. The stored key is destroyed, and never accepted again, for no tenant. There is no
    /// way back: the tenant stays disabled until it has a new key. Only deleting the key at the
    /// provider ends its power; that stays an open point until `tenant confirm-deleted`.
    Disable {
        /// Your own name for the tenant.
        #[arg(value_name = "REF")]
        reference: String,
        /// The key may have leaked. The only reason there is.
        #[arg(long, required = true)]
        compromised: bool,
        /// What happened, in a few words. Never the key.
        #[arg(long, value_name = "TEXT", value_parser = given::remark)]
        reason: Option<String>,
        /// Do not ask whether it is meant.
        #[arg(long)]
        yes: bool,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Note that somebody has deleted the withdrawn keys of a tenant at the provider. keypulse
    /// cannot see that by itself.
    ConfirmDeleted {
        /// Your own name for the tenant.
        #[arg(value_name = "REF")]
        reference: String,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Forget a tenant: name, contact, labels, key, messages, and what is personal in the audit chain.
    ///
    /// What stays names nobody: that there was a tenant of a random id and what was done to it, and the
    /// keyed fingerprints of withdrawn keys, which are never accepted again. Refused while a key that
    /// may have leaked is not confirmed to be deleted at the provider.
    Erase {
        /// Your own name for the tenant.
        #[arg(value_name = "REF")]
        reference: String,
        /// Do not ask whether it is meant.
        #[arg(long)]
        yes: bool,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Set or remove labels of a tenant.
    Label {
        /// Your own name for the tenant.
        #[arg(value_name = "REF")]
        reference: String,
        /// Labels to set: name=value, or a bare name.
        #[arg(value_name = "NAME=VALUE", value_parser = given::label,
            required_unless_present = "remove")]
        set: Vec<(String, String)>,
        /// The name of a label to remove; may be given several times.
        #[arg(long, value_name = "NAME")]
        remove: Vec<String>,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Show whom a tenant's mail goes to, in their order; add or remove somebody.
    #[command(
        after_help = "The first whose address works is written to, the next only once that one \
        is refused for good.\n\nExamples:\n  keypulse tenant contact erp-483\n  \
        keypulse tenant contact erp-483 --add b@fjord.example --role finance\n  \
        keypulse tenant contact erp-483 --trust b@fjord.example"
    )]
    Contact(contact::Options),
    /// Ask the provider about one tenant now. It counts like any other check.
    Check {
        /// Your own name for the tenant.
        #[arg(value_name = "REF")]
        reference: String,
        /// As one JSON document.
        #[arg(long)]
        json: bool,
    },
}

/// Only adding the first tenants may make a database.
pub fn access(command: &Command) -> Access {
    match command {
        // A rehearsal writes nothing, so it makes nothing.
        Command::Import(options) if options.dry_run => Access::Look,
        Command::Add(_) | Command::Import(_) | Command::Invite(_) => Access::Make,
        Command::Show { .. }
        | Command::List(_)
        | Command::Pause { .. }
        | Command::Resume { .. }
        | Command::Disable { .. }
        | Command::ConfirmDeleted { .. }
        | Command::Erase { .. }
        | Command::Label { .. }
        | Command::Contact(_)
        | Command::Link(_)
        | Command::Rebind(_)
        | Command::Replace(_)
        | Command::Check { .. } => Access::Look,
    }
}

/// Whether the command changes what the audit chain tells of, without opening the keyring by itself.
pub fn is_chained(command: &Command) -> bool {
    match command {
        Command::Pause { .. }
        | Command::Resume { .. }
        | Command::Disable { .. }
        | Command::ConfirmDeleted { .. }
        | Command::Erase { .. }
        | Command::Label { .. } => true,
        Command::Contact(options) => options.changes(),
        Command::Add(_)
        | Command::Import(_)
        | Command::Invite(_)
        | Command::Link(_)
        | Command::Rebind(_)
        | Command::Replace(_)
        | Command::Check { .. }
        | Command::Show { .. }
        | Command::List(_) => false,
    }
}

/// Runs the command on an open store.
pub async fn run(command: &Command, app: App) -> anyhow::Result<ExitCode> {
    let code = dispatch(command, &app).await;
    app.store.close().await?;
    code
}

async fn dispatch(command: &Command, app: &App) -> anyhow::Result<ExitCode> {
    match command {
        Command::Add(options) => return add::run(options, app).await,
        Command::Import(options) => return import::run(options, app).await,
        Command::Replace(options) => return replace::run(options, app).await,
        Command::Link(options) => link::link(options, app).await?,
        Command::Invite(options) => link::invite(options, app).await?,
        Command::Rebind(options) => rebind::run(options, app).await?,
        Command::Show { reference, json } => show::show(app, reference, *json).await?,
        Command::List(filter) => show::list(app, filter).await?,
        Command::Pause { reference, until, span, json } => {
            care::pause(app, reference, *until, *span, *json).await?;
        }
        Command::Resume { reference, json } => care::resume(app, reference, *json).await?,
        Command::Disable { reference, compromised: _, reason, yes, json } => {
            withdraw::disable(app, reference, reason.as_deref(), *yes, *json).await?;
        }
        Command::ConfirmDeleted { reference, json } => {
            withdraw::confirm_deleted(app, reference, *json).await?;
        }
        Command::Erase { reference, yes, json } => {
            erase::run(app, reference, *yes, *json).await?;
        }
        Command::Label { reference, set, remove, json } => {
            care::label(app, reference, set, remove, *json).await?;
        }
        Command::Contact(options) => contact::run(options, app).await?,
        Command::Check { reference, json } => check::run(app, reference, *json).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Where the integration is the master of the keys, it has them all.
pub fn no_hand_over(app: &App) -> anyhow::Result<()> {
    if app.config.custody.mode == CustodyMode::Mirror {
        bail!(
            "`--hand-over` is not for custody `mirror`: the integration is the master of the keys"
        );
    }
    Ok(())
}
