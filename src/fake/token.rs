//! The tokens of a fake: `test-<user>` or `test-<user>@<world>`. They are in no file, for the text itself says everything. A
//! token that was created in a world, `surveyd_<secret>@<world>`, is looked up in the file of that world.

use serde::Serialize;

use crate::{
    http::failure::Failure,
    store::tokens::{Caller, Credentials, Secret},
    survey::{
        access::{Denied, Role},
        time::Time,
    },
};

/// Begins every token of a fake.
const PREFIX: &str = "test-";

/// The name of a world: 1 to 64 characters of `A-Za-z0-9._-`, or empty for the default world.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub(crate) struct WorldName(String);

impl WorldName {
    /// What a name must be, for messages.
    pub(crate) const EXPECTED: &str = "1 to 64 characters of A-Za-z0-9._-";

    /// Takes a name as it was written after the `@`.
    pub(crate) fn new(name: &str) -> Option<Self> {
        let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        ((1..=64).contains(&name.len()) && name.bytes().all(is_fit)).then(|| Self(name.to_owned()))
    }

    /// The end of a token of this world: `@` and the name, or nothing.
    pub(crate) fn suffix(&self) -> String {
        if self.0.is_empty() { String::new() } else { format!("@{}", self.0) }
    }
}

/// A token as it was read. `test-<user>~<ms>@<world>` expires at that time, in milliseconds since 1970, by its world's clock.
#[derive(Debug)]
pub(crate) struct TestToken {
    pub(crate) credentials: Credentials,
    pub(crate) world: WorldName,
}

impl TestToken {
    /// Reads a token.
    ///
    /// Errors: 401 for a text that is no token of a fake, 400 for an invalid name of a world.
    pub(crate) fn parse(secret: &Secret) -> Result<Self, Failure> {
        let (token, world) = in_world(secret.reveal(), "Authorization")?;
        if token.starts_with(Secret::PREFIX) {
            return Ok(Self { credentials: Credentials::Secret(Secret::new(token).digest()), world });
        }
        let (name, expires_at) = match token.split_once('~') {
            None => (token, None),
            Some((name, ms)) => (name, Some(Time(ms.parse().map_err(|_| Denied::Invalid)?))),
        };
        let user = name.strip_prefix(PREFIX).ok_or(Denied::Invalid)?;
        let role = match user {
            "admin" => Role::Admin,
            "wrongrole" => Role::Bot,
            // The name goes into every send, so it is bounded.
            _ if user.is_empty() || name.len() > 255 => return Err(Denied::Invalid.into()),
            _ => Role::Integrator,
        };
        let expires_at = if user == "expired" { Some(Time(0)) } else { expires_at };
        let caller = Caller { id: 1, name: name.to_owned(), role, expires_at };
        Ok(Self { credentials: Credentials::Known(caller), world })
    }

    /// Its name; None for a token that was created in a world, whose name is in the file.
    pub(crate) fn name(&self) -> Option<&str> {
        if let Credentials::Known(caller) = &self.credentials { Some(&caller.name) } else { None }
    }
}

/// How long a user can be, in bytes: the name of a token has at most 255.
const MAX_USER: usize = 255 - PREFIX.len();

/// A login: `<user>` or `<user>@<world>`. With a dot after the `@` it is an email, which is a user of the default world.
pub(crate) struct Login {
    user: String,
    pub(crate) world: WorldName,
}

impl Login {
    /// Reads a login. A character that a token cannot have becomes `_`.
    ///
    /// Errors: 400 for an invalid user or name of a world.
    pub(crate) fn parse(login: &str) -> Result<Self, Failure> {
        let (user, mut world) = in_world(login, "login")?;
        if !(1..=200).contains(&user.chars().count()) {
            return Err(Failure::bad_request("login must have 1 to 200 characters, before the @ of a world"));
        }
        let is_email = world.0.contains('.');
        if is_email {
            world = WorldName::default();
        }
        let name = if is_email { login } else { user };
        let fit = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
        Ok(Self { user: name.chars().map(fit).take(MAX_USER).collect(), world })
    }

