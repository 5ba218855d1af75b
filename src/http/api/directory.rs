//! The calls around a send: forms, threads and clients, as far as the vendor has published them.

use std::collections::BTreeSet;

use actix_web::{
    HttpRequest,
    http::StatusCode,
    web::{Path, Payload, ThinData},
};
use serde::{Deserialize, Serialize};

use crate::{
    http::{
        SiteOf,
        admin::{parse_id, read_body},
        attempts::{self, Outcome},
        auth::{self, Bearer},
        failure::Failure,
        query::Query,
        respond::Json,
    },
    store::{
        Connection,
        directory::{self, Conversation, ShortInfo},
    },
    survey::{
        access::Role,
        ids::{ChannelId, ClientId, FormId, ThreadId},
        model::{Form, Question, Thread, ThreadStatus},
        time::Time,
    },
};

/// How many threads one answer lists: the vendor's has no pages, and a list without end would help nobody.
const MOST_THREADS: usize = 10_000;

/// A form as the vendor's call has it. The id is chosen: without one a form is created, with one it is updated.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct FormAsked {
    id: Option<i64>,
    binary_question: Option<bool>,
    question: Option<QuestionAsked>,
    required_message_count: Option<i64>,
    sending_frequency: Option<i64>,
    hide_after: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct QuestionAsked {
    min_value: Option<i64>,
    max_value: Option<i64>,
    kpi: Option<f64>,
    text: Option<String>,
    display_text: Option<String>,
}

impl FormAsked {
    fn into_form(self) -> (Option<i64>, Form) {
        let question = self.question.map(|asked| Question {
            min_value: asked.min_value,
            max_value: asked.max_value,
            kpi: asked.kpi,
            text: asked.text,
            display_text: asked.display_text,
        });
        let form = Form {
            id: FormId(0),
            name: String::new(),
            binary_question: self.binary_question,
            question,
            required_message_count: self.required_message_count,
            sending_frequency: self.sending_frequency,
            hide_after: self.hide_after,
            channels: Vec::new(),
        };
        (self.id, form)
    }
}

/// `POST /api/v1/quality`: creates a form, or updates it.
///
/// Source: "Create quality survey". Chosen: the answer is the form with its id, and a new form is enabled for no channel.
pub(in crate::http) async fn put_form(
    request: HttpRequest,
    payload: Payload,
    ThinData(site): SiteOf,
) -> Result<Json<Form>, Failure> {
    let bearer = Bearer::of(&request, &site)?;
    let caller = bearer.authenticate(&request, Role::INTEGRATORS).await?;
    let body = read_body(&request, payload, &site).await?;
    let (id, form) = body.parse::<FormAsked>()?.into_form();
    let put = move |connection: &Connection| directory::put_by_question(connection, id, form);
    Ok(Json::ok(bearer.store().change(auth::actor(&request, &caller), put).await?))
}

/// A thread as the vendor's calls show it. There are no agents here, and no messages: what would tell of them is empty.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct ThreadShown {
    id: ThreadId,
    status: ThreadStatus,
    start_time: Time,
    state_change_time: Time,
    unread: bool,
    unanswered: bool,
    current_agent: Option<()>,
    current_agent_login: Option<()>,
    last_agent: Option<()>,
    last_agent_login: Option<()>,
    channel: ChannelId,
    client_id: ClientId,
    client_external_id: Option<String>,
    client_name: Option<String>,
    thread_url: Option<()>,
    tags: [(); 0],
    info: Nothing,
}

/// `{}`.
#[derive(Serialize)]
struct Nothing {}

impl From<Conversation> for ThreadShown {
    fn from(Conversation { thread, client_external_id, client_name }: Conversation) -> Self {
        let Thread { id, client_id, channel, status, start_time, state_change_time } = thread;
        Self {
            id,
            status,
            start_time,
            state_change_time,
            unread: false,
            unanswered: false,
            current_agent: None,
            current_agent_login: None,
            last_agent: None,
            last_agent_login: None,
            channel,
            client_id,
            client_external_id,
            client_name,
            thread_url: None,
            tags: [],
            info: Nothing {},
        }
    }
}

