//! Readers of requests: actix, and a family of careless ones on top of `httparse`.

use actix_http::{
    Request, ServiceConfig,
    h1::{Codec, Message, MessageType},
};
use actix_web::{HttpMessage, http::Uri, web::BytesMut};
use httparse::{EMPTY_HEADER, Status};
use tokio_util::codec::Decoder;

/// One request in a sequence of bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Read {
    pub(super) method: String,
    pub(super) target: String,
    /// Names in lower case, sorted; those of one name in their order.
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
    /// The number of bytes up to its end; None if the end is still to come.
    pub(super) end: Option<usize>,
}

/// What a reader may be careless about.
#[derive(Clone, Copy)]
enum Habit {
    /// The last of several lengths counts, not the first.
    LastLength,
    /// A length counts more than chunks.
    LengthBeatsChunks,
    UnderscoreIsHyphen,
    /// `5, 6` is 5, and `xchunked` is `chunked`.
    PartOfValue,
    /// HTTP/1.0 has no chunks.
    OldHasNoChunks,
    /// A line ends only with a carriage return and a line feed.
    LineFeedIsSpace,
}

/// A reader with none of the habits, one, or two; a bit for each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Careless(u8);

impl Careless {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..64_u8).filter(|habits| habits.count_ones() <= 2).map(Self)
    }

    fn has(self, habit: Habit) -> bool {
        self.0 & (1 << habit as u8) > 0
    }

    pub(super) fn read(self, bytes: &[u8]) -> Vec<Read> {
        let (mut requests, mut at) = (Vec::new(), 0);
        while at < bytes.len() {
            let mut headers = [EMPTY_HEADER; 200];
            let mut head = httparse::Request::new(&mut headers);
            let text =
                if self.has(Habit::LineFeedIsSpace) { without_line_feeds(&bytes[at..]) } else { bytes[at..].to_vec() };
            let Ok(Status::Complete(length)) = head.parse(&text) else { break };
            at += length;
            let mut request = Read {
                method: head.method.unwrap().to_owned(),
                target: head.path.unwrap().to_owned(),
                headers: head.headers.iter().map(|line| (line.name.to_lowercase(), line.value.to_vec())).collect(),
                ..Read::default()
            };
            request.headers.sort_by(|one, other| one.0.cmp(&other.0));
            let (body, length) = self.body(&head, &bytes[at..]);
            request.body = body;
            request.end = length.map(|length| at + length);
            at = request.end.unwrap_or(bytes.len());
            requests.push(request);
        }
        requests
    }

    /// The body at the start of the bytes, and how many of them it takes if it has ended.
    fn body(self, head: &httparse::Request<'_, '_>, bytes: &[u8]) -> (Vec<u8>, Option<usize>) {
        let values = |wanted: &str| {
            let name =
                |name: &str| if self.has(Habit::UnderscoreIsHyphen) { name.replace('_', "-") } else { name.to_owned() };
            let lines = head.headers.iter().filter(|line| name(line.name).eq_ignore_ascii_case(wanted));
            lines.map(|line| line.value.trim_ascii().to_ascii_lowercase()).collect::<Vec<_>>()
        };
        let is_chunked = values("transfer-encoding").iter().any(|value| {
            value == b"chunked" || self.has(Habit::PartOfValue) && value.windows(7).any(|part| part == b"chunked")
        });
        let is_chunked = is_chunked && !(self.has(Habit::OldHasNoChunks) && head.version == Some(0));
        let mut lengths: Vec<usize> = values("content-length").iter().filter_map(|value| self.number(value)).collect();
        if self.has(Habit::LastLength) {
            lengths.reverse();
        }
        if is_chunked && (lengths.is_empty() || !self.has(Habit::LengthBeatsChunks)) {
            return chunks(bytes);
        }
        let length = lengths.first().copied().unwrap_or(0);
        (bytes[..length.min(bytes.len())].to_vec(), Some(length).filter(|length| *length <= bytes.len()))
    }

    fn number(self, value: &[u8]) -> Option<usize> {
        let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let digits = if self.has(Habit::PartOfValue) { digits } else { value.len() };
        std::str::from_utf8(&value[..digits]).ok()?.parse().ok()
    }
}

/// With a space for each line feed that has no carriage return before it.
fn without_line_feeds(bytes: &[u8]) -> Vec<u8> {
    let is_bare = |at: usize| bytes[at] == b'\n' && (at == 0 || bytes[at - 1] != b'\r');
    (0..bytes.len()).map(|at| if is_bare(at) { b' ' } else { bytes[at] }).collect()
}

fn chunks(bytes: &[u8]) -> (Vec<u8>, Option<usize>) {
    let (mut body, mut at) = (Vec::new(), 0);
    while let Ok(Status::Complete((line, size))) = httparse::parse_chunk_size(&bytes[at..]) {
        at += line;
        if size == 0 {
            return match httparse::parse_headers(&bytes[at..], &mut [EMPTY_HEADER; 200]) {
                Ok(Status::Complete((trailers, _))) => (body, Some(at + trailers)),
                _ => (body, None),
            };
        }
        let end = at.saturating_add(usize::try_from(size).unwrap()).min(bytes.len());
        body.extend_from_slice(&bytes[at..end]);
        if !bytes[end..].starts_with(b"\r\n") {
            break;
        }
        at = end + 2;
    }
    (body, None)
}

/// What actix reads, and whether it refuses what comes after that.
pub(super) fn by_actix(config: ServiceConfig, bytes: &[u8]) -> (Vec<Read>, bool) {
    let (mut codec, mut left) = (Codec::new(config), BytesMut::from(bytes));
    let mut requests = Vec::<Read>::new();
    loop {
        match codec.decode(&mut left) {
            Ok(Some(Message::Item(request))) => {
                requests.push(read(&request));
                match codec.message_type() {
                    MessageType::None => requests.last_mut().unwrap().end = Some(bytes.len() - left.len()),
                    MessageType::Payload => {}
                    MessageType::Stream => panic!("actix takes everything that follows for a body"),
                }
            }
            Ok(Some(Message::Chunk(Some(part)))) => requests.last_mut().unwrap().body.extend_from_slice(&part),
            Ok(Some(Message::Chunk(None))) => requests.last_mut().unwrap().end = Some(bytes.len() - left.len()),
            Ok(None) => return (requests, false),
            Err(_) => return (requests, true),
        }
    }
}

fn read(request: &Request) -> Read {
    let mut headers: Vec<_> =
        request.headers().iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
    headers.sort_by(|one, other| one.0.cmp(&other.0));
    Read { method: request.method().to_string(), target: request.uri().to_string(), headers, ..Read::default() }
}

/// Of a request that actix has accepted, as actix writes its target.
pub(super) fn with_uri(request: &Read) -> Read {
    let target = request.target.parse::<Uri>().map_or_else(|_| request.target.clone(), |uri| uri.to_string());
    Read { target, ..request.clone() }
}
