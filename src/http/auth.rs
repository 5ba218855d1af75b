//! Authentication: the one way from a request to a caller. A token is checked before anything is said of the body.

use std::rc::Rc;

use actix_web::{
    HttpRequest,
    http::header::{AUTHORIZATION, HeaderMap},
};

use super::{
    calibration,
    context::RequestContext,
    failure::Failure,
    middleware::real_ip,
    state::AppState,
    tenant::{LogIn, Tenant},
};
use crate::{
    store::{
        Store,
        authorized::AuthorizedStore,
        tokens::{Credentials, Secret},
    },
    survey::access::{Denied, Role},
};

/// A caller that shows a token. Whether it is valid is decided by the tenant's store, in the same snapshot as the call.
pub(super) struct Bearer {
    tenant: Rc<Tenant>,
    pub(super) credentials: Credentials,
}

impl Bearer {
    /// The bearer of the token of a call.
    ///
    /// Errors: 401 for no token, a malformed header, or a token of a form that no token has.
    pub(super) fn of(request: &HttpRequest, app: &AppState) -> Result<Self, Failure> {
        calibration::check_scheme(request, app.answers_of(request))?;
        let read = {
            let mut context = RequestContext::of(request);
            context.tenant.clone().zip(context.credentials.take())
        };
        let (tenant, credentials) = match read {
            Some(read) => read,
            None => app.resolver.resolve(&bearer_token(request.headers())?)?,
        };
        RequestContext::of(request).tenant = Some(Rc::clone(&tenant));
        Ok(Self { tenant, credentials })
    }

    /// The bearer of a login, and the token that it gets if its password is right.
    ///
    /// Errors: 400 for a login that cannot be one.
    pub(super) fn of_login(
        request: &HttpRequest,
        app: &AppState,
        login: &str,
        password: &str,
    ) -> Result<(Self, Secret), Failure> {
        let LogIn { tenant, credentials, token } = app.resolver.log_in(login, password)?;
        RequestContext::of(request).tenant = Some(Rc::clone(&tenant));
        Ok((Self { tenant, credentials }, token))
    }

    pub(super) fn store(&self) -> &Store {
        &self.tenant.store
    }

    /// Lets in a caller that has one of those roles. The store that it gets authenticates it again with each use.
    ///
    /// Errors: 401 for a token that is unknown, revoked or expired, 403 for another role.
    pub(super) async fn authorize(
        &self,
        request: &HttpRequest,
        allowed: &'static [Role],
    ) -> Result<AuthorizedStore, Failure> {
        let address = real_ip::address(request);
        let store = self.tenant.store.authorize(self.credentials.clone(), allowed, address).await?;
        RequestContext::of(request).authenticated(store.caller());
        Ok(store)
    }
}

/// A caller who is an administrator; only [`admin`] makes it.
pub(crate) struct Admin {
    tenant: Rc<Tenant>,
    store: AuthorizedStore,
}

impl Admin {
    pub(crate) fn store(&self) -> &AuthorizedStore {
        &self.store
    }

    pub(super) fn tenant(&self) -> &Tenant {
        &self.tenant
    }
}

/// Lets in an administrator.
///
/// Errors: 401 for a token that is missing, invalid or expired, 403 for another role; nothing of the body was read.
pub(crate) async fn admin(request: &HttpRequest, app: &AppState) -> Result<Admin, Failure> {
    let bearer = Bearer::of(request, app)?;
    let store = bearer.authorize(request, Role::ADMINS).await?;
    Ok(Admin { tenant: bearer.tenant, store })
}

/// The token of `Authorization: Bearer <token>`. The scheme is case-insensitive, and may come twice: the vendor's login
/// hands out tokens that already begin with it (documented quirk).
pub(crate) fn bearer_token(headers: &HeaderMap) -> Result<Secret, Denied> {
    let mut values = headers.get_all(AUTHORIZATION);
    let value = values.next().ok_or(Denied::Missing)?;
    if values.next().is_some() {
        return Err(Denied::Invalid);
    }
    let value = value.to_str().map_err(|_| Denied::Invalid)?.trim();
    if value.is_empty() {
        return Err(Denied::Missing);
    }
    let scheme = value.split(' ').next().unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Denied::OtherScheme);
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
    #[case("Basic YTpi", Err(Denied::OtherScheme))]
    #[case("Negotiate", Err(Denied::OtherScheme))]
    #[case("BearerX abc", Err(Denied::OtherScheme))]
    #[case("abc", Err(Denied::OtherScheme))]
    #[case("", Err(Denied::Missing))]
    fn a_token_is_read_from_its_header(#[case] header: &str, #[case] expected: Result<&str, Denied>) {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(header).expect("a header"));
        let token = bearer_token(&headers).map(|secret| secret.reveal().to_owned());
        assert_eq!(token, expected.map(str::to_owned));
    }
}
