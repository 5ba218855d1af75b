//! The rules for a head that `httparse` does not check. Source: RFC 9112; stricter where it leaves a choice.

use std::mem::MaybeUninit;

use httparse::{Header, Request, Status};

/// actix's parser refuses more headers than this, too.
const MAX_HEADERS: usize = 96;

/// More than any body needs, and far from an overflow.
const MAX_LENGTH_DIGITS: usize = 15;

/// A name of DNS has 253. A longer host would be copied into pages that show it.
const MAX_HOST_BYTES: usize = 255;

/// How long the body is that follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyLength {
    Bytes(u64),
    Chunked,
}

/// The part of a head that says where the request and the connection end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) body: BodyLength,
    /// The connection is closed after the answer. What follows the request is no request (RFC 9112, section 9.6).
    pub(super) is_last: bool,
}

/// Checks a whole head, from its first line to its empty line, in which every line ends with CRLF and which contains no
/// other control character than tabs. None for a head that is refused.
pub(super) fn check(head: &[u8]) -> Option<Extent> {
    let mut headers = [MaybeUninit::uninit(); MAX_HEADERS];
    let mut request = Request::new(&mut []);
    if request.parse_with_uninit_headers(head, &mut headers) != Ok(Status::Complete(head.len())) {
        return None;
    }
    let (method, target, is_http_1_1) = (request.method?, request.path?, request.version? == 1);
    // CONNECT asks for a tunnel, and actix would take everything that follows for its content.
    if method == "CONNECT" || !is_target(method, target) {
        return None;
    }
    let (mut host, mut length, mut is_chunked) = (None, None, false);
    let (mut closes, mut keeps) = (false, false);
    for Header { name, value } in request.headers {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if is("host") {
            if value.len() > MAX_HOST_BYTES
                || !value.iter().copied().all(is_host_byte)
                || host.replace(*value).is_some()
            {
                return None;
            }
        } else if is("content-length") {
            if length.replace(decimal(value)?).is_some() {
                return None;
            }
        } else if is("transfer-encoding") {
            // Also refuses every other coding, a list of codings, and every disguise of `chunked`.
            if is_chunked || !is_http_1_1 || !value.eq_ignore_ascii_case(b"chunked") {
                return None;
            }
            is_chunked = true;
        } else if is("connection") {
            for option in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
                // An upgrade is not made, and its answer closes the connection.
                closes |= option.eq_ignore_ascii_case(b"close") || option.eq_ignore_ascii_case(b"upgrade");
                keeps |= option.eq_ignore_ascii_case(b"keep-alive");
            }
        } else if is("content_length") || is("transfer_encoding") {
            // Some gateways read an underscore as a hyphen.
            return None;
        } else if is("upgrade") && value.to_ascii_lowercase().windows(9).any(|word| word == b"websocket") {
            // This server has no websocket, and actix would take everything that follows for a body without an end.
            return None;
        }
    }
    if host.is_none() && is_http_1_1 {
        return None;
    }
    if let Some(authority) = authority(target)
        && !host.is_some_and(|host| host.eq_ignore_ascii_case(authority.as_bytes()))
    {
        return None;
    }
    let body = match (is_chunked, length) {
        (true, Some(_)) => return None,
        (true, None) => BodyLength::Chunked,
        (false, length) => BodyLength::Bytes(length.unwrap_or(0)),
    };
    Some(Extent { body, is_last: closes || !is_http_1_1 && !keeps })
}

fn is_target(method: &str, target: &str) -> bool {
    let has_form = target.starts_with('/') || authority(target).is_some() || (method == "OPTIONS" && target == "*");
    has_form && target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

/// The host and port of an absolute target, such as `http://host:80/path`.
fn authority(target: &str) -> Option<&str> {
    let (scheme, rest) = target.split_once("://")?;
    let is_http = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    is_http.then(|| rest.split(['/', '?']).next().unwrap_or_default())
}

/// Without a comma, which would make two hosts, and an `@`, which would make a user at a host.
fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+;=%:[]".contains(&byte)
}

fn decimal(value: &[u8]) -> Option<u64> {
    let is_number = value.len() <= MAX_LENGTH_DIGITS && value.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(value).ok().filter(|_| is_number)?.parse().ok()
}
