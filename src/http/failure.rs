//! Why a call is answered with an error. A failure keeps what happened; status, message, header and the log's cause are derived
//! from it, and nothing is parsed back out of text.

use std::{borrow::Cow, fmt};

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{ALLOW, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};

use crate::{
    store::{authorized::AccessError, error::StoreError, sends::SendError},
    survey::{access::Denied, refusal::Refusal},
};

/// An answer that is an error; [`super::finalize`] writes its body.
#[derive(Debug)]
pub(crate) enum Failure {
    /// 401 or 403: the token or its role does not allow the call.
    Denied(Denied),
    /// 401: a login that no token has, or a wrong password.
    LoginFailed(Denied),
    /// 404 or 409: a rule of Send Survey forbids the send.
    Refused {
        /// The name of the caller's token.
        token: String,
        refusal: Refusal,
    },
    /// 422: the idempotency key belongs to another request.
    KeyReused {
        /// The name of the caller's token.
        token: String,
    },
    /// 400: the message names the field and what it must be.
    BadRequest(String),
    /// The store says why it did nothing, or that it does not know whether it did.
    Store(StoreError),
    /// 404: no route has this path.
    NoSuchPath,
    /// 405: the path has other methods, listed as in `Allow`.
    MethodNotAllowed(String),
    /// 429: try again after so many seconds.
    TooManyRequests { message: String, retry_after_s: u32 },
    /// Any other status, perhaps with a header of its own.
    Status { status: StatusCode, message: String, header: Option<(HeaderName, HeaderValue)> },
}

impl Failure {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self::Status { status, message: message.into(), header: None }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::BadRequest(message.into())
    }

    /// 503: try again in a second.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        let header = Some((RETRY_AFTER, HeaderValue::from(1)));
        Self::Status { status: StatusCode::SERVICE_UNAVAILABLE, message: message.into(), header }
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Denied(Denied::Role { .. }) => StatusCode::FORBIDDEN,
            Self::Denied(_) | Self::LoginFailed(_) => StatusCode::UNAUTHORIZED,
            Self::Refused { refusal, .. } => refusal_status(refusal),
            Self::KeyReused { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::BadRequest(_) | Self::Store(StoreError::Invalid { .. }) => StatusCode::BAD_REQUEST,
            Self::Store(StoreError::Conflict { .. }) => StatusCode::CONFLICT,
            Self::Store(StoreError::Busy(_) | StoreError::Unavailable(_) | StoreError::Unknown(_)) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Store(StoreError::Internal(_)) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NoSuchPath | Self::Store(StoreError::NotFound { .. }) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Status { status, .. } => *status,
        }
    }

    /// What the caller reads. It says nothing of the inside of the server.
    pub(crate) fn message(&self) -> Cow<'_, str> {
        match self {
            Self::LoginFailed(denied @ Denied::Expired { .. }) | Self::Denied(denied) => denied.to_string().into(),
            Self::LoginFailed(_) => "Login or password is wrong".into(),
            Self::Refused { refusal, .. } => refusal.to_string().into(),
            Self::KeyReused { .. } => {
                "Idempotency-Key was used for another request within the last 24 hours; use a new key for a new request"
                    .into()
            }
            Self::BadRequest(message) | Self::TooManyRequests { message, .. } | Self::Status { message, .. } => {
                message.into()
            }
            Self::Store(
                error @ (StoreError::Invalid { .. } | StoreError::Conflict { .. } | StoreError::NotFound { .. }),
            ) => error.to_string().into(),
            Self::Store(StoreError::Busy(_)) => "The server is busy; nothing was done, try again".into(),
            Self::Store(StoreError::Unavailable(_)) => {
                "The database cannot be used just now; nothing was done, try again".into()
            }
            Self::Store(StoreError::Unknown(_)) => {
                "It is not known whether this was recorded; ask again with the same Idempotency-Key, or look what is recorded first"
                    .into()
            }
            Self::Store(StoreError::Internal(_)) => "Internal error; the log says more under this X-Request-Id".into(),
            Self::NoSuchPath => "No such path".into(),
            Self::MethodNotAllowed(allow) => format!("Method not allowed; this path takes {allow}").into(),
        }
    }

    /// The header that goes with the status.
    pub(super) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        Some(match self {
            Self::Denied(denied) => (WWW_AUTHENTICATE, challenge(denied)),
            Self::LoginFailed(_) => (WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            Self::MethodNotAllowed(allow) => (ALLOW, HeaderValue::try_from(allow).ok()?),
            Self::Store(StoreError::Busy(_) | StoreError::Unavailable(_) | StoreError::Unknown(_)) => {
                (RETRY_AFTER, HeaderValue::from(1))
            }
            Self::TooManyRequests { retry_after_s, .. } => (RETRY_AFTER, HeaderValue::from(*retry_after_s)),
            Self::Status { header, .. } => header.clone()?,
            _ => return None,
        })
    }

    /// What the log keeps and the caller does not see.
    pub(super) fn cause(&self) -> Option<String> {
        match self {
            Self::Store(
                error @ (StoreError::Busy(_)
                | StoreError::Unavailable(_)
                | StoreError::Unknown(_)
                | StoreError::Internal(_)),
            ) => Some(error.to_string()),
            _ => None,
        }
    }

    /// Whether the caller showed nothing that is a token.
    pub(super) fn is_of_no_token(&self) -> bool {
        matches!(self, Self::Denied(Denied::Missing | Denied::Invalid | Denied::Revoked { .. }))
    }

    /// Whether the caller showed a token that is unknown, revoked or expired.
    pub(super) fn is_of_bad_token(&self) -> bool {
        matches!(self, Self::Denied(Denied::Invalid | Denied::Revoked { .. } | Denied::Expired { .. }))
    }
}

/// The status of a send that a rule forbids. 409 is documented for three refusals. It is chosen for a client without a closed
/// thread, and so is 404 for a missing row.
pub(super) fn refusal_status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::NotFound(_) => StatusCode::NOT_FOUND,
        Refusal::Disabled
        | Refusal::OpenThread { .. }
        | Refusal::NoClosedThread { .. }
        | Refusal::FormNotEnabled { .. } => StatusCode::CONFLICT,
    }
}

/// Source: RFC 6750, section 3.1: no `error` where no token came, or another scheme.
pub(crate) fn challenge(denied: &Denied) -> HeaderValue {
    HeaderValue::from_static(match denied {
        Denied::Missing => "Bearer",
        Denied::Invalid | Denied::Revoked { .. } | Denied::Expired { .. } => "Bearer error=\"invalid_token\"",
        Denied::Role { .. } => "Bearer error=\"insufficient_scope\"",
    })
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status())
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<AccessError> for Failure {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Denied(denied) => denied.into(),
            AccessError::Store(error) => error.into(),
        }
    }
}

impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Denied(denied) => denied.into(),
            SendError::Refused { token, refusal } => Self::Refused { token, refusal },
            SendError::KeyReused { token } => Self::KeyReused { token },
            SendError::Store(error) => error.into(),
        }
    }
}
