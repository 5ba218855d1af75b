//! What the caller shows to the server, and nobody else may see.

use crate::answers::FAKE_TOKENS;

/// The caller's secrets. None of them is ever printed or saved.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    pub(crate) token: Option<String>,
    pub(crate) login: Option<(String, String)>,
    pub(crate) wrong_role: Option<String>,
    pub(crate) expired: Option<String>,
}

impl Secrets {
    /// The text without the secrets, and without the token of a session. The tokens that a fake names are no secrets.
    pub(super) fn hide(&self, session: Option<&str>, text: &str) -> String {
        let Self { token, login, wrong_role, expired } = self;
        let password = login.as_ref().map(|(_, password)| password.as_str());
        let session = session.map(without_scheme);
        let secrets = [token.as_deref(), password, wrong_role.as_deref(), expired.as_deref(), session];
        let hide = |part: &str| {
            let secrets = secrets.iter().flatten().filter(|secret| !secret.is_empty());
            secrets.fold(part.to_owned(), |text, secret| text.replace(secret, "[hidden]"))
        };
        text.split(FAKE_TOKENS).map(hide).collect::<Vec<_>>().join(FAKE_TOKENS)
    }
}

/// A token without `Bearer` in front of it, however often.
pub(crate) fn without_scheme(value: &str) -> &str {
    let mut rest = value.trim();
    while let Some((scheme, token)) = rest.split_once(' ')
        && scheme.eq_ignore_ascii_case("bearer")
    {
        rest = token.trim_start();
    }
    rest
}
