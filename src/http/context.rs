//! What becomes known of one call on its way: collected here once, and read by [`super::finalize`] when the call is answered.

use std::{
    cell::{Cell, RefMut},
    fmt::Write,
    rc::Rc,
    time::Instant,
};

use actix_web::{
    HttpMessage, HttpRequest,
    http::{
        Method,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
    web::Bytes,
};

use super::{attempts::report::Decision, failure::Failure, tenant::Tenant};
use crate::{
    store::tokens::{Caller, Credentials},
    survey::{
        SendSurvey,
        ids::{FormId, Target},
        time::Time,
    },
};

pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is known of one call.
pub(crate) struct RequestContext {
    pub(crate) began: Instant,
    pub(crate) request_id: HeaderValue,
    /// Whose data the call is about; None until its token is read.
    pub(crate) tenant: Option<Rc<Tenant>>,
    /// What the token shows, where a middleware has read it already.
    pub(crate) credentials: Option<Credentials>,
    /// The body of a send, where a middleware has read it already.
    pub(crate) send: Option<Result<SendSurvey, Failure>>,
    /// The beginning of the body, if it was read.
    pub(crate) body: Option<Bytes>,
    /// The name of the caller's token.
    pub(crate) token: Option<String>,
    /// The form of a send.
    pub(crate) form: Option<FormId>,
    /// The client or thread that a send names.
    pub(crate) target: Option<Target>,
    pub(crate) decision: Decision,
    /// What else the attempt says, such as that a fault delayed the call.
    pub(crate) remark: Option<&'static str>,
    /// The date of the answer, where it is not the system's.
    pub(crate) date: Option<Time>,
}

impl RequestContext {
    /// The context of a call; the first to ask for it begins it. The borrow must end before the next `.await`.
    pub(crate) fn of(request: &HttpRequest) -> RefMut<'_, Self> {
        RefMut::map(request.extensions_mut(), |extensions| {
            extensions.get_or_insert_with(|| Self::begin(request.headers()))
        })
    }

    fn begin(headers: &HeaderMap) -> Self {
        Self {
            began: Instant::now(),
            request_id: request_id(headers),
            tenant: None,
            credentials: None,
            send: None,
            body: None,
            token: None,
            form: None,
            target: None,
            decision: Decision::Undecided,
            remark: None,
            date: None,
        }
    }

    /// The caller is known, and may make this call.
    pub(crate) fn authenticated(&mut self, caller: &Caller) {
        self.token = Some(caller.name.clone());
        self.decision = Decision::Authenticated;
    }

    /// Takes what a failure says of the caller and of the rule that failed.
    pub(super) fn failed(&mut self, failure: &Failure) {
        match failure {
            Failure::Denied(denied) | Failure::LoginFailed(denied) => {
                self.token = denied.token().map(str::to_owned).or(self.token.take());
                self.decision = Decision::Denied(denied.rule());
            }
            Failure::Refused { token, refusal } => {
                self.token = Some(token.clone());
                self.decision = Decision::Refused(refusal.clone());
            }
            Failure::KeyReused { token } => {
                self.token = Some(token.clone());
                self.decision = Decision::Authenticated;
            }
            _ if failure.is_of_no_route() => self.decision = Decision::NoRoute,
            _ => {}
        }
    }
}

/// The method that an answer names. No body is written for HEAD, and its length is that of GET's.
pub(super) fn method_of_answer(request: &HttpRequest) -> &str {
    if request.method() == Method::HEAD { Method::GET.as_str() } else { request.method().as_str() }
}

/// The caller's own id where it is 1 to 64 characters of `A-Za-z0-9._-`, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let is_allowed = |id: &HeaderValue| {
        let bytes = id.as_bytes();
        (1..=64).contains(&bytes.len())
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
    };
    headers.get(X_REQUEST_ID).filter(|id| is_allowed(id)).cloned().unwrap_or_else(new_request_id)
}

/// Sixteen random digits for the worker thread, and a count: unique without asking the system for randomness each time.
fn new_request_id() -> HeaderValue {
    thread_local! {
        static PREFIX: u64 = getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()));
        static COUNT: Cell<u64> = const { Cell::new(0) };
    }
    let count = COUNT.replace(COUNT.get() + 1);
    let mut id = String::with_capacity(24);
    // Writing into a string cannot fail, and what it holds is a valid header value.
    let _ = PREFIX.with(|prefix| write!(id, "{prefix:016x}-{count:x}"));
    HeaderValue::try_from(id).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}
