//! The answers of a calibrated fake: those of the server that its answers file was learned from.

use actix_web::{
    HttpRequest, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    http::{
        Method, StatusCode,
        header::{ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, HeaderName, HeaderValue, ORIGIN, TRANSFER_ENCODING},
    },
};
use uuid::Builder;

use super::{
    api::SEND,
    context::{self, RequestContext},
    failure::Failure,
};
use crate::{
    answers::{Answers, CommonValues, case::Case, headers::HeaderChanges, occurrence::Occurrence},
    store,
    survey::time::Time,
};

/// An answer that differs from the contract's.
pub(super) struct ChangedAnswer<'a> {
    pub(super) status: StatusCode,
    /// The message of the envelope, or the body that is sent in its place.
    pub(super) message: String,
    pub(super) body: String,
    headers: &'a HeaderChanges,
}

/// The answer of a call, if its case is answered in another way than by the contract.
pub(super) fn changed_answer<'a>(
    request: &'a HttpRequest,
    response: &HttpResponse<BoxBody>,
    answers: &'a Answers,
) -> Option<ChangedAnswer<'a>> {
    if answers.is_contract() {
        return None;
    }
    let occurrence = match Failure::of(response) {
        Some(failure) => {
            let mut occurrence = failure.occurrence()?;
            if occurrence.case == Case::WrongMethod && is_preflight(request) {
                occurrence.case = Case::Preflight;
            }
            occurrence
        }
        None if is_send(request) && response.status() == StatusCode::OK => Occurrence::new(Case::Sent),
        None => return None,
    };
    if !answers.changed.contains_key(&occurrence.case) {
        return None;
    }
    let answer = answers.render(&occurrence, &common_values(request))?;
    let status = StatusCode::from_u16(answer.status).ok()?;
    Some(ChangedAnswer { status, message: answer.message, body: answer.body, headers: answer.headers })
}

/// The values that every answer to a call can have.
fn common_values(request: &HttpRequest) -> CommonValues<'_> {
    let time = RequestContext::of(request).date.unwrap_or_else(store::now);
    CommonValues { method: context::method_of_answer(request), uri: request.path(), time, uuid: new_uuid() }
}

fn new_uuid() -> String {
    let mut bytes = [0; 16];
    // Without randomness it is a UUID that is not new.
    let _ = getrandom::fill(&mut bytes);
    Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// The status and the message that a send would be answered.
pub(super) fn status_and_message(answers: &Answers, occurrence: &Occurrence, now: Time) -> (StatusCode, String) {
    let common = CommonValues { method: Method::POST.as_str(), uri: SEND, time: now, uuid: new_uuid() };
    let (status, message) = answers.status_and_message(occurrence, &common);
    (StatusCode::from_u16(status).unwrap_or(StatusCode::OK), message)
}

/// Writes the headers that differ from ours.
pub(super) fn write_headers(response: &mut HttpResponse<BoxBody>, answers: &Answers, changed: Option<&ChangedAnswer>) {
    if answers.is_contract() {
        return;
    }
    // An answer without a body has no media type, unless its own entry says so.
    let has_body = !matches!(response.body().size(), BodySize::None | BodySize::Sized(0));
    let of_all = answers.headers.iter().filter(|(name, _)| has_body || *name != "Content-Type");
    for (name, lines) in of_all.chain(changed.into_iter().flat_map(|answer| answer.headers.iter())) {
        let Ok(name) = HeaderName::try_from(name) else { continue };
        response.headers_mut().remove(&name);
        for line in lines.iter().filter_map(|line| HeaderValue::try_from(line).ok()) {
            response.headers_mut().append(name.clone(), line);
        }
    }
}

fn is_send(request: &HttpRequest) -> bool {
    request.path() == SEND && request.method() == Method::POST
}

fn is_preflight(request: &HttpRequest) -> bool {
    let has = |name| request.headers().contains_key(name);
    request.method() == Method::OPTIONS && has(ORIGIN) && has(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Refuses the ways to write a token that we accept and the server does not.
///
/// Errors: the answer of that case.
pub(super) fn check_scheme(request: &HttpRequest, answers: &Answers) -> Result<(), Failure> {
    if answers.is_contract() {
        return Ok(());
    }
    let value = request.headers().get(AUTHORIZATION).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let words: Vec<&str> = value.as_deref().map(|value| value.split_whitespace().collect()).unwrap_or_default();
    let is_bearer = |word: Option<&&str>| word.is_some_and(|word| word.eq_ignore_ascii_case("bearer"));
    let is_doubled = words.len() == 3 && is_bearer(words.first()) && is_bearer(words.get(1));
    let is_lower_case = words.first().is_some_and(|word| *word == "bearer");
    refuse_if(answers, is_doubled, Case::DoubledBearer)?;
    refuse_if(answers, is_lower_case, Case::LowerCaseScheme)
}

/// Refuses the ways to make a call that we accept and the server does not.
///
/// Errors: the answer of that case.
pub(super) fn check_request(request: &HttpRequest, answers: &Answers) -> Result<(), Failure> {
    if answers.is_contract() {
        return Ok(());
    }
    refuse_if(answers, !request.query_string().is_empty(), Case::Query)?;
    refuse_if(answers, request.headers().contains_key(TRANSFER_ENCODING), Case::ChunkedBody)
}

fn refuse_if(answers: &Answers, happens: bool, case: Case) -> Result<(), Failure> {
    if happens && !answers.accepts(case) { Err(case.into()) } else { Ok(()) }
}
