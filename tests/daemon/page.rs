//! What the daemon's listener answers, over a plain socket.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use crate::wait::PATIENCE;

/// One answer.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// Asks for a page; `None` when nobody answers.
pub fn get(address: &str, path: &str) -> Option<Page> {
    ask(address, "GET", path)
}

/// Asks with any method; `None` when nobody answers.
pub fn ask(address: &str, method: &str, path: &str) -> Option<Page> {
    ask_with(address, method, path, "Accept: */*")
}

/// The same with a header of its own.
pub fn ask_with(address: &str, method: &str, path: &str, header: &str) -> Option<Page> {
    let mut socket = TcpStream::connect(address).ok()?;
    socket.set_read_timeout(Some(PATIENCE)).ok()?;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\n{header}\r\nConnection: close\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Some(Page { status, headers, body: body.to_owned() })
}

/// The samples of a metrics page: what stands before the value, and the value.
pub fn samples(text: &str) -> BTreeMap<String, f64> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (series, value) =
                line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
            let value = value.parse().unwrap_or_else(|error| panic!("no number ({error}): {line}"));
            (series.to_owned(), value)
        })
        .collect()
}
