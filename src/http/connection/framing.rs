//! Where a request ends on the wire, decided once and strictly. A head is handed on only when it is whole and nobody could
//! read it in two ways: who stands in front of this server and who parses behind this file see the same requests.
//!
//! What is refused here and would pass actix's parser: bare line feeds, spaces before the first line, a length that is
//! told twice, extensions of chunks in disguise, trailers, a target that names another host than `Host`. See
//! `docs/network.md` for the list.

use crate::http::connection::head::{self, Length};

/// The longest line of a chunk's size, its extension in it, in bytes.
const SIZE_LINE: usize = 256;

/// The size of a chunk in hexadecimal digits: 256 MiB, which is more than anything here takes.
const SIZE_DIGITS: usize = 7;

/// What may be done with the bytes that are there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// So many of them are good; at least one.
    Pass(usize),
    /// They are too few to tell.
    More,
    /// They are no request, or may be two.
    Refuse,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Head,
    Body(u64),
    ChunkSize,
    Chunk(u64),
    /// The line end behind a chunk.
    ChunkEnd,
    /// The empty line behind the last chunk.
    LastLine,
}

/// The requests of one connection.
pub(crate) struct Framing {
    next: Next,
    /// How much of a head has been looked at.
    seen: usize,
    head_limit: usize,
}

impl Framing {
    /// Those of a new connection, with heads of so many bytes at most.
    pub(crate) fn new(head_limit: usize) -> Self {
        Self { next: Next::Head, seen: 0, head_limit }
    }

    /// Whether a head is awaited, and not what belongs to one that has come.
    pub(crate) fn is_between_requests(&self) -> bool {
        self.next == Next::Head
    }

    /// Looks at what has come and was not passed yet.
    pub(crate) fn step(&mut self, bytes: &[u8]) -> Step {
        if bytes.is_empty() {
            return Step::More;
        }
        match self.next {
            Next::Head => self.head(bytes),
            Next::Body(left) => self.count(bytes, left, Next::Body, Next::Head),
            Next::Chunk(left) => self.count(bytes, left, Next::Chunk, Next::ChunkEnd),
            Next::ChunkSize => self.chunk_size(bytes),
            Next::ChunkEnd => self.line_end(bytes, Next::ChunkSize),
            Next::LastLine => self.line_end(bytes, Next::Head),
        }
    }

    fn head(&mut self, bytes: &[u8]) -> Step {
        // One empty line before a request is forgiven: old clients end a body with it (RFC 9112, section 2.2).
        let start = if bytes.starts_with(b"\r\n") { 2 } else { 0 };
        for at in self.seen.max(start)..bytes.len() {
            if at >= self.head_limit {
                return Step::Refuse;
            }
            match bytes[at] {
                b'\n' if at == 0 || bytes[at - 1] != b'\r' => return Step::Refuse,
                b'\n' if at >= start + 3 && bytes[at - 3..at] == *b"\r\n\r" => {
                    return self.end_of_head(bytes, start, at);
                }
                b'\n' | b'\t' => {}
                // The one before it is looked at again with the next byte.
                b'\r' if bytes.get(at + 1).is_none_or(|next| *next == b'\n') => {}
                0..=0x1f | 0x7f => return Step::Refuse,
                _ => {}
            }
        }
        // A carriage return at the end has its line feed to come.
        self.seen = bytes.len().saturating_sub(1);
        Step::More
    }

    fn end_of_head(&mut self, bytes: &[u8], start: usize, end: usize) -> Step {
        self.seen = 0;
        // Without the empty line; all bytes that are no text stand in no name and in no length.
        let Some(length) = head::check(&bytes[start..end - 3]) else { return Step::Refuse };
        self.next = match length {
            Length::Of(0) => Next::Head,
            Length::Of(length) => Next::Body(length),
            Length::Chunked => Next::ChunkSize,
        };
        Step::Pass(end + 1)
    }

    fn count(&mut self, bytes: &[u8], left: u64, more: fn(u64) -> Next, done: Next) -> Step {
        let passed = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        self.next = match left - passed as u64 {
            0 => done,
            left => more(left),
        };
        Step::Pass(passed)
    }

    fn chunk_size(&mut self, bytes: &[u8]) -> Step {
        let Some(end) = bytes.iter().take(SIZE_LINE).position(|byte| *byte == b'\n') else {
            return if bytes.len() < SIZE_LINE { Step::More } else { Step::Refuse };
        };
        let Some(line) = bytes[..end].strip_suffix(b"\r") else { return Step::Refuse };
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let (size, extension) = line.split_at(digits);
        let is_extension = extension.is_empty()
            || extension.starts_with(b";") && extension.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
        let size = std::str::from_utf8(size).ok().and_then(|size| u64::from_str_radix(size, 16).ok());
        let Some(size) = size.filter(|_| is_extension && digits <= SIZE_DIGITS) else { return Step::Refuse };
        self.next = if size == 0 { Next::LastLine } else { Next::Chunk(size) };
        Step::Pass(end + 1)
    }

    /// Nothing else may stand here: neither more of a chunk than it has said, nor trailers, which nobody here reads.
    fn line_end(&mut self, bytes: &[u8], next: Next) -> Step {
        match bytes {
            [b'\r', b'\n', ..] => {
                self.next = next;
                Step::Pass(2)
            }
            b"\r" => Step::More,
            _ => Step::Refuse,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What passes, however the bytes are cut into pieces.
    fn passed(bytes: &[u8], piece: usize) -> (usize, bool) {
        let (mut framing, mut start, mut end) = (Framing::new(200), 0, 0);
        loop {
            match framing.step(&bytes[start..end]) {
                Step::Pass(passed) => start += passed,
                Step::Refuse => return (start, false),
                Step::More if end == bytes.len() => return (start, true),
                Step::More => end = (end + piece).min(bytes.len()),
            }
        }
    }

    #[test]
    fn requests_end_where_they_say() {
        let get = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".as_slice();
        let post = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nGET /".as_slice();
        let chunked = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nGET /\r\n0\r\n\r\n";
        let good = [get, post, b"\r\n", get, chunked, post].concat();
        let bad = [good.as_slice(), b"GET / HTTP/1.1\nHost: x\n\n"].concat();
        let long = [get, b"GET / HTTP/1.1\r\nA: ", &[b'a'; 200]].concat();
        for piece in 1..60 {
            assert_eq!(passed(&good, piece), (good.len(), true), "{piece}");
            assert_eq!(passed(&bad, piece), (good.len(), false), "{piece}");
            assert_eq!(passed(&long, piece), (get.len(), false), "{piece}");
        }
    }
}
