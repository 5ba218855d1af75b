//! The body of a send, parsed once into types that need no more checks.
//!
//! By hand, on a JSON value that keeps repeated keys and separates integers from floats: each answer names the field and
//! what it must be, in the order of the documentation, whatever the order of the keys.

use std::fmt;

use actix_web::{HttpRequest, web::Payload};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

use crate::http::{
    context::RequestContext,
    failure::Failure,
    request_body::{self, Body},
};
use crate::survey::{
    SendSurvey,
    ids::{ClientId, ExternalId, FormId, Target, ThreadId},
};

const CLIENT_ID: &str = "an object with type and id";
const TYPE: &str = "one of internalClientId, externalClientId, threadId";
const INTEGER: &str = "a 64-bit integer";
const EXTERNAL_ID: &str = "a string of 1 to 255 characters";

/// Reads the body of a send, unless a middleware has read it already.
///
/// Errors: those of [`request_body::read_body`] and of [`parse`].
pub(crate) async fn read(request: &HttpRequest, payload: Payload) -> Result<SendSurvey, Failure> {
    if let Some(read) = RequestContext::of(request).send.take() {
        return read;
    }
    parse(&request_body::read_body(request, payload, request_body::SEND_LIMIT).await?)
}

/// The send that a body asks for.
///
/// Errors: 400 with the field, and what it must be.
pub(crate) fn parse(body: &Body) -> Result<SendSurvey, Failure> {
    parse_text(body.text()).map_err(Failure::bad_request)
}

/// Parses the body of a send. Source: "Send Survey", request parameters; unknown keys are ignored.
///
/// Errors: the field, and what it must be.
fn parse_text(text: &str) -> Result<SendSurvey, String> {
    let json = serde_json::from_str(text).map_err(|error| format!("The body is not JSON: {error}"))?;
    let JsonValue::Object(body) = json else { return Err("The body must be a JSON object".to_owned()) };
    let client_id = field(&body, "clientId", "clientId", CLIENT_ID)?;
    let JsonValue::Object(client_id) = client_id else { return Err(format!("clientId must be {CLIENT_ID}")) };
    let kind = field(client_id, "type", "clientId.type", TYPE)?;
    let JsonValue::String(kind) = kind else { return Err(format!("clientId.type must be {TYPE}")) };
    let id = |expected| field(client_id, "id", "clientId.id", expected);
    let integer_id = || integer(id(INTEGER)?, "clientId.id");
    let target = match kind.as_str() {
        "internalClientId" => Target::Client(ClientId(integer_id()?)),
        "threadId" => Target::Thread(ThreadId(integer_id()?)),
        "externalClientId" => match id(EXTERNAL_ID)? {
            JsonValue::String(text) => ExternalId::new(text.clone()).map(Target::ExternalClient),
            _ => None,
        }
        .ok_or_else(|| format!("clientId.id must be {EXTERNAL_ID}"))?,
        _ => return Err(format!("clientId.type must be {TYPE}")),
    };
    let form = integer(field(&body, "qualityFormId", "qualityFormId", INTEGER)?, "qualityFormId")?;
    Ok(SendSurvey { target, form: FormId(form) })
}

fn integer(json: &JsonValue, path: &str) -> Result<i64, String> {
    match json {
        JsonValue::Integer(number) => Ok(*number),
        _ => Err(format!("{path} must be {INTEGER}")),
    }
}

/// The one value of a key.
fn field<'a>(
    object: &'a [(String, JsonValue)],
    key: &str,
    path: &str,
    expected: &str,
) -> Result<&'a JsonValue, String> {
    let mut values = object.iter().filter(|(name, _)| name == key).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value),
        (None, _) => Err(format!("{path} is missing: it must be {expected}")),
        // Which of the two was meant is not ours to guess.
        (Some(_), Some(_)) => Err(format!("{path} is given more than once")),
    }
}

/// A JSON value, as far as a send can have it.
enum JsonValue {
    Object(Vec<(String, JsonValue)>),
    String(String),
    /// A number without fraction and exponent, within 64 bits.
    Integer(i64),
    /// A value that no field takes: null, true, 1.5, an array, …
    Other,
}

impl<'de> Deserialize<'de> for JsonValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = JsonValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonValue, A::Error> {
        let mut entries = Vec::with_capacity(2);
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(JsonValue::Object(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<JsonValue, A::Error> {
        while seq.next_element::<JsonValue>()?.is_some() {}
        Ok(JsonValue::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<JsonValue, E> {
        Ok(JsonValue::String(text.to_owned()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<JsonValue, E> {
        Ok(JsonValue::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<JsonValue, E> {
        Ok(i64::try_from(number).map_or(JsonValue::Other, JsonValue::Integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<JsonValue, E> {
        Ok(JsonValue::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<JsonValue, E> {
        Ok(JsonValue::Other)
    }

    fn visit_unit<E>(self) -> Result<JsonValue, E> {
        Ok(JsonValue::Other)
    }
}
