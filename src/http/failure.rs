//! Answers that are errors: which status each has, and what the caller reads of it.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{ALLOW, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};

use crate::{
    store::{error::StoreError, sends::SendError},
    survey::{access::Denied, refusal::Refusal},
};

/// How a token that is not good is challenged.
const INVALID_TOKEN: &str = "Bearer error=\"invalid_token\"";

/// An answer that is an error; its body is written by [`crate::http::finalize::finish`].
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    pub(crate) message: String,
    pub(crate) extra: Option<Extra>,
    /// What the log keeps and the caller does not see.
    pub(crate) cause: Option<String>,
}

/// A header that goes with a failure.
#[derive(Clone, Debug)]
pub(crate) enum Extra {
    /// `WWW-Authenticate`: how to come again.
    Challenge(&'static str),
    /// `Allow`: the methods that the path takes.
    Allow(String),
    /// `Retry-After`, in seconds.
    RetryAfter(u32),
}

impl Extra {
    pub(crate) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        Some(match self {
            Self::Challenge(challenge) => (WWW_AUTHENTICATE, HeaderValue::from_static(challenge)),
            Self::Allow(methods) => (ALLOW, HeaderValue::try_from(methods).ok()?),
            Self::RetryAfter(seconds) => (RETRY_AFTER, HeaderValue::from(*seconds)),
        })
    }
}

impl Failure {
    /// A failure of that status, with that message.
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), extra: None, cause: None }
    }

    /// Its status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// 400: what the caller sent is wrong; the message names the field, and what it must be.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 401: who calls is not known.
    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self { extra: Some(Extra::Challenge("Bearer")), ..Self::new(StatusCode::UNAUTHORIZED, message) }
    }

    /// 404: there is nothing of that path.
    pub(crate) fn no_such_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "No such path")
    }

    /// 409: what is there stands in the way.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// 429: too often, for so many seconds.
    pub(crate) fn too_many_requests(message: impl Into<String>, seconds: u32) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, message).retry_after(seconds)
    }

    /// Whether it is told to who showed a token that is not good.
    pub(crate) fn is_of_bad_token(&self) -> bool {
        matches!(self.extra, Some(Extra::Challenge(INVALID_TOKEN)))
    }

    /// With the number of seconds after which it may be tried again.
    #[must_use]
    pub(crate) fn retry_after(self, seconds: u32) -> Self {
        Self { extra: Some(Extra::RetryAfter(seconds)), ..self }
    }

    /// 405: the path is known, the method is not.
    pub(crate) fn method_not_allowed(allow: String) -> Self {
        let message = format!("Method not allowed; this path takes {allow}");
        Self { extra: Some(Extra::Allow(allow)), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, message) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status)
    }
}

impl From<Denied> for Failure {
    /// Source of the challenges: RFC 6750, section 3.
    fn from(denied: Denied) -> Self {
        let (status, challenge) = match denied {
            Denied::Missing => (StatusCode::UNAUTHORIZED, "Bearer"),
            Denied::Invalid | Denied::Revoked { .. } | Denied::Expired { .. } => {
                (StatusCode::UNAUTHORIZED, INVALID_TOKEN)
            }
            Denied::Role { .. } => (StatusCode::FORBIDDEN, "Bearer error=\"insufficient_scope\""),
        };
        Self { extra: Some(Extra::Challenge(challenge)), ..Self::new(status, denied.to_string()) }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let status = if let Refusal::NotFound(_) = refusal { StatusCode::NOT_FOUND } else { StatusCode::CONFLICT };
        Self::new(status, refusal.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let cause = Some(error.to_string());
        let try_again = |message| Self {
            cause: cause.clone(),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, message).retry_after(1)
        };
        match error {
            StoreError::Invalid { .. } => Self::bad_request(error.to_string()),
            StoreError::Conflict { .. } => Self::conflict(error.to_string()),
            StoreError::NotFound { .. } => Self::new(StatusCode::NOT_FOUND, error.to_string()),
            StoreError::Busy(_) => try_again("The server is busy; nothing was done, try again"),
            StoreError::Unavailable(_) => {
                try_again("The database cannot be used just now; nothing was done, try again")
            }
            StoreError::Internal(_) => Self {
                cause,
                ..Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "Internal error; the log says more under this X-Request-Id",
                )
            },
        }
    }
}

impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Denied(denied) => denied.into(),
            SendError::Refused { refusal, .. } => refusal.into(),
            SendError::KeyOfAnother { .. } => Self::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()),
            SendError::Store(error) => error.into(),
        }
    }
}
