//! What a head must be for everybody to read it alike. Source: RFC 9112; stricter where it leaves a choice.

/// Of a length in decimal digits: more than any body, and far from an overflow.
const LENGTH_DIGITS: usize = 15;

/// What a request says of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// So many bytes.
    Of(u64),
    /// As many as its chunks have.
    Chunked,
}

/// How long the body is that follows this head, which has no empty line at its end; None for one that is refused.
pub(crate) fn check(head: &[u8]) -> Option<Length> {
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let (target, is_new) = request_line(lines.next()?)?;
    let (mut host, mut length, mut chunked) = (None, None, false);
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        // Also what is no name at all: a line that goes on from the one above it, or a space before the colon.
        if !is_token(name) {
            return None;
        }
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        if is("host") {
            put(&mut host, host_name(value)?)?;
        } else if is("content-length") {
            put(&mut length, decimal(value)?)?;
        } else if is("transfer-encoding") {
            // Twice is refused, and with it every other coding and every disguise.
            if chunked || !is_new || !value.eq_ignore_ascii_case(b"chunked") {
                return None;
            }
            chunked = true;
        } else if is("content_length") || is("transfer_encoding") {
            // Some gateways take an underscore for a hyphen.
            return None;
        } else if is("upgrade") && value.to_ascii_lowercase().windows(9).any(|word| word == b"websocket") {
            // There is none, and actix would take all that follows for a body without an end.
            return None;
        }
    }
    if host.is_none() && is_new || authority(target).is_some_and(|named| !host.is_some_and(|host| same(named, host))) {
        return None;
    }
    match (chunked, length) {
        (true, Some(_)) => None,
        (true, None) => Some(Length::Chunked),
        (false, length) => Some(Length::Of(length.unwrap_or(0))),
    }
}

/// The target of `GET /path HTTP/1.1`, and whether that is the version; the other is 1.0.
fn request_line(line: &[u8]) -> Option<(&[u8], bool)> {
    let mut words = line.split(|byte| *byte == b' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    // CONNECT asks for a tunnel, and actix would take all that follows for what is in it.
    let is_method = is_token(method) && method != b"CONNECT";
    let is_target = target.starts_with(b"/") || authority(target).is_some() || (method == b"OPTIONS" && target == b"*");
    let is_plain = target.iter().all(|byte| (b'!'..=b'~').contains(byte) && *byte != b'#');
    let is_new = version == b"HTTP/1.1";
    let is_known = is_new || version == b"HTTP/1.0";
    (is_method && is_target && is_plain && is_known && words.next().is_none()).then_some((target, is_new))
}

/// Of a target that is a whole address.
fn authority(target: &[u8]) -> Option<&[u8]> {
    let start = target.windows(3).position(|bytes| bytes == b"://").filter(|start| target[..*start].is_ascii())?;
    let is_scheme = ["http", "https"].iter().any(|scheme| target[..start].eq_ignore_ascii_case(scheme.as_bytes()));
    is_scheme.then(|| target[start + 3..].split(|byte| b"/?".contains(byte)).next().unwrap_or_default())
}

fn same(one: &[u8], other: &[u8]) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// One that cannot be taken for two, or for a user at a host.
fn host_name(value: &[u8]) -> Option<&[u8]> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+;=%:[]".contains(byte);
    value.iter().all(is_part).then_some(value)
}

fn decimal(value: &[u8]) -> Option<u64> {
    let is_number = (1..=LENGTH_DIGITS).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(value).ok().filter(|_| is_number)?.parse().ok()
}

fn is_token(word: &[u8]) -> bool {
    !word.is_empty() && word.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// What may be said once.
fn put<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}
