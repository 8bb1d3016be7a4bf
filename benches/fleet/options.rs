//! What is measured, and how large.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::bail;

const HELP: &str = "\
scripts/bench [--quick] [--only saturation|paced|million]... [--json FILE]

  --quick      small sizes, about a minute: shows that everything runs and is counted right;
               the figures mean little
  --only PART  this part only; may be repeated
  --json FILE  writes the figures as JSON to FILE as well

Run it on a machine that does nothing else.";

/// What was asked for.
#[derive(Debug, Default)]
pub struct Options {
    pub quick: bool,
    only: Vec<String>,
    pub json: Option<PathBuf>,
}

/// How large the parts are.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Tenants at saturation: more than can be asked in a second.
    pub saturated: u32,
    /// Times that both are measured, in turn.
    pub rounds: u32,
    /// Seconds of one measurement.
    pub seconds: u64,
    pub paced: Pace,
    pub million: Option<Pace>,
}

/// A fleet that is asked within its interval.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pub tenants: u32,
    /// Seconds between two checks of a tenant.
    pub interval: u64,
    /// Seconds that are measured, from the first call on.
    pub seconds: u64,
    /// Whether the bare client is measured at the same pace.
    pub beside: bool,
}

impl Options {
    pub fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == part)
    }

    pub fn sizes(&self) -> Sizes {
        if self.quick {
            return Sizes {
                saturated: 60_000,
                rounds: 1,
                seconds: 4,
                paced: Pace { tenants: 2_000, interval: 12, seconds: 13, beside: true },
                million: None,
            };
        }
        Sizes {
            saturated: 60_000,
            rounds: 5,
            seconds: 10,
            paced: Pace { tenants: 10_000, interval: 60, seconds: 118, beside: true },
            million: Some(Pace { tenants: 1_000_000, interval: 900, seconds: 60, beside: false }),
        }
    }
}

/// Reads the arguments; `None` when only help was wanted.
pub fn read(args: impl Iterator<Item = OsString>) -> anyhow::Result<Option<Options>> {
    let mut options = Options::default();
    let mut args = args;
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("--quick") => options.quick = true,
            Some("--only") => match args.next().as_deref().and_then(|part| part.to_str()) {
                Some(part @ ("saturation" | "paced" | "million")) => options.only.push(part.into()),
                _ => bail!("--only takes saturation, paced or million"),
            },
            Some("--json") => match args.next() {
                Some(path) => options.json = Some(path.into()),
                None => bail!("--json takes a file"),
            },
            Some("-h" | "--help") => {
                println!("{HELP}");
                return Ok(None);
            }
            _ => bail!("unknown argument {}; see --help", arg.display()),
        }
    }
    Ok(Some(options))
}
