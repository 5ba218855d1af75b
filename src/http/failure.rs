//! Why a call is answered with an error. A failure keeps what happened; status, message, header and the log's cause are derived
//! from it, and nothing is parsed back out of text.

use std::{borrow::Cow, fmt};

use actix_web::{
    HttpResponse, ResponseError,
    body::BoxBody,
    http::{
        StatusCode,
        header::{ALLOW, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};

use crate::{
    answers::{case::Case, occurrence::Occurrence, template::Placeholder},
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
    /// One of the cases of the contract, such as a field of a send that is missing.
    Case(Box<Occurrence<'static>>),
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

    /// The failure that an answer comes from.
    pub(super) fn of(response: &HttpResponse<BoxBody>) -> Option<&Self> {
        response.error().and_then(|error| error.as_error::<Self>())
    }

    /// 503: try again in a second.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        let header = Some((RETRY_AFTER, HeaderValue::from(1)));
        Self::Status { status: StatusCode::SERVICE_UNAVAILABLE, message: message.into(), header }
    }

    /// What happened, if it is one of the cases of the contract.
    pub(crate) fn occurrence(&self) -> Option<Occurrence<'_>> {
        if let Reason::Case(occurrence) = self.reason() { Some(occurrence) } else { None }
    }

    /// The status of the contract.
    pub(crate) fn status(&self) -> StatusCode {
        match self.reason() {
            Reason::Case(occurrence) => {
                StatusCode::from_u16(occurrence.case.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }
            Reason::Other(status, _) => status,
        }
    }

    /// What the caller reads, by the contract. It says nothing of the inside of the server.
    pub(crate) fn message(&self) -> Cow<'_, str> {
        match self.reason() {
            Reason::Case(occurrence) => occurrence.message(),
            Reason::Other(_, message) => message,
        }
    }

    fn reason(&self) -> Reason<'_> {
        let other = |status, message: &'static str| Reason::Other(status, message.into());
        match self {
            Self::LoginFailed(denied @ Denied::Expired { .. }) | Self::Denied(denied) => Reason::Case(denied.into()),
            Self::Refused { refusal, .. } => Reason::Case(refusal.into()),
            Self::Case(occurrence) => Reason::Case((**occurrence).clone()),
            Self::NoSuchPath => Reason::Case(Occurrence::new(Case::UnknownPath)),
            Self::MethodNotAllowed(allow) => {
                Reason::Case(Occurrence::new(Case::WrongMethod).with(Placeholder::Allow, allow.as_str()))
            }
            Self::LoginFailed(_) => other(StatusCode::UNAUTHORIZED, "Login or password is wrong"),
            Self::KeyReused { .. } => other(
                StatusCode::UNPROCESSABLE_ENTITY,
                "Idempotency-Key was used for another request within the last 24 hours; use a new key for a new request",
            ),
            Self::BadRequest(message) => Reason::Other(StatusCode::BAD_REQUEST, message.into()),
            Self::TooManyRequests { message, .. } => Reason::Other(StatusCode::TOO_MANY_REQUESTS, message.into()),
            Self::Status { status, message, .. } => Reason::Other(*status, message.into()),
            Self::Store(error) => store_reason(error),
        }
    }

    /// The header that goes with the status.
    pub(super) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        Some(match self {
            Self::Denied(_) | Self::Case(_) => {
                (WWW_AUTHENTICATE, HeaderValue::from_static(self.occurrence()?.case.challenge()?))
            }
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

    /// Whether no route takes the path or the method.
    pub(super) fn is_of_no_route(&self) -> bool {
        matches!(self, Self::NoSuchPath | Self::MethodNotAllowed(_))
    }

    /// Whether the caller showed nothing that is a token.
    pub(super) fn is_of_no_token(&self) -> bool {
        matches!(self, Self::Denied(Denied::Missing | Denied::OtherScheme | Denied::Invalid | Denied::Revoked { .. }))
    }

    /// Whether the caller showed a token that is unknown, revoked or expired.
    pub(super) fn is_of_bad_token(&self) -> bool {
        matches!(self, Self::Denied(Denied::Invalid | Denied::Revoked { .. } | Denied::Expired { .. }))
    }
}

/// Why a call failed, with the status and the message of what is no case of the contract.
enum Reason<'a> {
    Case(Occurrence<'a>),
    Other(StatusCode, Cow<'a, str>),
}

fn store_reason(error: &StoreError) -> Reason<'_> {
    let (status, message) = match error {
        StoreError::Invalid { .. } => (StatusCode::BAD_REQUEST, error.to_string().into()),
        StoreError::Conflict { .. } => (StatusCode::CONFLICT, error.to_string().into()),
        StoreError::NotFound { .. } => (StatusCode::NOT_FOUND, error.to_string().into()),
        StoreError::Busy(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, "The server is busy; nothing was done, try again".into())
        }
        StoreError::Unavailable(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The database cannot be used just now; nothing was done, try again".into(),
        ),
        StoreError::Unknown(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "It is not known whether this was recorded; ask again with the same Idempotency-Key, or look what is recorded first"
                .into(),
        ),
        StoreError::Internal(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "Internal error; the log says more under this X-Request-Id".into(),
        ),
    };
    Reason::Other(status, message)
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

impl From<Occurrence<'static>> for Failure {
    fn from(occurrence: Occurrence<'static>) -> Self {
        Self::Case(Box::new(occurrence))
    }
}

impl From<Case> for Failure {
    fn from(case: Case) -> Self {
        Occurrence::new(case).into()
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
