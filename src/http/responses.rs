//! Successful answers of handlers.

use actix_web::{HttpRequest, HttpResponse, Responder, body::BoxBody, http::StatusCode};
use serde::Serialize;

use super::failure::Failure;
use crate::store::error::StoreError;

/// An answer without a body.
pub(crate) struct Empty(StatusCode);

impl Empty {
    pub(crate) const OK: Self = Self(StatusCode::OK);
    pub(crate) const NO_CONTENT: Self = Self(StatusCode::NO_CONTENT);
}

impl Responder for Empty {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::new(self.0)
    }
}

/// An answer with a JSON body.
pub(crate) struct Json<T> {
    pub(crate) status: StatusCode,
    pub(crate) value: T,
}

impl<T> Json<T> {
    pub(crate) fn ok(value: T) -> Self {
        Self { status: StatusCode::OK, value }
    }
}

impl<T: Serialize> Responder for Json<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        match serde_json::to_vec(&self.value) {
            Ok(body) => HttpResponse::new(self.status).set_body(BoxBody::new(body)),
            Err(error) => HttpResponse::from_error(Failure::from(StoreError::Internal(error.to_string()))),
        }
    }
}
