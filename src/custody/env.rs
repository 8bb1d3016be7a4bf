//! Keys in the environment of this process: read only.

use zeroize::Zeroizing;

use super::error::{PlaceError, What};

pub(super) fn read(name: &str) -> Result<Zeroizing<String>, PlaceError> {
    let value = std::env::var_os(name).ok_or(PlaceError::Missing(What::Variable))?;
    let text = value.into_string().map_err(|_| PlaceError::NoKey("it is not text"))?;
    Ok(Zeroizing::new(text))
}
