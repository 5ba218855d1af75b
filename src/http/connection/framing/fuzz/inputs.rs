//! Valid requests, and what damages them.

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
    RepeatLine(Index),
    /// Joins the start of one request to the end of another.
    Splice(Index, Index),
}

const FRAGMENTS: [&str; 32] = [
    "\r\n",
    "\n",
    "\r",
    "\r\n\r\n",
    "\n\n",
    " ",
    "\t",
    "\0",
    "\x7f",
    "\x0b",
    ":",
    ";",
    ",",
    "_",
    "+",
    "-",
    "0",
    "5",
    "0x",
    "ff",
    "\r\n a",
    "\r\nContent-Length: 5",
    "\r\nContent-Length: 5, 6",
    "\r\nContent_Length: 5",
    "\r\nContent-Length : 5",
    "\r\nTransfer-Encoding: chunked",
    "\r\nTransfer-Encoding: xchunked",
    "\r\nTransfer_Encoding: chunked",
    "\r\nHost: y",
    "\r\nUpgrade: websocket",
    "CONNECT ",
    "http://y",
];

pub(super) fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<Index>;
    prop_oneof![
        (index(), any::<u8>()).prop_map(|(at, bits)| Damage::Flip(at, bits)),
        (index(), select(&FRAGMENTS)).prop_map(|(at, fragment)| Damage::Insert(at, fragment)),
        (index(), 1..20_usize).prop_map(|(at, length)| Damage::Delete(at, length)),
        (index(), 1..20_usize).prop_map(|(at, length)| Damage::Repeat(at, length)),
        index().prop_map(Damage::RepeatLine),
        (index(), index()).prop_map(|(one, other)| Damage::Splice(one, other)),
    ]
}

impl Damage {
    pub(super) fn apply(&self, bytes: &mut Vec<u8>) {
        let size = bytes.len();
        let part = |at: &Index, length: usize| {
            let start = at.index(size + 1);
            start..size.min(start + length)
        };
        match self {
            Self::Flip(at, bits) => {
                if let Some(byte) = bytes.get_mut(at.index(size + 1)) {
                    *byte ^= bits;
                }
            }
            Self::Insert(at, fragment) => _ = bytes.splice(part(at, 0), fragment.bytes()),
            Self::Delete(at, length) => _ = bytes.drain(part(at, *length)),
            Self::Repeat(at, length) => {
                let range = part(at, *length);
                let copy = bytes[range.clone()].to_vec();
                bytes.splice(range.start..range.start, copy);
            }
            Self::RepeatLine(at) => {
                let lines: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
                if !lines.is_empty() {
                    let repeated = at.index(lines.len());
                    *bytes = [&lines[..=repeated], &lines[repeated..]].concat().concat();
                }
            }
            Self::Splice(one, other) => {
                let (one, other) = (one.index(size + 1), other.index(size + 1));
                bytes.drain(one.min(other)..one.max(other));
            }
        }
    }
}
