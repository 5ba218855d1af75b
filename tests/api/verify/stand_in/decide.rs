//! What a request comes to.

use super::{ACCEPTED, Behaviour, CONTRACT, EXPIRED, Reply, Request, Shared, TOKEN, WRONG_ROLE, send_body::Target};

const SEND: &str = "/api/v1/quality/send";
const LOGIN: &str = "/api/auth/login";

/// The largest body, in bytes.
const LIMIT: usize = 4096;

/// The name of a case, and the values that its message can have.
#[derive(Clone, Debug)]
pub struct Decision {
    pub case: &'static str,
    pub values: Vec<(&'static str, String)>,
}

impl Decision {
    pub fn of(case: &str) -> Self {
        let names = CONTRACT.iter().map(|(name, ..)| *name).chain(ACCEPTED).chain(["sent", "login"]);
        let case = names.into_iter().find(|name| *name == case).unwrap_or_else(|| panic!("no such case: {case}"));
        Self { case, values: Vec::new() }
    }

    pub fn value(mut self, name: &'static str, value: impl ToString) -> Self {
        self.values.push((name, value.to_string()));
        self
    }
}

/// The rows of a server.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    pub flag_is_off: bool,
    pub clients: Vec<Client>,
}

/// A client. The id of its thread is its own and 1000; its external id is `crm-` and its own.
#[derive(Clone, Debug)]
pub struct Client {
    pub id: i64,
    pub name: &'static str,
    pub state: ClientState,
}

/// What a send to a client comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientState {
    OpenThread,
    NoClosedThread,
    /// Only this form can be sent.
    Allows(i64),
}

impl Rows {
    #[must_use]
    pub fn client(mut self, id: i64, name: &'static str, state: ClientState) -> Self {
        self.clients.push(Client { id, name, state });
        self
    }
}

impl Shared {
    pub(super) fn decide(&self, request: &Request) -> Decision {
        if request.path == LOGIN && request.method == "POST" {
            let mut logins = self.logins.lock().unwrap();
            logins.number += 1;
            logins.calls_of_last = 0;
            return Decision::of("login").value("number", logins.number);
        }
        self.send(request).unwrap_or_else(|refused| refused)
    }

    fn send(&self, request: &Request) -> Result<Decision, Decision> {
        if request.path != SEND {
            return Err(Decision::of("unknownPath"));
        }
        if request.method != "POST" {
            let asks = request.method == "OPTIONS" && request.header("Access-Control-Request-Method").is_some();
            return Err(Decision::of(if asks { "preflight" } else { "wrongMethod" }).value("allow", "POST"));
        }
        self.authenticate(request)?;
        let behaviour = &self.behaviour;
        behaviour.allow("query", request.query.is_some())?;
        behaviour.allow("chunkedBody", request.header("Transfer-Encoding").is_some())?;
        let text = behaviour.text(request)?;
        let (target, form) = behaviour.parse(text)?;
        Err(behaviour.rows.decide(target, form))
    }

    fn authenticate(&self, request: &Request) -> Result<(), Decision> {
        let header = request.header("Authorization").unwrap_or_default();
        let mut words: Vec<_> = header.split_whitespace().collect();
        if words.is_empty() {
            return Err(Decision::of("tokenMissing"));
        }
        let is_bearer = |word: &str| word.eq_ignore_ascii_case("bearer");
        if !is_bearer(words[0]) {
            return Err(Decision::of("otherScheme"));
        }
        let is_doubled = words.len() == 3 && is_bearer(words[1]);
        self.behaviour.allow("doubledBearer", is_doubled)?;
        self.behaviour.allow("lowerCaseScheme", words[0] == "bearer")?;
        if is_doubled {
            words.remove(1);
        }
        let mut logins = self.logins.lock().unwrap();
        match words[1..] {
            [TOKEN] => Ok(()),
            [WRONG_ROLE] => Err(Decision::of("wrongRole").value("role", "BOT")),
            [EXPIRED] => Err(Decision::of("tokenExpired")),
            [token] if logins.number > 0 && token == format!("login-{}", logins.number) => {
                logins.calls_of_last += 1;
                let is_expired = self.behaviour.login_lasts.is_some_and(|calls| logins.calls_of_last > calls);
                if is_expired { Err(Decision::of("tokenExpired")) } else { Ok(()) }
            }
            _ => Err(Decision::of("tokenInvalid")),
        }
    }
}

impl Behaviour {
    /// Whether a request of that case is taken as if it were written as documented.
    pub(super) fn accepts(&self, case: &str) -> bool {
        self.accepted.contains(case) || ACCEPTED.contains(&case) && !self.replies.contains_key(case)
    }

    fn allow(&self, case: &'static str, happens: bool) -> Result<(), Decision> {
        if happens && !self.accepts(case) { Err(Decision::of(case)) } else { Ok(()) }
    }

    /// The text of a body.
    fn text<'a>(&self, request: &'a Request) -> Result<&'a str, Decision> {
        match request.header("Content-Type") {
            None => self.allow("mediaTypeMissing", true)?,
            Some("application/json") => {}
            Some(media_type) => {
                let is_json = media_type.starts_with("application/json;");
                self.allow(if is_json { "charset" } else { "mediaType" }, true)?;
            }
        }
        self.allow("contentEncoding", request.header("Content-Encoding").is_some())?;
        if request.body.len() > LIMIT && !self.accepts("bodyTooLarge") {
            return Err(Decision::of("bodyTooLarge").value("limit", LIMIT));
        }
        let text = std::str::from_utf8(&request.body)
            .map_err(|error| Decision::of("bodyNotUtf8").value("byte", error.valid_up_to() + 1))?;
        self.allow("byteOrderMark", text.starts_with('\u{feff}'))?;
        Ok(text.trim_start_matches('\u{feff}'))
    }

    /// Whether a case is answered with silence.
    pub(super) fn is_silent(&self, decision: &Decision) -> bool {
        matches!(self.planned(decision), Some(Reply::Silence))
    }
}

impl Rows {
    fn decide(&self, target: Target, form: i64) -> Decision {
        if self.flag_is_off {
            return Decision::of("flagOff");
        }
        let found = |is: &dyn Fn(&Client) -> bool| self.clients.iter().find(|client| is(client));
        let (client, case, id) = match target {
            Target::Client(id) => (found(&|client| client.id == id), "clientNotFound", id.to_string()),
            Target::External(id) => (found(&|client| format!("crm-{}", client.id) == id), "externalClientNotFound", id),
            Target::Thread(id) => (found(&|client| client.id + 1000 == id), "threadNotFound", id.to_string()),
        };
        let Some(client) = client else { return Decision::of(case).value("id", id) };
        let case = match client.state {
            ClientState::OpenThread => "openThread",
            ClientState::NoClosedThread => "noClosedThread",
            ClientState::Allows(allowed) if allowed == form => "sent",
            ClientState::Allows(_) => "formNotEnabled",
        };
        let decision = Decision::of(case).value("form", form).value("thread", client.id + 1000);
        decision.value("client", client.id).value("name", client.name)
    }
}
