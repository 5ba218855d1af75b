//! The sequential model: what the server answers to one call after another. It is written from the contract, and shares no code
//! with the server.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::call::{Action, Answer, Call, Caller, Target, Thread};

const SENDERS: &str = "INTEGRATOR, OPERATOR or SUPERVISOR";

/// The state of a world.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Model {
    pub flag: bool,
    /// The external id of each client.
    pub clients: BTreeMap<i64, String>,
    pub threads: BTreeMap<i64, Thread>,
    pub forms: BTreeMap<i64, Form>,
    pub tokens: BTreeMap<i64, Token>,
    /// The token of each secret, and whether it is still valid for it.
    pub secrets: BTreeMap<String, (i64, Validity)>,
    pub sends: Vec<Send>,
    /// Keys of a token, with the request and the index of its send.
    pub keys: BTreeMap<(i64, String), (Target, i64, usize)>,
    /// For each row of the audit, the clients whom it shows.
    pub audit: Vec<BTreeSet<i64>>,
    /// The next id of a token.
    pub next_token: i64,
    /// The sendingId of the first send.
    pub first_send: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    pub name: String,
    pub channels: BTreeSet<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    pub name: String,
    pub role: &'static str,
    pub revoked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Validity {
    Current,
    /// An old secret whose overlap has a day left.
    Overlap,
    Ended,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Send {
    form: i64,
    thread: i64,
    client: i64,
    token: String,
}

type Outcome = Result<Answer, Answer>;

fn error(status: u16, message: impl Into<String>) -> Answer {
    Answer::new(status, message.into())
}

fn not_found(kind: &str, id: i64) -> Answer {
    error(404, format!("{kind} {id} not found"))
}

#[expect(clippy::unnecessary_wraps, reason = "the last expression of many functions that may fail")]
fn ok(status: u16, body: impl Into<Value>) -> Outcome {
    Ok(Answer::new(status, body))
}

impl Model {
    /// Answers a call, and takes the state after it. `issued` is the secret that a new token or a rotation got.
    pub fn answer(&mut self, call: &Call, issued: Option<&str>) -> Answer {
        let outcome = match &call.by {
            Caller::Secret(secret) => self.call(secret, &call.action, issued),
            // Of a command, the exit code is compared.
            Caller::Command => self.command(&call.action, issued).map(|_| Answer::new(0, Value::Null)),
        };
        match (outcome, &call.by) {
            (Ok(answer), _) | (Err(answer), Caller::Secret(_)) => answer,
            (Err(_), Caller::Command) => Answer::new(1, Value::Null),
        }
    }

    fn call(&mut self, secret: &str, action: &Action, issued: Option<&str>) -> Outcome {
        let roles = match action {
            Action::Send { .. } | Action::ShortInfo(_) => SENDERS,
            Action::VendorForm(_) => "INTEGRATOR",
            _ => "ADMIN",
        };
        let caller = self.caller(secret, roles)?;
        match action {
            Action::Send { target, form, key } => self.send(caller, target, *form, key.as_deref()),
            Action::Explain { target, form } => match self.decide(target, *form) {
                Ok(_) => ok(200, json!([200, null])),
                Err(refusal) => ok(200, json!([refusal.status, refusal.body])),
            },
            Action::Settings => ok(200, json!({"surveysViaExternalApi": self.flag})),
            Action::SetFlag(_) | Action::CreateToken(..) | Action::RotateToken(..) | Action::RevokeToken(_) => {
                self.command(action, issued)
            }
            Action::Threads => ok(200, self.threads.iter().map(|(id, thread)| thread.row(*id)).collect::<Vec<_>>()),
            Action::Thread(id) => ok(200, self.threads.get(id).ok_or_else(|| not_found("Thread", *id))?.row(*id)),
            Action::PutThread(id, thread) => {
                let before = self.threads.get(id).cloned();
                let answer = self.command(action, issued)?;
                if before.as_ref() != Some(thread) {
                    let shown = before.map(|before| before.client).into_iter().chain([thread.client]);
                    self.audit.push(shown.collect());
                }
                Ok(answer)
            }
            Action::DeleteThread(id) => {
                let thread = self.threads.remove(id).ok_or_else(|| not_found("Thread", *id))?;
                self.audit.push([thread.client].into());
                ok(204, Value::Null)
            }
            Action::Forms => ok(200, self.forms.iter().map(|(id, form)| form.row(*id)).collect::<Vec<_>>()),
            Action::PutForm(id, channels) => {
                let form = Form { name: "Put".to_owned(), channels: channels.iter().copied().collect() };
                let row = form.row(*id);
                let status = if self.forms.insert(*id, form).is_some() { 200 } else { 201 };
                ok(status, row)
            }
            Action::DeleteForm(id) => match self.forms.remove(id) {
                Some(_) => ok(204, Value::Null),
                None => Err(not_found("Form", *id)),
            },
            Action::Enable(form, channel) => {
                self.form(*form)?.channels.insert(*channel);
                ok(204, Value::Null)
            }
            Action::Disable(form, channel) => {
                self.form(*form)?.channels.remove(channel);
                ok(204, Value::Null)
            }
            Action::VendorForm(id) => {
                let id = id.unwrap_or_else(|| self.forms.keys().last().map_or(1, |last| last + 1));
                let new = || Form { name: format!("Quality form {id}"), channels: BTreeSet::new() };
                ok(200, self.forms.entry(id).or_insert_with(new).row(id))
            }
            Action::PutClient(..) | Action::DeleteClient(_) | Action::EraseClient(_) => self.change_client(action),
            Action::ShortInfo(external_id) => {
                let found = self.clients.iter().find(|(_, of_client)| *of_client == external_id);
                let info = |(id, external_id): (&i64, &String)| json!({"id": id, "externalId": external_id, "hasActiveThread": self.has_open_thread(*id)});
                ok(200, found.map(info).into_iter().collect::<Vec<_>>())
            }
            Action::Tokens => ok(200, self.tokens.iter().map(|(id, token)| token.row(*id)).collect::<Vec<_>>()),
            Action::Sends | Action::WaitForSends(_) => {
                let row = |(id, send): (i64, &Send)| json!([id, send.form, send.thread, send.client, send.token]);
                ok(200, (self.first_send..).zip(&self.sends).map(row).collect::<Vec<_>>())
            }
        }
    }

    /// What a command changes, too.
    fn command(&mut self, action: &Action, issued: Option<&str>) -> Outcome {
        match action {
            Action::SetFlag(on) => {
                self.flag = *on;
                ok(200, json!({"surveysViaExternalApi": on}))
            }
            Action::PutThread(id, thread) => {
                if !self.clients.contains_key(&thread.client) {
                    return Err(error(400, format!("clientId: no client {}", thread.client)));
                }
                let status = if self.threads.insert(*id, thread.clone()).is_some() { 200 } else { 201 };
                ok(status, thread.row(*id))
            }
            Action::CreateToken(name, role) => {
                if let Some((id, _)) = self.tokens.iter().find(|(_, token)| token.name == *name && !token.revoked) {
                    let message = format!(
                        "the name {name:?} belongs to token {id}; choose another name, or revoke that token first"
                    );
                    return Err(error(409, message));
                }
                let token = Token { name: name.clone(), role, revoked: false };
                let (id, row) = (self.next_token, token.row(self.next_token));
                self.next_token += 1;
                self.tokens.insert(id, token);
                self.secrets.insert(issued.unwrap_or_default().to_owned(), (id, Validity::Current));
                ok(201, row)
            }
            Action::RotateToken(id, overlap) => {
                let token = self.tokens.get(id).ok_or_else(|| not_found("Token", *id))?;
                if token.revoked {
                    return Err(error(409, format!("token {id} is revoked; make another one instead")));
                }
                self.secrets.retain(|_, (token, validity)| token != id || *validity != Validity::Ended);
                let own = self.secrets.values_mut().filter(|(token, _)| token == id);
                own.for_each(|(_, validity)| *validity = if *overlap { Validity::Overlap } else { Validity::Ended });
                self.secrets.insert(issued.unwrap_or_default().to_owned(), (*id, Validity::Current));
                ok(200, token.row(*id))
            }
            Action::RevokeToken(id) => {
                self.tokens.get_mut(id).ok_or_else(|| not_found("Token", *id))?.revoked = true;
                ok(204, Value::Null)
            }
            other => panic!("no command does {other:?}"),
        }
    }

    fn caller(&self, secret: &str, roles: &str) -> Result<(i64, String), Answer> {
        let Some((id, validity)) = self.secrets.get(secret) else { return Err(error(401, "Token is invalid")) };
        let token = &self.tokens[id];
        if token.revoked {
            Err(error(401, "Token is invalid"))
        } else if *validity == Validity::Ended {
            Err(error(401, "Token is expired"))
        } else if roles.contains(token.role) {
            Ok((*id, token.name.clone()))
        } else {
            Err(error(403, format!("Role {} may not do this; it takes {roles}", token.role)))
        }
    }

    fn send(&mut self, (token, name): (i64, String), target: &Target, form: i64, key: Option<&str>) -> Outcome {
        let key = key.map(|key| (token, key.to_owned()));
        if let Some((of_target, of_form, _)) = key.as_ref().and_then(|key| self.keys.get(key)) {
            return if (of_target, *of_form) == (target, form) {
                ok(200, "replayed")
            } else {
                Err(error(
                    422,
                    "Idempotency-Key was used for another request within the last 24 hours; \
                     use a new key for a new request",
                ))
            };
        }
        let (client, thread) = self.decide(target, form)?;
        if let Some(key) = key {
            self.keys.insert(key, (target.clone(), form, self.sends.len()));
        }
        self.sends.push(Send { form, thread, client, token: name });
        ok(200, "sent")
    }

    /// The client and the thread of a send, in the order of the contract.
    fn decide(&self, target: &Target, form: i64) -> Result<(i64, i64), Answer> {
        if !self.flag {
            return Err(error(409, "Sending surveys via external api is disabled"));
        }
        let client = match target {
            Target::Client(id) => self.clients.get_key_value(id).map(|(id, _)| *id),
            Target::External(text) => self.clients.iter().find(|(_, of_client)| *of_client == text).map(|(id, _)| *id),
            Target::Thread(id) => self.threads.get(id).map(|thread| thread.client),
        };
        let client = client.ok_or_else(|| match target {
            Target::Client(id) => not_found("Client", *id),
            Target::External(text) => error(404, format!("Client {text:?} not found")),
            Target::Thread(id) => not_found("Thread", *id),
        })?;
        if self.has_open_thread(client) {
            return Err(error(409, "Client has open thread"));
        }
        let threads = self.threads.iter().filter(|(id, thread)| match target {
            Target::Thread(of_target) => *id == of_target,
            _ => thread.client == client,
        });
        let last = threads.max_by_key(|(id, thread)| (thread.hour, **id));
        let (thread, row) = last.ok_or_else(|| error(409, "Client has no closed thread"))?;
        let enabled = self.forms.get(&form).is_some_and(|form| form.channels.contains(&row.channel));
        if enabled {
            Ok((client, *thread))
        } else {
            Err(error(409, format!("Cannot send form {form} to thread {thread}")))
        }
    }

    fn change_client(&mut self, action: &Action) -> Outcome {
        match action {
            Action::PutClient(id, external_id) => {
                let owner = self.clients.iter().find(|(other, text)| *other != id && *text == external_id);
                if let Some((owner, _)) = owner {
                    return Err(error(409, format!("externalId: {external_id:?} belongs to client {owner}")));
                }
                let before = self.clients.insert(*id, external_id.clone());
                if before.as_ref() != Some(external_id) {
                    self.audit.push([*id].into());
                }
                ok(if before.is_some() { 200 } else { 201 }, json!({"id": id, "externalId": external_id}))
            }
            Action::DeleteClient(id) => {
                if !self.clients.contains_key(id) {
                    return Err(not_found("Client", *id));
                }
                if self.threads.values().any(|thread| thread.client == *id) {
                    // Which thread is named is not promised.
                    return Err(error(409, format!("Client {id} is needed by thread")));
                }
                self.clients.remove(id);
                self.audit.push([*id].into());
                ok(204, Value::Null)
            }
            Action::EraseClient(id) => self.erase(*id),
            other => panic!("not about a client: {other:?}"),
        }
    }

    fn erase(&mut self, id: i64) -> Outcome {
        let had_row = self.clients.remove(&id).is_some();
        let (threads, audit) = (self.threads.len(), self.audit.len());
        self.threads.retain(|_, thread| thread.client != id);
        self.audit.retain(|shown| !shown.contains(&id));
        let (threads, audit) = (threads - self.threads.len(), audit - self.audit.len());
        let sends = &mut self.sends;
        self.keys.retain(|_, (.., send)| sends[*send].client != id);
        let mut count = 0;
        for send in sends.iter_mut().filter(|send| send.client == id) {
            (send.client, send.thread) = (0, 0);
            count += 1;
        }
        if !had_row && threads == 0 && audit == 0 && count == 0 {
            return Err(not_found("Client", id));
        }
        ok(200, json!({"threads": threads, "sends": count, "audit": audit}))
    }

    fn form(&mut self, id: i64) -> Result<&mut Form, Answer> {
        self.forms.get_mut(&id).ok_or_else(|| not_found("Form", id))
    }

    fn has_open_thread(&self, client: i64) -> bool {
        self.threads.values().any(|thread| thread.client == client && thread.open)
    }
}

impl Form {
    fn row(&self, id: i64) -> Value {
        json!({"id": id, "name": self.name, "channels": self.channels})
    }
}

impl Token {
    fn row(&self, id: i64) -> Value {
        json!([id, self.name, self.role, self.revoked])
    }
}
