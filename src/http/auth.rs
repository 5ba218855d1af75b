//! Who calls.

use actix_web::{
    HttpRequest,
    http::header::{AUTHORIZATION, HeaderMap},
};

use super::{Site, failure::Failure};
use crate::{
    store::{
        Store,
        tokens::{Caller, Credentials, Secret},
    },
    survey::access::{Denied, Role},
};

/// Whether the ready-made tokens of a fake are good here. They are in memory only, and nothing makes `serve` accept them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestTokens {
    /// A fake.
    Accepted,
    /// A server.
    Refused,
}

/// The way of an administrator to the store; only [`admin`] opens it.
pub(super) struct Admin<'a>(&'a Store);

impl Admin<'_> {
    /// What the caller may read and change.
    pub(super) fn store(&self) -> &Store {
        self.0
    }
}

/// Lets in who may administer.
///
/// Errors: 401 for a token that is missing, invalid or expired, 403 for another role; nothing of the body was read.
pub(super) async fn admin<'a>(request: &HttpRequest, site: &'a Site) -> Result<Admin<'a>, Failure> {
    site.store.authenticate(credentials(request, site)?, Role::ADMINS).await??;
    Ok(Admin(&site.store))
}

/// What the caller shows; whether it is good is for the store to say, where the decision is made.
///
/// Errors: 401 for none, or a malformed header.
pub(super) fn credentials(request: &HttpRequest, site: &Site) -> Result<Credentials, Denied> {
    let secret = bearer(request.headers())?;
    if site.test_tokens == TestTokens::Accepted && secret.reveal().starts_with("test-") {
        return test_token(secret.reveal()).map(Credentials::Test);
    }
    Ok(Credentials::Secret(secret.digest()))
}

/// The token of `Authorization: Bearer <token>`. The scheme is case-insensitive, and may stand twice: the vendor's login
/// hands out tokens that begin with it already (documented quirk).
fn bearer(headers: &HeaderMap) -> Result<Secret, Denied> {
    let mut values = headers.get_all(AUTHORIZATION);
    let value = values.next().ok_or(Denied::Missing)?;
    if values.next().is_some() {
        return Err(Denied::Invalid);
    }
    let value = value.to_str().map_err(|_| Denied::Invalid)?.trim();
    if value.is_empty() {
        return Err(Denied::Missing);
    }
    let token = without_scheme(value).ok_or(Denied::Invalid)?;
    let token = without_scheme(token).unwrap_or(token);
    let well_formed = !token.is_empty() && !token.contains(char::is_whitespace);
    if well_formed { Ok(Secret::new(token)) } else { Err(Denied::Invalid) }
}

fn without_scheme(value: &str) -> Option<&str> {
    let (scheme, rest) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| rest.trim_start())
}

/// The tokens of a fake: three that show something, and every other name is an INTEGRATOR.
fn test_token(token: &str) -> Result<Caller, Denied> {
    let role = match token {
        "test-expired" => return Err(Denied::Expired),
        "test-admin" => Role::Admin,
        "test-wrongrole" => Role::Bot,
        // What stands behind an @ is kept for worlds. A name is needed, and goes into every send: so it is bounded.
        _ if token.contains('@') || token.len() <= "test-".len() || token.len() > 255 => return Err(Denied::Invalid),
        _ => Role::Integrator,
    };
    Ok(Caller { name: token.to_owned(), role, expires_at: None })
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Bearer abc", Ok("abc"))]
    #[case("bearer abc", Ok("abc"))]
    #[case("BEARER   abc ", Ok("abc"))]
    #[case("Bearer Bearer abc", Ok("abc"))]
    #[case("Bearer bEARER abc", Ok("abc"))]
    #[case("Bearer bearer", Ok("bearer"))]
    #[case("Bearer Bearer Bearer abc", Err(Denied::Invalid))]
    #[case("Bearer", Err(Denied::Invalid))]
    #[case("Bearer a b", Err(Denied::Invalid))]
    #[case("Basic YTpi", Err(Denied::Invalid))]
    #[case("abc", Err(Denied::Invalid))]
    #[case("", Err(Denied::Missing))]
    fn a_header_yields_its_token(#[case] header: &str, #[case] expected: Result<&str, Denied>) {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(header).expect("a header"));
        let token = bearer(&headers).map(|secret| secret.reveal().to_owned());
        assert_eq!(token, expected.map(str::to_owned));
    }
}
