//! The body of a send, parsed once into types that need no more checks.
//!
//! By hand, on a JSON value that keeps repeated keys and separates integers from floats: each answer names the field and
//! what it must be, in the order of the documentation, whatever the order of the keys.

use actix_web::{HttpRequest, web::Payload};

use super::send_json::JsonValue;
use crate::{
    answers::{Answers, case::Case, occurrence::Occurrence, template::Placeholder},
    http::{
        calibration,
        context::RequestContext,
        failure::Failure,
        request_body::{self, Body},
        state::AppState,
    },
    survey::{
        SendSurvey,
        ids::{ClientId, ExternalId, FormId, Target, ThreadId},
    },
};

/// Reads the body of a send, unless a middleware has read it already.
///
/// Errors: those of [`request_body::read_body`] and of [`parse`]; for a calibrated fake, the ways to write a request that it refuses.
pub(crate) async fn read(request: &HttpRequest, payload: Payload, app: &AppState) -> Result<SendSurvey, Failure> {
    if let Some(read) = RequestContext::of(request).send.take() {
        return read;
    }
    calibration::check_request(request, &app.answers)?;
    parse(&request_body::read_body(request, payload, request_body::SEND_LIMIT, app).await?, &app.answers)
}

/// The send that a body asks for.
///
/// Errors: the field, and what it must be.
pub(crate) fn parse(body: &Body, answers: &Answers) -> Result<SendSurvey, Failure> {
    if body.has_mark() && !answers.accepts(Case::ByteOrderMark) {
        return Err(Case::ByteOrderMark.into());
    }
    Ok(Parser { answers }.send(body.text())?)
}

/// A field of the body, and the cases of what can be wrong with it.
struct Field {
    key: &'static str,
    /// What it must be, if that depends on another field.
    expected: Option<&'static str>,
    missing: Case,
    null: Case,
    repeated: Case,
}

const CLIENT_ID: Field = Field {
    key: "clientId",
    expected: None,
    missing: Case::ClientIdMissing,
    null: Case::ClientIdNull,
    repeated: Case::ClientIdRepeated,
};

const TYPE: Field = Field {
    key: "type",
    expected: None,
    missing: Case::TypeMissing,
    null: Case::TypeNull,
    repeated: Case::TypeRepeated,
};

const ID: Field = Field {
    key: "id",
    expected: Some("a 64-bit integer"),
    missing: Case::IdMissing,
    null: Case::IdNull,
    repeated: Case::IdRepeated,
};

const EXTERNAL_ID: Field = Field { expected: Some("a string of 1 to 255 characters"), ..ID };

const FORM: Field = Field {
    key: "qualityFormId",
    expected: None,
    missing: Case::FormMissing,
    null: Case::FormNull,
    repeated: Case::FormRepeated,
};

/// The cases of an integer field.
struct IntegerCases {
    quoted: Case,
    text: Case,
    fraction: Case,
    out_of_range: Case,
    other_type: Case,
}

const ID_CASES: IntegerCases = IntegerCases {
    quoted: Case::IdQuoted,
    text: Case::IdText,
    fraction: Case::IdFraction,
    out_of_range: Case::IdOutOfRange,
    other_type: Case::IdOtherType,
};

const FORM_CASES: IntegerCases = IntegerCases {
    quoted: Case::FormQuoted,
    text: Case::FormText,
    fraction: Case::FormFraction,
    out_of_range: Case::FormOutOfRange,
    other_type: Case::FormOtherType,
};

type Parsed<T> = Result<T, Occurrence<'static>>;

/// Parses the body of a send. Source: "Send Survey", request parameters; unknown keys are ignored.
struct Parser<'a> {
    /// Says what is accepted besides what is documented.
    answers: &'a Answers,
}

