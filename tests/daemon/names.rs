//! A name server that publishes the texts it is given, and nothing else.

use std::net::{SocketAddr, UdpSocket};

/// Serves on a port of this machine for as long as the test lasts.
pub fn publishing(texts: &[(&str, &str)]) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let texts: Vec<_> =
        texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    std::thread::spawn(move || {
        let mut asked = [0; 1500];
        while let Ok((length, whom)) = socket.recv_from(&mut asked) {
            let _ = socket.send_to(&answer(&asked[..length], &texts), whom);
        }
    });
    address
}

/// The answer to one question (RFC 1035): its header, the question again, and the texts.
fn answer(asked: &[u8], texts: &[(String, String)]) -> Vec<u8> {
    let (mut at, mut labels) = (12, Vec::new());
    while asked[at] != 0 {
        let end = at + 1 + usize::from(asked[at]);
        labels.push(String::from_utf8(asked[at + 1..end].to_vec()).unwrap().to_lowercase());
        at = end;
    }
    let question = &asked[12..at + 5];
    let is_text = asked[at + 1..at + 3] == [0, 16];
    let name = labels.join(".");
    let found: Vec<_> = texts.iter().filter(|(one, _)| is_text && *one == name).collect();
    let code = if texts.iter().any(|(one, _)| *one == name) { 0 } else { 3 };
    let mut answer = asked[..2].to_vec();
    answer.extend([0x81, 0x80 | code, 0, 1, 0, u8::try_from(found.len()).unwrap(), 0, 0, 0, 0]);
    answer.extend(question);
    for (_, text) in found {
        let chunks: Vec<_> = text.as_bytes().chunks(255).collect();
        let length = u16::try_from(text.len() + chunks.len()).unwrap();
        answer.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60]);
        answer.extend(length.to_be_bytes());
        for chunk in chunks {
            answer.push(u8::try_from(chunk.len()).unwrap());
            answer.extend(chunk);
        }
    }
    answer
}
