//! The published facts, as they are written in `tests/published/facts.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Where the facts are, for messages.
pub(super) const PATH: &str = "tests/published/facts.json";

const TEXT: &str = include_str!("../../../tests/published/facts.json");

/// Fields of a body by their names; `clientId.type` is a field of the object `clientId`.
pub(super) type Fields = BTreeMap<String, Field>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Facts {
    #[serde(rename = "about")]
    _about: String,
    /// The lines of the header `Vary`, in their order.
    pub(super) vary: Vec<String>,
    /// All fields of a body, by the name of the shape.
    pub(super) shapes: BTreeMap<String, Fields>,
    pub(super) calls: Vec<Call>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) path: String,
    /// The URL of the vendor's page.
    pub(super) source: String,
    /// The roles that may call. Empty if the call takes no token.
    pub(super) roles: Option<Vec<String>>,
    #[serde(default)]
    pub(super) query: Vec<String>,
    pub(super) request: Option<Request>,
    pub(super) responses: BTreeMap<String, Response>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Request {
    pub(super) content_type: Option<String>,
    pub(super) fields: Fields,
    #[serde(default)]
    pub(super) samples: Vec<Sample>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(super) struct Response {
    /// The URL of the page, if it is not that of the call.
    pub(super) source: Option<String>,
    /// Whether the sample has the lines of `Vary`.
    pub(super) vary: bool,
    /// How the header `Authorization` begins.
    pub(super) authorization_prefix: Option<String>,
    pub(super) content_type: Option<String>,
    /// Whether the sample has no body.
    pub(super) empty: bool,
    /// Whether the body is an array of the shape.
    pub(super) array: bool,
    /// The name of the shape of the body.
    pub(super) shape: Option<String>,
    pub(super) samples: Vec<Sample>,
}

/// A body that is published whole.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Sample {
    /// A name of ours, for messages.
    pub(super) name: String,
    pub(super) body: Value,
    /// Of the body, in bytes.
    pub(super) content_length: usize,
}

/// A field of which only the name is published has no other facts.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(super) struct Field {
    #[serde(rename = "type")]
    pub(super) kind: Option<Kind>,
    pub(super) type_by: Option<TypeBy>,
    pub(super) required: Option<bool>,
    /// All allowed values. Empty if they are not published.
    pub(super) values: Vec<String>,
    /// A value in a sample of the page. Null is a value.
    #[serde(deserialize_with = "present")]
    pub(super) sample: Option<Value>,
    /// How each value begins.
    pub(super) prefix: Option<String>,
}

/// A type that depends on the value of another field of the same object.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TypeBy {
    pub(super) field: String,
    pub(super) types: BTreeMap<String, Kind>,
}

/// A type, as the pages call it.
#[derive(Clone, Copy, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Array,
    Long,
    Object,
    String,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Array => "array",
            Self::Long => "long",
            Self::Object => "object",
            Self::String => "string",
        }
    }
}

/// A value that is there, be it null.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Facts {
    /// Errors: what is wrong in the file, with its line.
    pub(super) fn read() -> serde_json::Result<Self> {
        serde_json::from_str(TEXT)
    }
}

impl Call {
    /// `POST /api/v1/quality/send`.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}
