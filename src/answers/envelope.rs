//! The envelope: the body of every error.

use serde::{Deserialize, Serialize};

/// How the envelope is laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Layout {
    /// Two spaces of indentation, ` : ` and CRLF: the one layout that gives the lengths of the vendor's samples, which is 97 and
    /// the message's bytes.
    #[default]
    Documented,
    /// No spaces and no line ends.
    Compact,
}

impl Layout {
    /// The name in answers files and reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Compact => "compact",
        }
    }
}

/// The envelope, to the byte.
pub(crate) fn envelope(layout: Layout, method: &str, uri: &str, message: &str) -> String {
    // A string always has a JSON form; the fallback only spares an unwrap.
    let json = |text: &str| serde_json::to_string(text).unwrap_or_else(|_| "null".to_owned());
    let (method, uri, message) = (json(method), json(uri), json(message));
    match layout {
        Layout::Documented => format!(
            "{{\r\n  \"method\" : {method},\r\n  \"uri\" : {uri},\r\n  \"code\" : null,\r\n  \"message\" : {message}\r\n}}"
        ),
        Layout::Compact => {
            format!("{{\"method\":{method},\"uri\":{uri},\"code\":null,\"message\":{message}}}")
        }
    }
}
