//! The refused sends as administrators read them.

use std::collections::BTreeSet;

use rusqlite::{Connection, Row, named_params};
use serde::Serialize;

use crate::store::{
    LocalDatabase,
    authorized::{AccessError, AuthorizedStore},
    error::StoreError,
    sort_order,
};
use crate::survey::{
    ids::{ClientId, FormId, ThreadId},
    phone::notations,
    rules::Rule,
    time::Time,
};

/// A refused send.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RefusalRow {
    pub(crate) id: i64,
    pub(crate) at: Time,
    pub(crate) request_id: String,
    /// The name of the caller's token.
    pub(crate) token: String,
    /// The rule that refused it.
    pub(crate) rule: String,
    /// The status and the message of the answer.
    pub(crate) status: u16,
    pub(crate) message: String,
    /// What the request named; none if its body was not valid, or was not looked at.
    pub(crate) target: Option<RefusedTarget>,
    pub(crate) quality_form_id: Option<FormId>,
    /// The client that was found.
    pub(crate) client_id: Option<ClientId>,
    /// Of that client, now.
    pub(crate) client_external_id: Option<String>,
    /// The thread that was found: the open one, or the one that the survey would have gone to.
    pub(crate) thread_id: Option<ThreadId>,
}

/// What a request named, in its own words.
#[derive(Debug, Serialize)]
pub(crate) struct RefusedTarget {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) id: String,
}

/// A text that may be a client's id, external id or phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    id: Option<i64>,
    external_id: String,
    phones: BTreeSet<String>,
}

impl From<&str> for Person {
    fn from(text: &str) -> Self {
        Self { id: text.parse().ok(), external_id: text.to_owned(), phones: notations(text) }
    }
}

/// Which refusals are listed.
#[derive(Clone, Debug, Default)]
pub(crate) struct RefusalFilter {
    /// Only those after this id.
    pub(crate) after: Option<i64>,
    /// Only those before this id, and the newest first.
    pub(crate) before: Option<i64>,
    pub(crate) client: Option<i64>,
    pub(crate) external_id: Option<String>,
    /// Of the client, in any of these notations.
    pub(crate) phone: Option<BTreeSet<String>>,
    pub(crate) person: Option<Person>,
    pub(crate) thread: Option<i64>,
    pub(crate) form: Option<i64>,
    pub(crate) rule: Option<Rule>,
    /// The name of the caller's token.
    pub(crate) token: Option<String>,
    /// Only those of this time and later.
    pub(crate) since: Option<Time>,
    /// Only those before this time.
    pub(crate) until: Option<Time>,
}

/// The refusals that match the filter, the oldest first unless the filter has `before`; at most `limit`. Reads the whole table,
/// which is bounded.
fn list(connection: &Connection, filter: &RefusalFilter, limit: usize) -> Result<Vec<RefusalRow>, StoreError> {
    let by_id =
        |id: &str| format!("(client_id = {id} or target_type = 'internalClientId' and target = cast({id} as text))");
    let by_external_id = |id: &str| {
        format!(
            "(target_type = 'externalClientId' and target = {id}
              or client_id = (select id from client where external_id = {id}))"
        )
    };
    let by_phone = |phones: &str| {
        format!("client_id in (select id from client where phone in (select value from json_each({phones})))")
    };
    let mut statement = connection.prepare_cached(&format!(
        "select id, at, request_id, token, rule, status, message, target_type, target, form_id, client_id,
                (select external_id from client where id = refusal.client_id), thread_id
           from refusal
          where id > :after and id < :before and at >= :since and at < :until
            and (:client is null or {})
            and (:external_id is null or {})
            and (:phone is null or {})
            and (:person_external_id is null or {} or {} or {})
            and (:thread is null or thread_id = :thread or target_type = 'threadId' and target = cast(:thread as text))
            and (:form is null or form_id = :form)
            and (:rule is null or rule = :rule)
            and (:token is null or token = :token)
          order by id {} limit :limit",
        by_id(":client"),
        by_external_id(":external_id"),
        by_phone(":phone"),
        by_id(":person_id"),
        by_external_id(":person_external_id"),
        by_phone(":person_phone"),
        sort_order(filter.before)
    ))?;
    let person = filter.person.as_ref();
    let json = |phones: &BTreeSet<String>| {
        serde_json::to_string(phones).map_err(|error| StoreError::Internal(error.to_string()))
    };
    let phone = filter.phone.as_ref().map(json).transpose()?;
    let person_phone = person.map(|person| json(&person.phones)).transpose()?;
    let parameters = named_params! {
        ":after": filter.after.unwrap_or(0),
        ":before": filter.before.unwrap_or(i64::MAX),
        ":since": filter.since.map_or(i64::MIN, |since| since.0),
        ":until": filter.until.map_or(i64::MAX, |until| until.0),
        ":client": filter.client,
        ":external_id": filter.external_id,
        ":phone": phone,
        ":person_id": person.and_then(|person| person.id),
        ":person_external_id": person.map(|person| &person.external_id),
        ":person_phone": person_phone,
        ":thread": filter.thread,
        ":form": filter.form,
        ":rule": filter.rule.map(Rule::as_str),
        ":token": filter.token,
        ":limit": i64::try_from(limit).unwrap_or(i64::MAX),
    };
    Ok(statement.query_map(parameters, refusal)?.collect::<Result<_, _>>()?)
}

fn refusal(row: &Row<'_>) -> rusqlite::Result<RefusalRow> {
    let target = row.get::<_, Option<String>>(7)?.zip(row.get::<_, Option<String>>(8)?);
    Ok(RefusalRow {
        id: row.get(0)?,
        at: Time(row.get(1)?),
        request_id: row.get(2)?,
        token: row.get(3)?,
        rule: row.get(4)?,
        status: row.get(5)?,
        message: row.get(6)?,
        target: target.map(|(kind, id)| RefusedTarget { kind, id }),
        quality_form_id: row.get::<_, Option<i64>>(9)?.map(FormId),
        client_id: row.get::<_, Option<i64>>(10)?.map(ClientId),
        client_external_id: row.get(11)?,
        thread_id: row.get::<_, Option<i64>>(12)?.map(ThreadId),
    })
}

impl AuthorizedStore {
    /// The refusals that match the filter, up to now; the oldest first unless the filter has `before`.
    pub(crate) async fn refusals(&self, filter: RefusalFilter, limit: usize) -> Result<Vec<RefusalRow>, AccessError> {
        self.unauthorized().write_refusals().await?;
        self.long_read(move |connection| list(connection, &filter, limit)).await
    }
}

impl LocalDatabase {
    /// The refusals that match the filter. A running server writes them once a minute.
    pub(crate) fn refusals(&self, filter: &RefusalFilter) -> anyhow::Result<Vec<RefusalRow>> {
        self.read(|connection| list(connection, filter, usize::MAX))
    }
}