impl Parser<'_> {
    /// Errors: the field, and what it must be.
    fn send(&self, text: &str) -> Parsed<SendSurvey> {
        let json = serde_json::from_str(text).map_err(|error| {
            let case = if text.is_empty() { Case::BodyEmpty } else { Case::BodyNotJson };
            Occurrence::new(case).with(Placeholder::Problem, error.to_string())
        })?;
        let JsonValue::Object(body) = json else { return Err(Occurrence::new(Case::BodyNotObject)) };
        self.check_keys(&body, [CLIENT_ID.key, FORM.key])?;
        let client_id = match self.field(&body, &CLIENT_ID)? {
            JsonValue::Object(client_id) => client_id,
            json => return Err(CLIENT_ID.wrong(CLIENT_ID.null_or(json, Case::ClientIdNotObject))),
        };
        self.check_keys(client_id, [TYPE.key, ID.key])?;
        let target = match self.kind(client_id)? {
            "threadId" => Target::Thread(ThreadId(self.id(client_id)?)),
            "externalClientId" => Target::ExternalClient(self.external_id(client_id)?),
            _ => Target::Client(ClientId(self.id(client_id)?)),
        };
        let form = self.field(&body, &FORM).and_then(|json| self.integer(json, &FORM, &FORM_CASES))?;
        Ok(SendSurvey { target, form: FormId(form) })
    }

    /// The type of the id.
    fn kind<'b>(&self, client_id: &'b [(String, JsonValue)]) -> Parsed<&'b str> {
        const INTERNAL: &str = "internalClientId";
        let wrong = match self.field(client_id, &TYPE) {
            Ok(JsonValue::String(kind)) => match kind.as_str() {
                INTERNAL | "externalClientId" | "threadId" => return Ok(kind),
                _ => TYPE.wrong(Case::TypeUnknown).with(Placeholder::GivenValue, kind.clone()),
            },
            Ok(json) => TYPE.wrong(TYPE.null_or(json, Case::TypeNotString)),
            Err(missing) => missing,
        };
        if self.answers.accepts(wrong.case) { Ok(INTERNAL) } else { Err(wrong) }
    }

    fn id(&self, client_id: &[(String, JsonValue)]) -> Parsed<i64> {
        self.field(client_id, &ID).and_then(|json| self.integer(json, &ID, &ID_CASES))
    }

    fn external_id(&self, client_id: &[(String, JsonValue)]) -> Parsed<ExternalId> {
        let field = &EXTERNAL_ID;
        let (wrong, text) = match self.field(client_id, field)? {
            JsonValue::String(text) => match ExternalId::new(text.clone()) {
                Some(id) => return Ok(id),
                None if text.is_empty() => (field.wrong(Case::ExternalIdEmpty), text.clone()),
                None => (field.wrong(Case::ExternalIdTooLong), text.clone()),
            },
            JsonValue::Integer(number) => {
                let digits = number.to_string();
                (field.wrong(Case::ExternalIdNumber).with(Placeholder::GivenValue, digits.clone()), digits)
            }
            json => return Err(field.wrong(field.null_or(json, Case::IdOtherType))),
        };
        if self.answers.accepts(wrong.case) { Ok(ExternalId::of_lookup(text)) } else { Err(wrong) }
    }

    fn integer(&self, json: &JsonValue, field: &Field, cases: &IntegerCases) -> Parsed<i64> {
        let (wrong, number) = match json {
            JsonValue::Integer(number) => return Ok(*number),
            JsonValue::String(text) => {
                let number = text.parse().ok();
                let case = if number.is_some() { cases.quoted } else { cases.text };
                (field.wrong(case).with(Placeholder::GivenValue, text.clone()), number)
            }
            JsonValue::Fraction(number) => (field.wrong(cases.fraction), Some(*number)),
            JsonValue::OutOfRange => (field.wrong(cases.out_of_range), None),
            json => (field.wrong(field.null_or(json, cases.other_type)), None),
        };
        number.filter(|_| self.answers.accepts(wrong.case)).ok_or(wrong)
    }

    /// The value of a key.
    fn field<'b>(&self, object: &'b [(String, JsonValue)], field: &Field) -> Parsed<&'b JsonValue> {
        let mut values = object.iter().filter(|(name, _)| name == field.key).map(|(_, value)| value);
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            (None, _) => Err(field.wrong(field.missing)),
            (Some(_), Some(second)) if self.answers.accepts(field.repeated) => Ok(values.next_back().unwrap_or(second)),
            // Which of the two was meant is not ours to guess.
            (Some(_), Some(_)) => Err(field.wrong(field.repeated)),
        }
    }

    /// Refuses what we accept and the server of a calibrated fake does not: unknown keys, and keys in another order.
    fn check_keys(&self, object: &[(String, JsonValue)], known: [&str; 2]) -> Parsed<()> {
        if self.answers.is_contract() {
            return Ok(());
        }
        let unknown = object.iter().find(|(key, _)| !known.contains(&&**key));
        if let Some((key, _)) = unknown.filter(|_| !self.answers.accepts(Case::UnknownKey)) {
            return Err(Occurrence::new(Case::UnknownKey).with(Placeholder::Key, key.clone()));
        }
        let is_reversed =
            known.iter().rev().eq(object.iter().map(|(key, _)| key).filter(|key| known.contains(&&***key)));
        if is_reversed && !self.answers.accepts(Case::KeyOrder) {
            return Err(Occurrence::new(Case::KeyOrder));
        }
        Ok(())
    }
}

impl Field {
    fn wrong(&self, case: Case) -> Occurrence<'static> {
        let wrong = Occurrence::new(case);
        match self.expected {
            Some(expected) => wrong.with(Placeholder::Expected, expected),
            None => wrong,
        }
    }

    /// The case of null, or another for a value that is not null.
    fn null_or(&self, json: &JsonValue, other: Case) -> Case {
        if let JsonValue::Null = json { self.null } else { other }
    }
}
