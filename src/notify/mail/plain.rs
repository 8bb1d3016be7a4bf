//! The few words in clear that come before TLS with STARTTLS. Written by hand because what follows
//! the relay's yes decides about everything: whoever can add to it in clear would otherwise answer
//! the first question that is asked inside TLS. Whatever is said here is forgotten; inside TLS the
//! relay is asked anew.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::outcome::Why;
use super::reply::Reply;

/// The most that is read in clear, in bytes.
const MOST_HEARD: usize = 16 * 1024;

/// A conversation in clear.
pub struct Plain<S> {
    stream: S,
    /// Heard and not yet looked at.
    heard: Vec<u8>,
    whole: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Plain<S> {
    /// On this connection, from its beginning.
    pub fn on(stream: S) -> Self {
        Self { stream, heard: Vec::new(), whole: 0 }
    }

    /// Waits for the greeting.
    pub async fn greeting(&mut self) -> Result<(), Why> {
        self.reply(220).await.map(drop)
    }

    /// Says who we are, and finds out whether TLS is offered.
    pub async fn hello(&mut self, name: &str) -> Result<bool, Why> {
        self.say(&format!("EHLO {name}\r\n")).await?;
        let lines = self.reply(250).await?;
        let mut offers = lines.iter().skip(1).filter_map(|line| line.split_whitespace().next());
        Ok(offers.any(|word| word.eq_ignore_ascii_case("STARTTLS")))
    }

    /// Asks for TLS. After the yes nothing may have been heard: it would have been said in clear.
    pub async fn start_tls(mut self) -> Result<S, Why> {
        self.say("STARTTLS\r\n").await?;
        self.reply(220).await?;
        if self.heard.is_empty() { Ok(self.stream) } else { Err(Why::Injected) }
    }

    /// Whoever was not asked has nothing to say.
    async fn say(&mut self, line: &str) -> Result<(), Why> {
        if !self.heard.is_empty() {
            return Err(Why::Injected);
        }
        let written = self.stream.write_all(line.as_bytes()).await;
        written.and(self.stream.flush().await).map_err(|_| Why::Broken)
    }

    /// The text of an answer with this code.
    async fn reply(&mut self, wanted: u16) -> Result<Vec<String>, Why> {
        let mut lines = Vec::new();
        loop {
            let line = self.line().await?;
            let code = line.get(..3).filter(|code| code.bytes().all(|b| b.is_ascii_digit()));
            let code: u16 = code.and_then(|code| code.parse().ok()).ok_or(Why::Nonsense)?;
            let text = line.get(4..).unwrap_or_default().to_owned();
            let goes_on = match line.as_bytes().get(3) {
                Some(b'-') => true,
                Some(b' ') | None => false,
                Some(_) => return Err(Why::Nonsense),
            };
            if goes_on {
                lines.push(text);
                continue;
            }
            let first = lines.first().unwrap_or(&text);
            return match code {
                400..=599 => Err(Why::Reply(Reply::new(code, first))),
                code if code == wanted => {
                    lines.push(text);
                    Ok(lines)
                }
                _ => Err(Why::Nonsense),
            };
        }
    }

    async fn line(&mut self) -> Result<String, Why> {
        loop {
            if let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
                let rest = self.heard.split_off(end + 1);
                let line = std::mem::replace(&mut self.heard, rest);
                let line = String::from_utf8_lossy(&line).into_owned();
                return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
            }
            if self.whole >= MOST_HEARD {
                return Err(Why::Nonsense);
            }
            let mut some = [0; 1024];
            let count = self.stream.read(&mut some).await.map_err(|_| Why::Broken)?;
            if count == 0 {
                return Err(Why::Broken);
            }
            self.whole += count;
            self.heard.extend_from_slice(&some[..count]);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    async fn hears(said: &str) -> Result<(), Why> {
        let (ours, mut theirs) = duplex(64 * 1024);
        theirs.write_all(said.as_bytes()).await.unwrap();
        drop(theirs);
        Plain::on(ours).greeting().await
    }

    #[tokio::test]
    async fn an_answer_is_what_smtp_says_an_answer_is() {
        for good in ["220 hello\r\n", "220-hello\r\n220 there\r\n", "220\r\n", "220 hello\n"] {
            assert_eq!(hears(good).await, Ok(()), "{good:?}");
        }
        for bad in ["hello\r\n", "22\r\n", "220x\r\n", "250 ok\r\n", "334 go on\r\n", "2é0 x\r\n"]
        {
            assert_eq!(hears(bad).await, Err(Why::Nonsense), "{bad:?}");
        }
        for short in ["", "220 hello", "220-hello\r\n"] {
            assert_eq!(hears(short).await, Err(Why::Broken), "{short:?}");
        }
        let busy = Why::Reply(Reply { code: 421, enhanced: Some([4, 3, 2]) });
        assert_eq!(hears("421 4.3.2 busy\r\n").await, Err(busy));
        let endless = "220-hello\r\n".repeat(5_000);
        assert_eq!(hears(&endless).await, Err(Why::Nonsense));
    }
}
