//! Retention: what is older than it may be goes, in small steps through the writer, so that sends go on meanwhile.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

use crate::store::{
    Store,
    audit::{Action, Actor, AuditEntry, Changed},
    error::StoreError,
    idempotency,
};
use crate::survey::time::Time;

/// How many rows one job of the writer looks at: a send never commits behind more.
const STEP: i64 = 200;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// For how many days something is kept; 0 is for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Retention {
    /// Sends, with their deliveries.
    pub(crate) sends_days: u32,
    /// The audit.
    pub(crate) audit_days: u32,
}

/// What the audit tells of what is gone.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Swept {
    /// What is older.
    before: Time,
    /// The last row of the audit that went.
    #[serde(skip_serializing_if = "Option::is_none")]
    through: Option<i64>,
}

/// The time before which what is kept for so many days is too old: the beginning of a day, so that the audit has a row about
/// it once a day and not each hour.
fn too_old(days: u32, now: Time) -> Option<Time> {
    let today = now.0.div_euclid(DAY_MS) * DAY_MS;
    (days > 0).then(|| Time(today - i64::from(days) * DAY_MS))
}

impl Store {
    /// Deletes what is older than it may be.
    pub(crate) async fn sweep(&self, retention: Retention) -> Result<(), StoreError> {
        let now = self.now();
        if let Some(before) = too_old(retention.sends_days, now) {
            let (mut after, mut is_told) = (0, false);
            while let Some((through, told)) =
                self.swept(move |connection| sweep_sends(connection, before, after, is_told)).await?
            {
                (after, is_told) = (through, told);
            }
            while self.swept(move |connection| Ok(Changed::nothing(idempotency::sweep(connection, now, STEP)?))).await?
            {
            }
        }
        if let Some(before) = too_old(retention.audit_days, now) {
            while self.swept(move |connection| sweep_audit(connection, before)).await? {}
        }
        Ok(())
    }

    async fn swept<T: Send + 'static>(
        &self,
        step: impl FnOnce(&Connection) -> Result<Changed<T>, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.change(Actor::retention(), step).await
    }
}

/// What a step of [`sweep_sends`] yields: the last send that it looked at, and whether the audit tells of it by now.
type Through = Option<(i64, bool)>;

/// Deletes sends from before that time, and their deliveries, unless they are pending. Looks at [`STEP`] of those after a
/// sendingId; `None` where none is too old.
fn sweep_sends(
    connection: &Connection,
    before: Time,
    after: i64,
    is_told: bool,
) -> Result<Changed<Through>, StoreError> {
    // By the id, in whose order they were sent: there is no index by time.
    let through: Option<i64> = connection
        .prepare_cached(
            "select max(sending_id) from
                 (select sending_id, sent_at from send where sending_id > ?1 order by sending_id limit ?2)
              where sent_at < ?3",
        )?
        .query_row([after, STEP, before.0], |row| row.get(0))?;
    let Some(through) = through else { return Ok(Changed::nothing(None)) };
    let deleted = connection
        .prepare_cached(
            "delete from send where sending_id > ?1 and sending_id <= ?2 and sent_at < ?3
                and not exists (select 1 from delivery d where d.sending_id = send.sending_id and d.state = 'pending')",
        )?
        .execute([after, through, before.0])?;
    connection
        .prepare_cached(
            "delete from delivery where sending_id > ?1 and sending_id <= ?2
                and not exists (select 1 from send s where s.sending_id = delivery.sending_id)",
        )?
        .execute([after, through])?;
    if deleted == 0 || is_told {
        return Ok(Changed::nothing(Some((through, is_told))));
    }
    // Told once, with the first that go: a row for each step would be a row for few sends.
    let told = AuditEntry::new(Action::Sweep, "sends", None, Some(&Swept { before, through: None }))?;
    Ok(Changed::audited(Some((through, true)), [told]))
}

/// Deletes the oldest rows of the audit, at most [`STEP`], if they are from before that time; tells whether there may be more.
fn sweep_audit(connection: &Connection, before: Time) -> Result<Changed<bool>, StoreError> {
    // All but the first that is young enough.
    let through = connection
        .prepare_cached(
            "select max(id), count(*) from
                 (select id, max(at) over (order by id) as newest from (select id, at from audit order by id limit ?1))
              where newest < ?2 having count(*) > 0",
        )?
        .query_row([STEP, before.0], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
        .optional()?;
    let Some((through, count)) = through else { return Ok(Changed::nothing(false)) };
    connection.prepare_cached("update audit_swept set through = ?1 where id = 1")?.execute([through])?;
    connection.prepare_cached("delete from audit where id <= ?1")?.execute(params![through])?;
    let told = AuditEntry::new(Action::Sweep, "audit", None, Some(&Swept { before, through: Some(through) }))?;
    Ok(Changed::audited(count == STEP, [told]))
}
