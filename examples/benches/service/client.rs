//! A client that costs little, so that the server is measured: one kept connection, one request that is always the same, and no more read of an
//! answer than where it ends.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::ADDRESS;

/// More than an answer takes.
const MOST: usize = 256 << 10;
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";

/// One kept connection, and the last answer on it.
pub(crate) struct Client {
    stream: TcpStream,
    request: String,
    answer: Vec<u8>,
    /// How long the answer is.
    length: usize,
    /// Where its body begins.
    body: usize,
    is_chunked: bool,
}

impl Client {
    pub(crate) async fn connect(server: SocketAddr) -> io::Result<Client> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        let request = format!("GET {ADDRESS} HTTP/1.1\r\nhost: {server}\r\naccept: application/json\r\n\r\n");
        Ok(Client { stream, request, answer: vec![0; MOST], length: 0, body: 0, is_chunked: false })
    }

    /// Sends the request, and receives the whole answer.
    pub(crate) async fn ask(&mut self) -> io::Result<()> {
        self.stream.write_all(self.request.as_bytes()).await?;
        (self.length, self.body) = (0, 0);
        let mut announced = None;
        loop {
            match self.stream.read(&mut self.answer[self.length..]).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                more => self.length += more,
            }
            let answer = &self.answer[..self.length];
            if self.body == 0 {
                let Some(head) = position(answer, b"\r\n\r\n") else { continue };
                self.body = head + 4;
                if !answer.starts_with(b"HTTP/1.1 200 ") {
                    return Err(io::Error::other("the answer is no success"));
                }
                announced = content_length(&answer[..head]);
                self.is_chunked = announced.is_none();
            }
            let is_whole = match announced {
                Some(length) => self.length - self.body >= length,
                None => answer.ends_with(LAST_CHUNK),
            };
            if is_whole {
                return Ok(());
            }
        }
    }

    /// The body of the last answer.
    pub(crate) fn body(&self) -> Vec<u8> {
        let mut rest = &self.answer[self.body..self.length];
        if !self.is_chunked {
            return rest.to_vec();
        }
        let mut body = Vec::new();
        while let Some(line) = position(rest, b"\r\n") {
            let size = std::str::from_utf8(&rest[..line]).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
            let chunk = &rest[line + 2..][..size.expect("the size of a chunk")];
            body.extend_from_slice(chunk);
            rest = &rest[line + 2 + chunk.len() + 2..];
        }
        body
    }
}

fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"\r\ncontent-length: ";
    let value = &head[position(head, NAME)? + NAME.len()..];
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0')))
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
