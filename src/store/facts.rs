//! What the rules look at, in one statement: one seek for each fact, whatever the size of the file.

use std::sync::LazyLock;

use rusqlite::{Connection, Row, ToSql};

use super::error::StoreError;
use crate::survey::{
    Facts, SendSurvey,
    ids::{ClientId, Target, ThreadId},
};

/// How each kind of target finds its client `c` and its thread `t`. Parameters: ?1 the target, ?2 the form.
struct Statements {
    client: String,
    external_client: String,
    thread: String,
}

static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| {
    let facts = |joins: &str| {
        format!(
            "select s.surveys_via_external_api,
                    c.id,
                    exists (select 1 from thread where client_id = c.id and closing_time is null),
                    t.id,
                    exists (select 1 from form_channel where form_id = ?2 and channel_id = t.channel_id)
               from settings s {joins}
              where s.id = 1"
        )
    };
    // The greatest closing time, the greater id breaking a tie.
    let last_closed = "left join thread t on t.id = (
                select id from thread
                 where client_id = c.id and closing_time is not null
                 order by closing_time desc, id desc limit 1)";
    Statements {
        client: facts(&format!("left join client c on c.id = ?1 {last_closed}")),
        external_client: facts(&format!("left join client c on c.external_id = ?1 {last_closed}")),
        thread: facts("left join thread t on t.id = ?1 left join client c on c.id = t.client_id"),
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
            assert!(plan.contains("thread_by_client (client_id=? AND closing_time=?)"), "{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        }
        let plan = plan_of(&STATEMENTS.client);
        assert!(plan.contains("INDEX thread_by_client (client_id=? AND closing_time>?)"), "{plan}");
    }
}