/// `GET /api/v1/threads/{id}`. Source: "Get thread by id"; that senders may is chosen.
pub(in crate::http) async fn thread(
    request: HttpRequest,
    path: Path<String>,
    ThinData(site): SiteOf,
) -> Result<Json<ThreadShown>, Failure> {
    let bearer = Bearer::of(&request, &site)?;
    bearer.authenticate(&request, Role::SENDERS).await?;
    let id = parse_id("id", &path)?;
    let found = bearer.store().read(move |connection| directory::get_conversation(connection, id)).await?;
    let found = found.ok_or_else(|| Failure::new(StatusCode::NOT_FOUND, format!("Thread {id} not found")))?;
    attempts::note_outcome(&request, Outcome::About(found.thread.client_id, Some(found.thread.id)));
    Ok(Json::ok(found.into()))
}

/// `GET /api/v1/threads?statuses=NEW,ASSIGNED`. Source: "Get threads"; without statuses all of them are meant (chosen).
/// No thread has an agent here, so that none matches `agentsLogins`.
pub(in crate::http) async fn threads(
    request: HttpRequest,
    ThinData(site): SiteOf,
) -> Result<Json<Vec<ThreadShown>>, Failure> {
    let bearer = Bearer::of(&request, &site)?;
    bearer.authenticate(&request, Role::SENDERS).await?;
    let query = Query::of(&request, &["statuses", "agentsLogins"])?;
    let statuses: BTreeSet<_> = match query.text("statuses").filter(|statuses| !statuses.is_empty()) {
        None => ThreadStatus::all().collect(),
        Some(names) => names
            .split(',')
            .map(|name| {
                ThreadStatus::named(name.trim()).ok_or_else(|| {
                    let all: Vec<_> = ThreadStatus::all().map(ThreadStatus::as_str).collect();
                    Failure::bad_request(format!("statuses: {name:?} is none of {}", all.join(", ")))
                })
            })
            .collect::<Result<_, _>>()?,
    };
    if query.text("agentsLogins").is_some_and(|logins| !logins.is_empty()) {
        return Ok(Json::ok(Vec::new()));
    }
    let found = bearer
        .store()
        .long_read(move |connection| directory::list_conversations(connection, &statuses, MOST_THREADS + 1))
        .await?;
    if found.len() > MOST_THREADS {
        return Err(Failure::bad_request(format!(
            "statuses: more than {MOST_THREADS} threads match; ask for fewer statuses"
        )));
    }
    Ok(Json::ok(found.into_iter().map(ThreadShown::from).collect()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lookup {
    phones: Option<Vec<String>>,
    external_ids: Option<Vec<String>>,
}

/// `POST /api/v1/clients/short-info`: who has these phones or external ids, and whether they have an active thread.
///
/// Source: "Client short info"; that senders may, and that unknown ones are left out, is chosen.
pub(in crate::http) async fn short_info(
    request: HttpRequest,
    payload: Payload,
    ThinData(site): SiteOf,
) -> Result<Json<Vec<ShortInfo>>, Failure> {
    let bearer = Bearer::of(&request, &site)?;
    bearer.authenticate(&request, Role::SENDERS).await?;
    let body = read_body(&request, payload, &site).await?;
    let Lookup { phones, external_ids } = body.parse()?;
    if phones.is_none() && external_ids.is_none() {
        return Err(Failure::bad_request("phones or externalIds must be an array of strings"));
    }
    let (phones, external_ids) = (phones.unwrap_or_default(), external_ids.unwrap_or_default());
    let found = bearer.store().long_read(move |connection| directory::short_info(connection, &phones, &external_ids));
    Ok(Json::ok(found.await?))
}
