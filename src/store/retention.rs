//! Retention: rows that are too old are deleted, in small steps through the writer, so that sends go on meanwhile.

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

use crate::store::{
    Store,
    audit::{Action, Actor, AuditEntry, Changed},
    error::StoreError,
    idempotency, refusals,
    send_index::{
        SEGMENT,
        sweep::{IndexSweep, sweep_index},
    },
    steps::ROWS_PER_STEP,
    write::batch::CommitEffect,
};
use crate::survey::time::Time;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// For how many days rows are kept; 0 is for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "each has the name of its setting")]
pub(crate) struct Retention {
    /// Sends, with their deliveries.
    pub(crate) sends_days: u32,
    /// The audit.
    pub(crate) audit_days: u32,
    /// Refused sends.
    pub(crate) refusals_days: u32,
}

/// What the audit records of deleted rows.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Swept {
    /// Rows from before this time were deleted.
    before: Time,
    /// The last row of the audit that was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    through: Option<i64>,
}

/// The time before which rows are too old: the beginning of a day, so that the audit has a row about it once a day and not
/// each hour.
fn too_old(days: u32, now: Time) -> Option<Time> {
    let today = now.0.div_euclid(DAY_MS) * DAY_MS;
    (days > 0).then(|| Time(today - i64::from(days) * DAY_MS))
}

impl Store {
    /// Deletes all rows that are too old now: sends with their deliveries, idempotency keys, refusals, rows of the audit.
    pub(crate) async fn sweep(&self, retention: Retention) -> Result<(), StoreError> {
        let (now, actor, effect) = (self.now(), Actor::retention(), CommitEffect::Facts);
        if let Some(before) = too_old(retention.sends_days, now) {
            let sweep = SendSweep { before, after: 0, is_recorded: false };
            self.run_steps(&actor, effect, sweep, sweep_sends).await?;
            self.run_steps(&actor, effect, now, sweep_keys).await?;
            let sweep = IndexSweep { size: SEGMENT, after: -1 };
            self.run_steps(&actor, CommitEffect::Probe, sweep, sweep_index).await?;
        }
        // Looked for first: otherwise a server that has none would write at its start.
        if let Some(before) = too_old(retention.refusals_days, now)
            && self.read(move |connection| refusals::any(connection, before)).await?
        {
            self.run_steps(&actor, CommitEffect::Record, before, sweep_refusals).await?;
        }
        if let Some(before) = too_old(retention.audit_days, now) {
            let end = self.first_outstanding_erasure().await?.unwrap_or(i64::MAX);
            self.run_steps(&actor, effect, AuditSweep { before, end }, sweep_audit).await?;
        }
        Ok(())
    }
}

/// How far [`sweep_sends`] has come.
struct SendSweep {
    before: Time,
    /// The last sendingId that it looked at.
    after: i64,
    /// Whether the audit has its row about this sweep.
    is_recorded: bool,
}

/// Deletes sends from before a time, and their deliveries, unless they are pending.
fn sweep_sends(connection: &Connection, sweep: &mut SendSweep) -> Result<Changed<bool>, StoreError> {
    let SendSweep { before, after, .. } = *sweep;
    // By the id, in whose order they were sent: there is no index by time.
    let through: Option<i64> = connection
        .prepare_cached(
            "select max(sending_id) from
                 (select sending_id, sent_at from send where sending_id > ?1 order by sending_id limit ?2)
              where sent_at < ?3",
        )?
        .query_row([after, ROWS_PER_STEP.into(), before.0], |row| row.get(0))?;
    let Some(through) = through else { return Ok(Changed::nothing(false)) };
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
    sweep.after = through;
    if deleted == 0 || sweep.is_recorded {
        return Ok(Changed::nothing(true));
    }
    // Recorded once, with the first sends that are deleted: a row for each step would be a row for few sends.
    sweep.is_recorded = true;
    let entry = AuditEntry::new(Action::Sweep, "sends", None, Some(&Swept { before, through: None }))?;
    Ok(Changed::audited(true, [entry]))
}

fn sweep_keys(connection: &Connection, now: &mut Time) -> Result<Changed<bool>, StoreError> {
    Ok(Changed::nothing(idempotency::sweep(connection, *now, ROWS_PER_STEP.into())?))
}

/// Not in the audit: refusals are no history, and there are at most so many of them.
fn sweep_refusals(connection: &Connection, before: &mut Time) -> Result<Changed<bool>, StoreError> {
    Ok(Changed::nothing(refusals::sweep(connection, *before, ROWS_PER_STEP.into())?))
}

/// Which rows of the audit are deleted.
struct AuditSweep {
    before: Time,
    /// This row and later ones stay: it has the first erasure that is not complete.
    end: i64,
}

/// Deletes the oldest rows of the audit, if they are from before a time.
fn sweep_audit(connection: &Connection, sweep: &mut AuditSweep) -> Result<Changed<bool>, StoreError> {
    let AuditSweep { before, end } = *sweep;
    // All rows up to the first that is young enough.
    let through = connection
        .prepare_cached(
            "select max(id), count(*) from
                 (select id, max(at) over (order by id) as newest from (select id, at from audit order by id limit ?1))
              where newest < ?2 and id < ?3 having count(*) > 0",
        )?
        .query_row([ROWS_PER_STEP.into(), before.0, end], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
        .optional()?;
    let Some((through, count)) = through else { return Ok(Changed::nothing(false)) };
    connection.prepare_cached("update audit_swept set through = ?1 where id = 1")?.execute([through])?;
    connection.prepare_cached("delete from audit where id <= ?1")?.execute([through])?;
    let swept = Swept { before, through: Some(through) };
    let entry = AuditEntry::new(Action::Sweep, "audit", None, Some(&swept))?;
    Ok(Changed::audited(count == i64::from(ROWS_PER_STEP), [entry]))
}
