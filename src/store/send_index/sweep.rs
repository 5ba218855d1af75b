//! Deletes the index of segments whose sends retention has deleted.

use rusqlite::{Connection, params};

use crate::store::{audit::Changed, error::StoreError, steps::ROWS_PER_STEP};

/// How far the sweep has come.
pub(in crate::store) struct IndexSweep {
    /// The size of a segment.
    pub(in crate::store) size: i64,
    /// The last segment that still has sends.
    pub(in crate::store) after: i64,
}

/// Deletes rows of the first segment that has no sends any more.
pub(in crate::store) fn sweep_index(
    connection: &Connection,
    sweep: &mut IndexSweep,
) -> Result<Changed<bool>, StoreError> {
    let next = "select min(segment) from (select min(segment) as segment from send_segment where segment > ?1
                                          union all select min(segment) from send_index where segment > ?1)";
    let has_sends = "select 1 from send where sending_id >= ?1 and sending_id < ?2";
    let (mut next, mut has_sends) = (connection.prepare_cached(next)?, connection.prepare_cached(has_sends)?);
    loop {
        let segment: Option<i64> = next.query_row([sweep.after], |row| row.get(0))?;
        let Some(segment) = segment else { return Ok(Changed::nothing(false)) };
        if !has_sends.exists([segment * sweep.size, segment * sweep.size + sweep.size])? {
            delete_some(connection, segment)?;
            return Ok(Changed::nothing(true));
        }
        sweep.after = segment;
    }
}

fn delete_some(connection: &Connection, segment: i64) -> Result<(), StoreError> {
    connection.prepare_cached("delete from send_segment where segment = ?1")?.execute([segment])?;
    connection
        .prepare_cached(
            "delete from send_index where segment = ?1 and (field, value, sending_id) in
                 (select field, value, sending_id from send_index where segment = ?1 limit ?2)",
        )?
        .execute(params![segment, ROWS_PER_STEP])?;
    Ok(())
}
