//! What lettre gives back for an answer, in our own words.

use std::error::Error;

use lettre::transport::smtp;
use lettre::transport::smtp::response::Response;

use super::outcome::Why;
use super::reply::Reply;

/// An answer is a yes only by its code: lettre takes 3xx for one as well.
pub fn wanted(answer: Result<Response, smtp::Error>, codes: &[u16]) -> Result<(), Why> {
    match answer {
        Ok(answer) if codes.iter().any(|code| answer.has_code(*code)) => Ok(()),
        Ok(_) => Err(Why::Nonsense),
        Err(error) => Err(why(&error)),
    }
}

/// What lettre's error means. Of its words only a code at their beginning is looked at.
pub fn why(error: &smtp::Error) -> Why {
    if let Some(code) = error.status() {
        let text = error.source().map(ToString::to_string).unwrap_or_default();
        return Why::Reply(Reply::new(code.into(), &text));
    }
    let text = error.source().map(ToString::to_string).unwrap_or_default();
    match text.as_str() {
        // The connection ended where an answer was to come.
        "incomplete response" => Why::Broken,
        _ if error.is_response() => Why::Nonsense,
        _ => Why::Broken,
    }
}
