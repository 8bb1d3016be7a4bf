//! How a template says a text of the reader's language: `say('page-wait', time=wait)`.

use minijinja::value::Kwargs;
use minijinja::{Error, ErrorKind, Value};

use crate::words::{Arg, Tongue};

/// The function of that name, in one language.
pub fn say(tongue: &Tongue) -> Value {
    let tongue = tongue.clone();
    Value::from_function(move |id: &str, values: Kwargs| said(&tongue, id, &values))
}

fn said(tongue: &Tongue, id: &str, values: &Kwargs) -> Result<String, Error> {
    let names: Vec<&str> = values.args().collect();
    let mut texts = Vec::with_capacity(names.len());
    for name in &names {
        let value: Value = values.get(name)?;
        let text = value.as_str().map(str::to_owned);
        let text = text.ok_or_else(|| {
            let why = format!("say() takes texts, and `{name}` is none");
            Error::new(ErrorKind::InvalidOperation, why)
        })?;
        texts.push(text);
    }
    let args: Vec<_> =
        names.iter().zip(&texts).map(|(name, text)| (*name, Arg::Text(text))).collect();
    Ok(tongue.say(id, &args))
}
