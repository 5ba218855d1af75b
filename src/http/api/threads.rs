//! `GET /api/v1/threads`: threads, as far as the vendor has published them.

use std::collections::BTreeSet;

use actix_web::{
    HttpRequest,
    web::{Path, ThinData},
};
use serde::Serialize;

use crate::{
    http::{
        attempts::report::Decision,
        auth::Bearer,
        context::RequestContext,
        failure::Failure,
        query::{Query, parse_id},
        responses::Json,
        state::State,
    },
    store::directory::Conversation,
    survey::{
        access::Role,
        ids::{ChannelId, ClientId, ThreadId},
        model::{Thread, ThreadStatus},
        time::Time,
    },
};

/// How many threads one answer lists: the vendor's list has no pages, and this bounds it.
const MOST_THREADS: usize = 10_000;

/// A thread as the vendor's calls show it. There are no agents here, and no messages: the fields about them are empty.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ThreadResponse {
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
    info: EmptyObject,
}

/// `{}`.
#[derive(Serialize)]
struct EmptyObject {}

impl From<Conversation> for ThreadResponse {
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
            info: EmptyObject {},
        }
    }
}

/// `GET /api/v1/threads/{id}`. Source: "Get thread by id"; that senders may is chosen.
pub(crate) async fn thread(
    request: HttpRequest,
    path: Path<String>,
    ThinData(app): State,
) -> Result<Json<ThreadResponse>, Failure> {
    let store = Bearer::of(&request, &app)?.authorize(&request, Role::SENDERS).await?;
    let found = store.thread(parse_id("id", &path)?).await?;
    RequestContext::of(&request).decision = Decision::About(found.thread.client_id, Some(found.thread.id));
    Ok(Json::ok(found.into()))
}

/// `GET /api/v1/threads?statuses=NEW,ASSIGNED`. Source: "Get threads"; without statuses all of them are meant (chosen).
/// No thread has an agent here, so that none matches `agentsLogins`.
pub(crate) async fn threads(request: HttpRequest, ThinData(app): State) -> Result<Json<Vec<ThreadResponse>>, Failure> {
    let store = Bearer::of(&request, &app)?.authorize(&request, Role::SENDERS).await?;
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
    let found = store.threads(statuses, MOST_THREADS + 1).await?;
    if found.len() > MOST_THREADS {
        return Err(Failure::bad_request(format!(
            "statuses: more than {MOST_THREADS} threads match; ask for fewer statuses"
        )));
    }
    Ok(Json::ok(found.into_iter().map(ThreadResponse::from).collect()))
}
