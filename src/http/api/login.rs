//! `POST /api/auth/login`.

use std::time::Instant;

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    body::BoxBody,
    http::header::{AUTHORIZATION, HeaderValue},
    web::{Payload, ThinData},
};
use serde::{Deserialize, Serialize};

use crate::{
    http::{auth::Bearer, failure::Failure, middleware::real_ip, request_body, responses::Json, state::State},
    store::tokens::Secret,
    survey::access::Role,
};

#[derive(Deserialize)]
struct LoginRequest {
    login: String,
    password: String,
    /// The language of the vendor's own pages; there is nothing here that speaks one.
    #[serde(default, rename = "locale")]
    _locale: Option<String>,
}

/// Who has logged in, and with which token they go on.
pub(crate) struct LoginResponse {
    user_id: i64,
    token: Secret,
    role: Role,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LoginBody<'a> {
    user_id: i64,
    /// Null in the documented answer, too.
    login: Option<&'a str>,
    token: &'a str,
    role: Role,
}

impl Responder for LoginResponse {
    type Body = BoxBody;

    /// The token already begins with `Bearer `, and the header has the scheme before it. Documented.
    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let token = format!("Bearer {}", self.token.reveal());
        let header = HeaderValue::try_from(format!("Bearer {token}"));
        let body = LoginBody { user_id: self.user_id, login: None, token: &token, role: self.role };
        let mut response = Json::ok(body).respond_to(request);
        if let Ok(header) = header {
            response.headers_mut().insert(AUTHORIZATION, header);
        }
        response
    }
}

/// Hands out a token for a login and its password.
///
/// Source: "Authorization". That failed tries are slowed down is chosen.
pub(crate) async fn log_in(
    request: HttpRequest,
    payload: Payload,
    ThinData(app): State,
) -> Result<LoginResponse, Failure> {
    let body = request_body::read(&request, payload, request_body::SEND_LIMIT, &app).await?;
    // Not the parser's message, which would repeat what was sent, and that may be a password.
    let Ok(LoginRequest { login, password, .. }) = body.parse() else {
        return Err(Failure::bad_request(
            "The body must be a JSON object with login and password, both of them strings",
        ));
    };
    if login.is_empty() {
        return Err(Failure::bad_request("login must have 1 character at least"));
    }
    let (bearer, token) = Bearer::of_login(&request, &app, &login, &password)?;
    let throttled = app.throttles.as_ref().zip(real_ip::address(&request));
    if let Some((throttles, address)) = throttled {
        throttles.check_login(address, Instant::now())?;
    }
    match bearer.authorize(&request, Role::ANYBODY).await.map(|store| store.caller().clone()) {
        Ok(caller) => {
            // Again: after five failures, a right password among many simultaneous tries must get the same answer as a wrong one.
            if let Some((throttles, address)) = throttled {
                throttles.check_login(address, Instant::now())?;
            }
            Ok(LoginResponse { user_id: caller.id, token, role: caller.role })
        }
        Err(Failure::Denied(denied)) => {
            if let Some((throttles, address)) = throttled {
                throttles.fail_login(address, Instant::now())?;
            }
            Err(Failure::LoginFailed(denied))
        }
        Err(failure) => Err(failure),
    }
}
