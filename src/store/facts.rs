//! What the rules look at, in one statement: one seek for each fact, whatever the size of the file.

use std::sync::LazyLock;

use rusqlite::{Connection, Row, ToSql};

use super::error::StoreError;
use crate::survey::{
    Facts, SendSurvey,
    ids::{ClientId, Target, ThreadId},
};

/// One for each kind of target. Parameters: ?1 the target, ?2 the form.
struct Statements {
    client: String,
    external_client: String,
    thread: String,
}

static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| {
    // `client` is the client as far as it exists, `key` the same where it may be looked for in vain.
    let facts = |client: &str, key: &str, join: &str, [thread, channel]: [String; 2]| {
        format!(
            "select s.surveys_via_external_api,
                    {client},
                    exists (select 1 from thread where client_id = {key} and closing_time is null),
                    {thread},
                    exists (select 1 from form_channel where form_id = ?2 and channel_id = {channel})
               from settings s {join}
              where s.id = 1"
        )
    };
    // The greatest closing time, the greater id breaking a tie. Asked twice, on a page that is at hand the second time.
    let last_closed = |key: &str| {
        ["id", "channel_id"].map(|column| {
            format!(
                "(select {column} from thread where client_id = {key} and closing_time is not null
                   order by closing_time desc, id desc limit 1)"
            )
        })
    };
    // Who has a thread exists: only who has none is looked for in the table of clients.
    let client = "case when exists (select 1 from thread where client_id = ?1) then ?1
                       else (select id from client where id = ?1) end";
    let by_external_id = "left join client c on c.external_id = ?1";
    let by_id = "left join thread t on t.id = ?1";
    Statements {
        client: facts(client, "?1", "", last_closed("?1")),
        external_client: facts("c.id", "c.id", by_external_id, last_closed("c.id")),
        thread: facts("t.client_id", "t.client_id", by_id, ["t.id".to_owned(), "t.channel_id".to_owned()]),
    }
});

/// Reads the facts for one send. All of them come from one statement, hence from one state of the file.
pub(super) fn read(connection: &Connection, ask: &SendSurvey) -> Result<Facts, StoreError> {
    let (statement, target): (&str, &dyn ToSql) = match &ask.target {
        Target::Client(id) => (&STATEMENTS.client, &id.0),
        Target::ExternalClient(id) => (&STATEMENTS.external_client, &id.as_str()),
        Target::Thread(id) => (&STATEMENTS.thread, &id.0),
    };
    let facts = |row: &Row<'_>| {
        Ok(Facts {
            enabled: row.get(0)?,
            client: row.get::<_, Option<i64>>(1)?.map(ClientId),
            has_open_thread: row.get(2)?,
            thread: row.get::<_, Option<i64>>(3)?.map(ThreadId),
            form_enabled: row.get(4)?,
        })
    };
    Ok(connection.prepare_cached(statement)?.query_row((target, ask.form.0), facts)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::plan_of;

    /// At ten million threads a scan is a second, a seek is microseconds: no statement may scan anything but the one row of settings.
    #[test]
    fn no_table_is_scanned() {
        for statement in [&STATEMENTS.client, &STATEMENTS.external_client, &STATEMENTS.thread] {
            let plan = plan_of(statement);
            assert!(!plan.contains("SCAN "), "{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
            assert!(plan.contains("thread_by_client (client_id=? AND closing_time=?)"), "{plan}");
        }
        for statement in [&STATEMENTS.client, &STATEMENTS.external_client] {
            let plan = plan_of(statement);
            assert!(plan.contains("thread_by_client (client_id=? AND closing_time>?)"), "{plan}");
        }
    }
}
