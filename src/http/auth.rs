//! Who calls.

use std::rc::Rc;

use actix_web::{
    HttpRequest,
    http::{
        StatusCode,
        header::{AUTHORIZATION, HeaderMap},
    },
};

use crate::http::{
    attempts::{self, Decision},
    failure::Failure,
    middleware::real_ip,
    state::AppState,
    tenant::Tenant,
};
use crate::{
    store::{
        Store,
        audit::Actor,
        tokens::{Caller, Credentials, Secret},
    },
    survey::{
        access::{Denied, Role},
        rules::Rule,
    },
};

/// One who shows a token. Whether it is good is for the tenant's store to say, where the decision is made.
pub(crate) struct Bearer {
    tenant: Rc<Tenant>,
    pub(crate) credentials: Credentials,
}

impl Bearer {
    /// The bearer of the token of a call to `/api/**`.
    ///
    /// Errors: 401 for no token, a malformed header, or a token of a form that is good nowhere.
    pub(crate) fn of(request: &HttpRequest, app: &AppState) -> Result<Self, Failure> {
        let (tenant, credentials) = admit(request, app).inspect_err(|failure| {
            if failure.status() == StatusCode::UNAUTHORIZED
                && let Some(tenant) = app.resolver.anonymous()
            {
                attempts::begin(request, &tenant);
                attempts::note_outcome(request, Decision::Denied(Rule::Token));
            }
        })?;
        attempts::begin(request, &tenant);
        Ok(Self { tenant, credentials })
    }

    /// Where they are known.
    pub(crate) fn store(&self) -> &Store {
        &self.tenant.store
    }

    /// Lets in who has one of those roles.
    ///
    /// Errors: 401 for a token that is unknown, revoked or expired, 403 for another role.
    pub(crate) async fn authenticate(
        &self,
        request: &HttpRequest,
        allowed: &'static [Role],
    ) -> Result<Caller, Failure> {
        let caller = self.store().authenticate(self.credentials.clone(), allowed).await?;
        attempts::note_caller(request, &caller);
        Ok(caller?)
    }
}

/// Who the audit says it was.
pub(crate) fn actor(request: &HttpRequest, caller: &Caller) -> Actor {
    Actor::token(&caller.name, real_ip::address(request))
}

/// An administrator's way to a tenant; only [`admin`] opens it.
pub(crate) struct Admin {
    tenant: Rc<Tenant>,
    credentials: Credentials,
    actor: Actor,
}

impl Admin {
    /// What the caller may read.
    pub(crate) fn store(&self) -> &Store {
        &self.tenant.store
    }

    /// The same, and what was tried there.
    pub(crate) fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// The caller, as the audit names them.
    pub(crate) fn actor(&self) -> Actor {
        self.actor.clone()
    }

    /// Whether they still may: for an answer that goes on and on.
    pub(crate) async fn still_may(&self) -> bool {
        let caller = self.store().authenticate(self.credentials.clone(), Role::ADMINS).await;
        matches!(caller, Ok(Ok(_)))
    }
}

/// Lets in who may administer.
///
/// Errors: 401 for a token that is missing, invalid or expired, 403 for another role; nothing of the body was read.
pub(crate) async fn admin(request: &HttpRequest, app: &AppState) -> Result<Admin, Failure> {
    let (tenant, credentials) = admit(request, app)?;
    attempts::begin(request, &tenant);
    let caller = tenant.store.authenticate(credentials.clone(), Role::ADMINS).await?;
    attempts::note_caller(request, &caller);
    Ok(Admin { actor: actor(request, &caller?), credentials, tenant })
}

fn admit(request: &HttpRequest, app: &AppState) -> Result<(Rc<Tenant>, Credentials), Failure> {
    app.resolver.resolve(bearer(request.headers())?)
}

/// The token of `Authorization: Bearer <token>`. The scheme is case-insensitive, and may stand twice: the vendor's login
/// hands out tokens that begin with it already (documented quirk).
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Secret, Denied> {
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
