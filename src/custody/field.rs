//! One field of a secret that is a JSON object. The others are never taken apart: they are carried
//! over as they are written.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::{Zeroize, Zeroizing};

use super::error::{PlaceError, What};

const NO_OBJECT: PlaceError = PlaceError::NoKey("the secret is not a JSON object");

/// The text of that field.
pub(super) fn read(secret: &str, field: &str) -> Result<Zeroizing<String>, PlaceError> {
    let Fields(fields) = serde_json::from_str(secret).map_err(|_| NO_OBJECT)?;
    let (_, raw) = only(&fields, field)?;
    serde_json::from_str(raw.get())
        .map(Zeroizing::new)
        .map_err(|_| PlaceError::NoKey("the field is not a text"))
}

/// The same secret with `text` in that field.
pub(super) fn replaced(
    secret: &str,
    field: &str,
    text: &str,
) -> Result<Zeroizing<String>, PlaceError> {
    let Fields(fields) = serde_json::from_str(secret).map_err(|_| NO_OBJECT)?;
    only(&fields, field)?;
    // Room for all of it from the start, so that no copy is left behind by growing.
    let mut whole = Zeroizing::new(String::with_capacity(secret.len() * 2 + text.len() * 6 + 16));
    whole.push('{');
    for (at, (name, raw)) in fields.iter().enumerate() {
        if at > 0 {
            whole.push(',');
        }
        whole.push_str(&json(name)?);
        whole.push(':');
        if name == field {
            let mut value = json(text)?;
            whole.push_str(&value);
            value.zeroize();
        } else {
            whole.push_str(raw.get());
        }
    }
    whole.push('}');
    Ok(whole)
}

fn only<'f, 'a>(
    fields: &'f [(String, &'a RawValue)],
    field: &str,
) -> Result<&'f (String, &'a RawValue), PlaceError> {
    let mut named = fields.iter().filter(|(name, _)| name == field);
    let first = named.next().ok_or(PlaceError::Missing(What::Field))?;
    match named.next() {
        None => Ok(first),
        Some(_) => Err(PlaceError::NoKey("the secret has the field twice")),
    }
}

fn json(text: &str) -> Result<String, PlaceError> {
    serde_json::to_string(text).map_err(|_| PlaceError::NoKey("it is not text"))
}

/// The fields of an object in their order, each as it is written.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                if fields.is_empty() { Err(A::Error::custom("empty")) } else { Ok(Fields(fields)) }
            }
        }
        from.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_fields_stay_to_the_letter_and_in_their_order() {
        let secret = r#"{ "z": [1, 2.50, {"a":null}], "key": "first", "ä\u0022": "\u00e4 \"x\"", "n": 1e400 }"#;
        assert_eq!(read(secret, "key").unwrap().as_str(), "first");
        let after = replaced(secret, "key", "se\"cond").unwrap();
        assert_eq!(
            after.as_str(),
            r#"{"z":[1, 2.50, {"a":null}],"key":"se\"cond","ä\"":"\u00e4 \"x\"","n":1e400}"#
        );
        assert_eq!(read(&after, "key").unwrap().as_str(), "se\"cond");
    }

    #[test]
    fn what_is_no_text_in_one_field_of_an_object_is_refused() {
        for (secret, why) in [
            ("", NO_OBJECT),
            ("first", NO_OBJECT),
            ("[\"key\"]", NO_OBJECT),
            ("{}", NO_OBJECT),
            ("{\"other\":\"first\"}", PlaceError::Missing(What::Field)),
            ("{\"key\":1}", PlaceError::NoKey("the field is not a text")),
            ("{\"key\":\"a\",\"key\":\"b\"}", PlaceError::NoKey("the secret has the field twice")),
        ] {
            assert_eq!(read(secret, "key"), Err(why), "{secret}");
        }
        assert!(replaced("{\"other\":1}", "key", "x").is_err());
    }
}
