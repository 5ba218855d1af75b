//! Finds where each request of a connection ends, before actix reads it.
//!
//! If a proxy in front of this server and actix disagree about where a request ends, a body can hide another request
//! (request smuggling). So a head is passed on only when it is whole and can be read in one way. `docs/network.md` lists
//! what is refused. actix and `httparse` would accept some of it: bare line feeds, several empty lines before a request,
//! spaces after the size of a chunk, trailers, a target for another host than `Host`.

use crate::http::connection::head::{self, BodyLength, Extent};

#[cfg(test)]
mod fuzz;

/// The longest line with the size of a chunk, in bytes, with its extension.
const MAX_SIZE_LINE: usize = 256;

/// In hexadecimal: 256 MiB, which is more than any route takes.
const MAX_SIZE_DIGITS: usize = 7;

/// What to do with the bytes that came and were not passed on yet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FramingResult {
    /// Pass on this many; at least one.
    Pass(usize),
    NeedMore,
    /// They are not a request, or could be read as two.
    Refuse,
}

/// What must come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Head,
    Body(u64),
    ChunkSize,
    Chunk(u64),
    /// The line end after a chunk.
    ChunkEnd,
    /// The empty line after the last chunk.
    LastLine,
}

/// The state of one connection.
pub(super) struct Framing {
    expected: Expected,
    /// How many bytes of the head were checked. A head that comes byte by byte is still scanned only once.
    scanned: usize,
    max_head_bytes: usize,
    /// Whether the current request, or the one before, is the last.
    is_last: bool,
}

impl Framing {
    pub(super) fn new(max_head_bytes: usize) -> Self {
        Self { expected: Expected::Head, scanned: 0, max_head_bytes, is_last: false }
    }

    pub(super) fn is_between_requests(&self) -> bool {
        self.expected == Expected::Head
    }

    /// Whether the last request was passed on. What follows it is not to be checked.
    pub(super) fn is_over(&self) -> bool {
        self.is_last && self.is_between_requests()
    }

    /// Checks what came and was not passed on yet.
    pub(super) fn step(&mut self, bytes: &[u8]) -> FramingResult {
        if bytes.is_empty() {
            return FramingResult::NeedMore;
        }
        match self.expected {
            Expected::Head => self.head(bytes),
            Expected::Body(left) => self.count(bytes, left, Expected::Body, Expected::Head),
            Expected::Chunk(left) => self.count(bytes, left, Expected::Chunk, Expected::ChunkEnd),
            Expected::ChunkSize => self.chunk_size(bytes),
            Expected::ChunkEnd => self.line_end(bytes, Expected::ChunkSize),
            Expected::LastLine => self.line_end(bytes, Expected::Head),
        }
    }

    /// Looks for the empty line, and refuses control characters and bare line ends as soon as they come.
    fn head(&mut self, bytes: &[u8]) -> FramingResult {
        // One empty line before a request is allowed: old clients send it after a body (RFC 9112, section 2.2).
        let start = if bytes.starts_with(b"\r\n") { 2 } else { 0 };
        for at in self.scanned.max(start)..bytes.len() {
            if at >= self.max_head_bytes {
                return FramingResult::Refuse;
            }
            match bytes[at] {
                b'\n' if at == 0 || bytes[at - 1] != b'\r' => return FramingResult::Refuse,
                b'\n' if at >= start + 3 && bytes[at - 3..at] == *b"\r\n\r" => {
                    return self.end_of_head(bytes, start, at + 1);
                }
                b'\n' | b'\t' => {}
                // A second empty line.
                b'\r' if start > 0 && at == start => return FramingResult::Refuse,
                b'\r' if bytes.get(at + 1).is_none_or(|next| *next == b'\n') => {}
                0..=0x1f | 0x7f => return FramingResult::Refuse,
                _ => {}
            }
        }
        // The last byte is scanned again: if it is a carriage return, its line feed is still to come.
        self.scanned = bytes.len() - 1;
        FramingResult::NeedMore
    }

    fn end_of_head(&mut self, bytes: &[u8], start: usize, end: usize) -> FramingResult {
        let Some(Extent { body, is_last }) = head::check(&bytes[start..end]) else { return FramingResult::Refuse };
        self.scanned = 0;
        self.is_last = is_last;
        self.expected = match body {
            BodyLength::Bytes(0) => Expected::Head,
            BodyLength::Bytes(length) => Expected::Body(length),
            BodyLength::Chunked => Expected::ChunkSize,
        };
        FramingResult::Pass(end)
    }

    fn count(&mut self, bytes: &[u8], left: u64, more: fn(u64) -> Expected, done: Expected) -> FramingResult {
        let passed = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        self.expected = match left - passed as u64 {
            0 => done,
            left => more(left),
        };
        FramingResult::Pass(passed)
    }

    /// Not by `httparse`: it accepts spaces after the size, and any byte in an extension.
    fn chunk_size(&mut self, bytes: &[u8]) -> FramingResult {
        let Some(end) = bytes.iter().take(MAX_SIZE_LINE).position(|byte| *byte == b'\n') else {
            return if bytes.len() < MAX_SIZE_LINE { FramingResult::NeedMore } else { FramingResult::Refuse };
        };
        let Some(line) = bytes[..end].strip_suffix(b"\r") else { return FramingResult::Refuse };
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let (size, extension) = line.split_at(digits);
        let is_extension = extension.is_empty()
            || extension.starts_with(b";") && extension.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
        let size = std::str::from_utf8(size).ok().and_then(|size| u64::from_str_radix(size, 16).ok());
        let Some(size) = size.filter(|_| is_extension && digits <= MAX_SIZE_DIGITS) else {
            return FramingResult::Refuse;
        };
        self.expected = if size == 0 { Expected::LastLine } else { Expected::Chunk(size) };
        FramingResult::Pass(end + 1)
    }

    /// Refuses a chunk that is longer than its size, and trailers, which no route reads.
    fn line_end(&mut self, bytes: &[u8], next: Expected) -> FramingResult {
        match bytes {
            [b'\r', b'\n', ..] => {
                self.expected = next;
                FramingResult::Pass(2)
            }
            b"\r" => FramingResult::NeedMore,
            _ => FramingResult::Refuse,
        }
    }
}
