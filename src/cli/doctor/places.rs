//! The places in which keys lie that do not lie here: whether keypulse can read them.

use crate::app::App;
use crate::config::CustodyMode;
use crate::custody::KeyRef;

use super::super::output;
use super::Check;

const NAME: &str = "key places";
/// So many places are looked at.
const SAMPLE: u32 = 20;

/// Whether the first of them can be read; nothing where there are none and none are expected.
pub async fn readable(app: &App) -> Vec<Check> {
    let (all, some) = match app.store.referred(SAMPLE).await {
        Ok(referred) => referred,
        Err(error) => return vec![Check::refused(NAME, &error)],
    };
    if all == 0 && app.config.custody.mode == CustodyMode::Keeper {
        return Vec::new();
    }
    let places = app.places();
    let (mut bad, mut unwritable) = (Vec::new(), 0_i64);
    for one in &some {
        let read = match KeyRef::parse(&one.key_ref) {
            Ok(at) => {
                unwritable += i64::from(!at.is_writable());
                places.read(&at).await.map(drop).map_err(|why| why.to_string())
            }
            Err(why) => Err(why.to_string()),
        };
        if let Err(why) = read {
            bad.push(format!("{} at {}: {why}", one.tenant, one.key_ref));
        }
    }
    let looked = output::many(i64::try_from(some.len()).unwrap_or(i64::MAX), "place");
    let mut checks = vec![match bad.first() {
        None => Check::ok(NAME, format!("{looked} of {all} looked at, all readable from here")),
        Some(first) => Check::problem(
            NAME,
            format!("{} of {looked} cannot be read from here, the first: {first}", bad.len()),
            "give keypulse the right to read there, or import the tenants with the right `key_ref`",
        ),
    }];
    if unwritable > 0 {
        checks.push(Check::warning(
            NAME,
            format!("{unwritable} of {looked} in the environment: a replacement is refused"),
            "where keypulse shall replace keys, let them lie in files or in AWS Secrets Manager",
        ));
    }
    checks
}
