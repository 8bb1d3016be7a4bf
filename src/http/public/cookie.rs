//! The link by which somebody came, as the browser holds it. The link itself leaves the address bar at once; a cookie
//! stands for it from then on, one for each link, so that two connections in two tabs are not mixed up.
//!
//! The cookie is no session: it holds the link and nothing else, and what the link may do is asked of
//! the store each time.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderValue, header};

use crate::http::listener::Peer;
use crate::store::KeptLink;
use crate::store::Store;
use crate::store::StoreError;
use crate::vault::LinkId;
use crate::vault::LinkToken;

/// How long a browser keeps the cookie after each page, in seconds: somebody may have to ask a
/// colleague, or make a key elsewhere first.
const KEPT: u32 = 4 * 60 * 60;
/// The longest header with cookies that is looked at.
const LONGEST: usize = 8 * 1024;

/// What the cookie of a link is called. Under TLS the name itself forbids other hosts to set it.
fn name(id: &LinkId, secure: bool) -> String {
    let prefix = if secure { "__Host-" } else { "" };
    format!("{prefix}kp-{}", &id.as_str()[..16])
}

/// The cookie that stands for a link.
pub fn of(id: &LinkId, token: &LinkToken, secure: bool) -> Option<HeaderValue> {
    let only = if secure { "; Secure" } else { "" };
    // Lax, not Strict: the page is reached by a link in a mail, and a form is checked by where it
    // comes from.
    let text = format!(
        "{}={}; Path=/; Max-Age={KEPT}; HttpOnly; SameSite=Lax{only}",
        name(id, secure),
        token.shown()
    );
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The token that the browser has for that link.
pub fn token(headers: &HeaderMap, id: &LinkId, secure: bool) -> Option<LinkToken> {
    let wanted = name(id, secure);
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.filter(|line| line.len() <= LONGEST).flat_map(|line| line.split(';'));
    let found = pairs.find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == wanted).then_some(value)
    });
    let (named, token) = LinkToken::parse(found?)?;
    (named == *id).then_some(token)
}

/// The link that somebody came by, where they have it and it is kept.
pub async fn link(
    store: &Store,
    id: &LinkId,
    token: &LinkToken,
) -> Result<Option<KeptLink>, StoreError> {
    let kept = store.link(id.as_str()).await?;
    Ok(kept.filter(|kept| token.is(&kept.hash)))
}

/// Whose address it is: the other end of the connection, or what the proxy there says. Only the last
/// of the addresses is the proxy's own word.
pub fn address(headers: &HeaderMap, peer: Peer, behind_proxy: bool) -> IpAddr {
    if !behind_proxy {
        return peer.0;
    }
    let last = headers.get_all("x-forwarded-for").iter().next_back();
    let last = last.and_then(|value| value.to_str().ok()).and_then(|text| text.rsplit(',').next());
    last.and_then(|text| text.trim().parse().ok()).unwrap_or(peer.0)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::vault::{Keyring, LinkFor, MasterKey};

    fn made() -> (LinkId, LinkToken) {
        let master = MasterKey::generate().unwrap();
        let (keyring, _) = Keyring::create(&master, DateTime::UNIX_EPOCH).unwrap();
        let id = LinkId::draw().unwrap();
        let purpose = LinkFor { seat: 1, episode: None, recipient: "support" };
        let token = LinkToken::derive(&keyring, &id, &purpose);
        (id, token)
    }

    fn sent(cookies: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, cookies.parse().unwrap());
        headers
    }

    #[test]
    fn a_browser_gives_back_the_link_that_its_cookie_stands_for() {
        let ((id, token), (other, _)) = (made(), made());
        for secure in [true, false] {
            let set = of(&id, &token, secure).unwrap();
            let set = set.to_str().unwrap();
            let (pair, attributes) = set.split_once("; ").unwrap();
            assert!(attributes.contains("HttpOnly; SameSite=Lax"), "{attributes}");
            assert_eq!(attributes.ends_with("; Secure"), secure);
            let headers = sent(&format!("theme=dark; {pair}; a=b"));
            assert!(self::token(&headers, &id, secure).is_some());
            assert!(self::token(&headers, &other, secure).is_none());
            assert!(self::token(&headers, &id, !secure).is_none());
        }
    }

    #[test]
    fn a_cookie_of_another_link_under_this_ones_name_is_none() {
        let ((id, _), (_, theirs)) = (made(), made());
        let headers = sent(&format!("{}={}", name(&id, true), theirs.shown()));
        assert!(token(&headers, &id, true).is_none());
    }

    #[test]
    fn a_visitor_cannot_choose_the_address_that_is_counted() {
        let peer = Peer("192.0.2.9".parse().unwrap());
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "198.51.100.1, 203.0.113.7".parse().unwrap());
        assert_eq!(address(&headers, peer, false), peer.0);
        let proxied: IpAddr = "203.0.113.7".parse().unwrap();
        assert_eq!(address(&headers, peer, true), proxied);
        headers.append("x-forwarded-for", "nonsense".parse().unwrap());
        assert_eq!(address(&headers, peer, true), peer.0);
    }
}
