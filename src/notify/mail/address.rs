//! An address as it goes into a conversation: checked once, at the edge.

use std::fmt;

use url::Host;

/// An address that can be written to. It has no printable form.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(lettre::Address);

/// The text is no address that keypulse writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no mail address of the form `name@example.com`")]
pub struct NoAddress;

impl Address {
    /// Reads an address. A domain in other letters becomes what the DNS has for it; quoted names,
    /// comments and address literals are refused, though RFC 5321 has them: nobody who uses one has
    /// been seen, and each of them is a way to say something else.
    pub fn read(text: &str) -> Result<Self, NoAddress> {
        let strange = |c: char| {
            c.is_whitespace()
                || c.is_control()
                || matches!(c, '<' | '>' | '(' | ')' | ',' | ':' | ';' | '"' | '\\' | '[' | ']')
        };
        let (user, domain) = text.split_once('@').ok_or(NoAddress)?;
        if text.len() > 254 || user.len() > 64 || text.contains(strange) || domain.contains('@') {
            return Err(NoAddress);
        }
        let Ok(Host::Domain(domain)) = Host::parse(domain) else { return Err(NoAddress) };
        lettre::Address::new(user, domain).map(Self).map_err(|_| NoAddress)
    }

    /// Its domain, in the letters of the DNS.
    pub fn domain(&self) -> &str {
        self.0.domain()
    }

    /// Whether any relay can carry it.
    pub(super) fn is_ascii(&self) -> bool {
        self.0.user().is_ascii()
    }

    pub(super) fn inner(&self) -> lettre::Address {
        self.0.clone()
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_say_something_else_than_an_address_is_none() {
        for good in ["a@b.example", "anna.o'hara+keys@b.example", "ø@b.example"] {
            assert!(Address::read(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a",
            "@b.example",
            "a@",
            "a@b@c.example",
            "a b@c.example",
            "a@b.example\r\nRCPT TO:<c@d.example>",
            "a@b.example>\r\n",
            "<a@b.example>",
            "\"a\"@b.example",
            "a(comment)@b.example",
            "a@b.example,c@d.example",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "a@b.example\0",
            "a\u{2028}@b.example",
        ] {
            assert_eq!(Address::read(bad), Err(NoAddress), "{bad:?}");
        }
        assert!(Address::read(&format!("{}@b.example", "a".repeat(65))).is_err());
    }

    #[test]
    fn a_domain_is_carried_in_the_letters_of_the_dns() {
        let address = Address::read("anna@blåbær.example").unwrap();
        assert_eq!((address.domain(), address.is_ascii()), ("xn--blbr-roah.example", true));
        assert_eq!(format!("{address:?}"), "Address(hidden)");
    }
}
