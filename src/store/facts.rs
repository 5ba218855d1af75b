//! The facts that the rules look at, in one statement: one seek for each fact, whatever the size of the file.

use std::sync::LazyLock;

use rusqlite::{Connection, Row, ToSql};

use crate::store::error::StoreError;
use crate::survey::{
    Facts, SendSurvey,
    ids::{ChannelId, ClientId, Target, ThreadId},
};

/// One statement for each kind of target. Parameters: ?1 the target, ?2 the form.
struct Statements {
    client: String,
    external_client: String,
    thread: String,
}

static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| {
    // `client` is null if the client does not exist; `key` is the id that was asked for. `joins` add `t`, the thread that
    // the survey would go to.
    let facts = |client: &str, key: &str, joins: &str, order: &str| {
        format!(
            "select s.surveys_via_external_api,
                    {client},
                    (select id from thread where client_id = {key} and closing_time is null limit 1),
                    t.id,
                    t.channel_id,
                    exists (select 1 from form_channel where form_id = ?2 and channel_id = t.channel_id)
               from settings s {joins}
              where s.id = 1 {order}"
        )
    };
    // A client who has a thread exists: only a client without one is looked for in the table of clients.
    let client = "case when exists (select 1 from thread where client_id = ?1) then ?1
                       else (select id from client where id = ?1) end";
    // Compares with the least integer: "is not null" is not a range of an index in a left join.
    let closed = |key: &str| format!("left join thread t on t.client_id = {key} and t.closing_time >= {}", i64::MIN);
    let by_external_id = format!("left join client c on c.external_id = ?1 {}", closed("c.id"));
    let last = "order by t.closing_time desc, t.id desc limit 1";
    Statements {
        client: facts(client, "?1", &closed("?1"), last),
        external_client: facts("c.id", "c.id", &by_external_id, last),
        thread: facts("t.client_id", "t.client_id", "left join thread t on t.id = ?1", ""),
    }
});

/// Reads the facts for one send. All of them come from one statement, hence from one state of the file.
pub(super) fn read(connection: &Connection, request: &SendSurvey) -> Result<Facts, StoreError> {
    let (statement, target): (&str, &dyn ToSql) = match &request.target {
        Target::Client(id) => (&STATEMENTS.client, &id.0),
        Target::ExternalClient(id) => (&STATEMENTS.external_client, &id.as_str()),
        Target::Thread(id) => (&STATEMENTS.thread, &id.0),
    };
    let facts = |row: &Row<'_>| {
        let thread = row.get::<_, Option<i64>>(3)?.map(ThreadId);
        let channel = row.get::<_, Option<i64>>(4)?.map(ChannelId);
        Ok(Facts {
            enabled: row.get(0)?,
            client: row.get::<_, Option<i64>>(1)?.map(ClientId),
            open_thread: row.get::<_, Option<i64>>(2)?.map(ThreadId),
            destination: thread.zip(channel),
            form_enabled: row.get(5)?,
        })
    };
    Ok(connection.prepare_cached(statement)?.query_row((target, request.form.0), facts)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::plan_of;

    /// With ten million threads a scan takes a second and a seek microseconds: no statement may scan anything but the one row of
    /// settings.
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
