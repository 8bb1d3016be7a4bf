//! A mail as it is written down: one recipient, plain text and HTML beside each other. Nothing that
//! people wrote can become a header, a line of its own there, or a second recipient.

use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, MultiPart, SinglePart};

use super::{Address, Parcel};

/// The most characters of a header that people wrote.
const LONGEST: usize = 300;

/// What all letters have in common.
pub struct Letter {
    from: Mailbox,
    sender: Address,
    reply_to: Option<Mailbox>,
}

impl Letter {
    /// Letters of this sender.
    pub fn new(
        (name, sender): (Option<String>, Address),
        reply_to: Option<(Option<String>, Address)>,
    ) -> Self {
        let mailbox = |name: Option<String>, address: &Address| {
            let name = name.map(|name| one_line(&name)).filter(|name| !name.is_empty());
            Mailbox::new(name, address.inner())
        };
        let reply_to = reply_to.map(|(name, address)| mailbox(name, &address));
        Self { from: mailbox(name, &sender), sender, reply_to }
    }

    /// Who writes.
    pub fn from(&self) -> &Address {
        &self.sender
    }

    /// The letter as it is sent, without the dots that SMTP adds.
    pub fn write(&self, parcel: &Parcel<'_>, to: &Address) -> Option<Vec<u8>> {
        let id = format!("<{}@{}>", plain_id(parcel.id)?, self.sender.domain());
        let mut letter = lettre::Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to.inner()))
            .subject(one_line(parcel.subject))
            .date(parcel.at.into())
            .message_id(Some(id))
            // Nobody's holiday should answer, and nobody's holiday answer be answered.
            .raw_header(header("Auto-Submitted", "auto-generated")?)
            .raw_header(header("X-Auto-Response-Suppress", "All")?);
        if let Some(reply_to) = &self.reply_to {
            letter = letter.reply_to(reply_to.clone());
        }
        let language = parcel.language;
        if !language.is_empty() && language.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            letter = letter.raw_header(header("Content-Language", language)?);
        }
        let parts = MultiPart::alternative()
            .singlepart(part(ContentType::TEXT_PLAIN, parcel.text)?)
            .singlepart(part(ContentType::TEXT_HTML, parcel.html)?);
        Some(letter.multipart(parts).ok()?.formatted())
    }
}

/// An id that can be part of a header and the name of a file.
pub fn plain_id(id: &str) -> Option<&str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    ((1..=100).contains(&id.len()) && id.chars().all(fits)).then_some(id)
}

fn header(name: &str, value: &str) -> Option<HeaderValue> {
    let name = HeaderName::new_from_ascii(name.to_owned()).ok()?;
    Some(HeaderValue::new(name, value.to_owned()))
}

/// In quoted-printable whatever it says, so that every line is short and every byte survives every
/// relay.
fn part(kind: ContentType, text: &str) -> Option<SinglePart> {
    let encoding = ContentTransferEncoding::QuotedPrintable;
    let body = Body::new_with_encoding(text.to_owned(), encoding).ok()?;
    Some(SinglePart::builder().content_type(kind).body(body))
}

/// Text of a header: without line ends and what else is a control character, without what turns the
/// direction of writing, and not without end.
fn one_line(text: &str) -> String {
    let bidi = |c: char| matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let apart = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let kept = text.chars().filter(|c| !bidi(*c)).map(|c| if apart(c) { ' ' } else { c });
    let line: String = kept.take(LONGEST).collect();
    line.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn written(parcel: &Parcel<'_>) -> String {
        let from = Address::read("keys@acme.example").unwrap();
        let name = Some("Acme \"ERP\"\r\nBcc: x@y.example".to_owned());
        let letter = Letter::new((name, from), None);
        let to = Address::read("anna@fjord.example").unwrap();
        String::from_utf8(letter.write(parcel, &to).unwrap()).unwrap()
    }

    fn parcel<'a>() -> Parcel<'a> {
        Parcel {
            id: "m-1",
            to: "anna@fjord.example",
            subject: "Acme ERP cannot reach Pleo",
            text: "Hej",
            html: "<p>Hej</p>",
            at: DateTime::UNIX_EPOCH,
            language: "da",
        }
    }

    fn headers(letter: &str) -> Vec<String> {
        let head = letter.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
        head.split("\r\n").map(|line| line.split(':').next().unwrap().to_lowercase()).collect()
    }

    #[test]
    fn a_letter_has_these_headers_and_no_other() {
        let letter = written(&parcel());
        let mut found = headers(&letter);
        found.sort();
        assert_eq!(
            found,
            [
                "auto-submitted",
                "content-language",
                "content-type",
                "date",
                "from",
                "message-id",
                "mime-version",
                "subject",
                "to",
                "x-auto-response-suppress"
            ]
        );
        for line in [
            "Message-ID: <m-1@acme.example>\r\n",
            "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Content-Language: da\r\n",
        ] {
            assert!(letter.contains(line), "{line} is not in\n{letter}");
        }
        assert!(letter.find("text/plain").unwrap() < letter.find("text/html").unwrap());
    }

    #[test]
    fn nothing_that_people_wrote_becomes_a_header() {
        let plain = headers(&written(&parcel()));
        for subject in [
            "a\r\nBcc: x@y.example",
            "a\nBcc: x@y.example",
            "a\rBcc: x@y.example",
            "a\r\n\r\nBcc: x@y.example",
            "a\u{2028}Bcc: x@y.example",
            "Ærø\r\nBcc: x@y.example",
        ] {
            let letter = written(&Parcel { subject, language: "da\r\nBcc: x", ..parcel() });
            let found = headers(&letter);
            let allowed = |name: &String| plain.contains(name);
            assert!(found.iter().all(allowed), "{subject:?} became {found:?}");
        }
        for id in ["", "a b", "../x", "a@b", "a>\r\nBcc: x"] {
            assert_eq!(plain_id(id), None, "{id:?}");
        }
    }

    #[test]
    fn a_letter_is_plain_short_lines_whatever_it_says() {
        let text = format!("Kære Anna\n.\n..x\rQUIT\n{}\u{202e}", "long ".repeat(500));
        let letter = written(&Parcel { text: &text, subject: &"Ærø ".repeat(90), ..parcel() });
        assert!(letter.is_ascii());
        assert!(letter.split("\r\n").all(|line| line.len() <= 78 && !line.contains(['\r', '\n'])));
        assert!(!one_line("a\u{202e}b\u{2066}c").contains(['\u{202e}', '\u{2066}']));
    }
}
