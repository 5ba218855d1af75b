//! Valid requests, and what damages them.

use std::ops::Range;

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};

fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let mut request = b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in body.chunks(size) {
        request.extend(
            [format!("{:x}{}\r\n", chunk.len(), if size > 10 { ";a=\"b\"" } else { "" }).as_bytes(), chunk, b"\r\n"]
                .concat(),
        );
    }
    [request.as_slice(), b"0\r\n\r\n"].concat()
}

fn counted(body: &[u8], version: u8) -> Vec<u8> {
    let head = format!("POST /l HTTP/1.{version}\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

const SIMPLE: [&[u8]; 6] = [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\r\nGET http://x:80/a?b=%20 HTTP/1.1\r\nhOST:X:80\r\nEmpty:\r\nX: \t a\tb \xe9 \r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: [::1]:8080\r\nExpect: 100-continue\r\n\r\n",
    b"HEAD /h HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    b"DELETE /a_b HTTP/1.1\r\nHost: x\r\nX-Length: 5\r\nTE: trailers\r\nContent-Length: 000\r\n\r\n",
];

/// Bodies that a reader takes for something else if it gets a length wrong.
const HIDDEN: [&[u8]; 4] =
    [b"GET /hidden HTTP/1.1\r\nHost: y\r\n\r\n", b"0\r\n\r\nGET /hidden HTTP/1.0\r\n\r\n", b"5\r\n", b""];

/// A valid request.
pub(super) fn request() -> impl Strategy<Value = Vec<u8>> {
    let body = || prop_oneof![select(&HIDDEN).prop_map(<[u8]>::to_vec), vec(any::<u8>(), 0..40)];
    prop_oneof![
        select(&SIMPLE).prop_map(<[u8]>::to_vec),
        (body(), 1..30_usize).prop_map(|(body, size)| chunked(&body, size)),
        (body(), 0..2_u8).prop_map(|(body, version)| counted(&body, version)),
    ]
}

#[derive(Clone, Debug)]
pub(super) enum Damage {
    Flip(Index, u8),
    Insert(Index, &'static str),
    Delete(Index, usize),
    Repeat(Index, usize),
    InsertLine(Index, &'static str),
    RepeatLine(Index),
    FirstWord(Index, &'static str),
    /// Joins the start of one request to the end of another.
    Splice(Index, Index),
}

const FRAGMENTS: [&str; 18] =
    ["\r\n", "\n", "\r", "\r\n\r\n", "\n\n", " ", "\t", "\0", "\x7f", "\x0b", ":", ";", ",", "_", "+", "0", "5", "ff"];

const LINES: [&str; 16] = [
    "Content-Length: 0",
    "Content-Length: 5",
    "Content-Length: 5, 6",
    "Content-Length: +5",
    "Content_Length: 5",
    "Content-Length : 5",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: gzip, chunked",
    "Transfer_Encoding: chunked",
    " Transfer-Encoding: chunked",
    "X: a\nContent-Length: 5",
    "Host: y",
    "Upgrade: websocket",
    "POST /1 HTTP/1.0",
    "GET http://y/ HTTP/1.1",
    "",
];

const FIRST_WORDS: [&str; 4] = ["CONNECT", "PRI", "get", "5;a"];

pub(super) fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<Index>;
    prop_oneof![
        1 => (index(), any::<u8>()).prop_map(|(at, bits)| Damage::Flip(at, bits)),
        3 => (index(), select(&FRAGMENTS)).prop_map(|(at, fragment)| Damage::Insert(at, fragment)),
        1 => (index(), 1..20_usize).prop_map(|(at, length)| Damage::Delete(at, length)),
        1 => (index(), 1..20_usize).prop_map(|(at, length)| Damage::Repeat(at, length)),
        6 => (index(), select(&LINES)).prop_map(|(at, line)| Damage::InsertLine(at, line)),
        1 => index().prop_map(Damage::RepeatLine),
        1 => (index(), select(&FIRST_WORDS)).prop_map(|(at, word)| Damage::FirstWord(at, word)),
        1 => (index(), index()).prop_map(|(one, other)| Damage::Splice(one, other)),
    ]
}

impl Damage {
    pub(super) fn apply(&self, bytes: &mut Vec<u8>) {
        let size = bytes.len();
        let part = |at: &Index, length: usize| {
            let start = at.index(size + 1);
            start..size.min(start + length)
        };
        // Where each line starts and, at the end of the bytes, the next one.
        let starts: Vec<_> = (0..=size).filter(|at| *at == 0 || bytes[at - 1] == b'\n').collect();
        let line = |at: &Index| {
            let start = starts[at.index(starts.len())];
            start..bytes[start..].iter().position(|byte| *byte == b'\n').map_or(size, |length| start + length + 1)
        };
        match self {
            Self::Flip(at, bits) => bytes[part(at, 1)].iter_mut().for_each(|byte| *byte ^= bits),
            Self::Insert(at, fragment) => _ = bytes.splice(part(at, 0), fragment.bytes()),
            Self::Delete(at, length) => _ = bytes.drain(part(at, *length)),
            Self::Repeat(at, length) => repeat(bytes, part(at, *length)),
            Self::InsertLine(at, text) => {
                let start = line(at).start;
                bytes.splice(start..start, text.bytes().chain(*b"\r\n"));
            }
            Self::RepeatLine(at) => repeat(bytes, line(at)),
            Self::FirstWord(at, word) => {
                let line = line(at);
                let end = bytes[line.clone()].iter().position(|byte| b" :\r".contains(byte));
                bytes.splice(line.start..end.map_or(line.end, |length| line.start + length), word.bytes());
            }
            Self::Splice(one, other) => {
                let (one, other) = (one.index(size + 1), other.index(size + 1));
                bytes.drain(one.min(other)..one.max(other));
            }
        }
    }
}

fn repeat(bytes: &mut Vec<u8>, range: Range<usize>) {
    let copy = bytes[range.clone()].to_vec();
    bytes.splice(range.start..range.start, copy);
}