    /// The token of the login, valid until that time.
    pub(crate) fn token(&self, expires_at: Time) -> Secret {
        Secret::new(format!("{PREFIX}{}~{}{}", self.user, expires_at.0, self.world.suffix()))
    }
}

/// Splits a text at the `@`: the part after it names a world.
///
/// Errors: 400 that names the field, for an invalid name of a world.
fn in_world<'a>(text: &'a str, field: &str) -> Result<(&'a str, WorldName), Failure> {
    let Some((text, name)) = text.split_once('@') else { return Ok((text, WorldName::default())) };
    let world = WorldName::new(name)
        .ok_or_else(|| Failure::bad_request(format!("{field}: the world after @ must be {}", WorldName::EXPECTED)))?;
    Ok((text, world))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_user_and_its_world() {
        let read = |text: &str| {
            TestToken::parse(&Secret::new(text))
                .map(|TestToken { credentials, world }| {
                    let Credentials::Known(caller) = credentials else { return format!("made @{}", world.0) };
                    let expires = caller.expires_at.map_or(String::new(), |time| time.0.to_string());
                    format!("{} {} {expires}@{}", caller.name, caller.role.as_str(), world.0)
                })
                .map_err(|failure| failure.to_string())
        };
        let ok = |text: &str| Ok(text.to_owned());
        assert_eq!(read("test-crm"), ok("test-crm INTEGRATOR @"));
        assert_eq!(read("test-crm@w1"), ok("test-crm INTEGRATOR @w1"));
        assert_eq!(read("test-admin@a.B-c_9"), ok("test-admin ADMIN @a.B-c_9"));
        assert_eq!(read("test-wrongrole@w"), ok("test-wrongrole BOT @w"));
        assert_eq!(read("test-expired@w"), ok("test-expired INTEGRATOR 0@w"));
        assert_eq!(read("test-crm~1764000000000@w1"), ok("test-crm INTEGRATOR 1764000000000@w1"));
        assert_eq!(read("surveyd_00"), ok("made @"));
        assert_eq!(read("surveyd_00@w1"), ok("made @w1"));
        for nobody in ["", "test", "test-", "test-@w", "crm", "Test-crm", "test-crm~", "test-crm~soon"] {
            assert_eq!(read(nobody), Err("Token is invalid".to_owned()), "{nobody}");
        }
        let world = "Authorization: the world after @ must be 1 to 64 characters of A-Za-z0-9._-";
        for nowhere in ["test-crm@", "test-crm@a@b", "test-crm@a/b", &format!("test-crm@{}", "w".repeat(65))] {
            assert_eq!(read(nowhere), Err(world.to_owned()), "{nowhere}");
        }
    }

    #[test]
    fn a_login_yields_a_token_that_expires() {
        let token = |login: &str| {
            Login::parse(login)
                .map(|login| login.token(Time(5)).reveal().to_owned())
                .map_err(|failure| failure.to_string())
        };
        assert_eq!(token("alice"), Ok("test-alice~5".to_owned()));
        assert_eq!(token("alice@w1"), Ok("test-alice~5@w1".to_owned()));
        assert_eq!(token("someone@example.com"), Ok("test-someone_example.com~5".to_owned()));
        let longest = token(&format!("{}@{}.com", "a".repeat(200), "b".repeat(60))).expect("a token");
        assert!(TestToken::parse(&Secret::new(longest)).is_ok(), "the name of a token has a bound");
        assert_eq!(token("Анна b"), Ok("test-_____b~5".to_owned()));
        let world = "login: the world after @ must be 1 to 64 characters of A-Za-z0-9._-";
        assert_eq!(token("alice@w 1"), Err(world.to_owned()));
    }
}
