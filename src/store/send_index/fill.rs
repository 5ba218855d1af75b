//! Fills the index, one segment after another, in small steps with pauses.

use std::{
    time::{Duration, Instant},
    vec,
};

use rusqlite::{Connection, OptionalExtension, params};
use tokio::time::sleep;

use crate::store::{
    Store,
    error::StoreError,
    send_index::{Field, NOBODY, SEGMENT},
    sends,
    write::batch::CommitEffect,
};

/// How many rows a step writes: less than a millisecond of the writer's time.
const ROWS: usize = 500;

/// How many times as long as a step the pause after it is. A step also waits for the sends of its batch, and so the pause grows
/// with their number.
const PAUSES_PER_STEP: u32 = 9;

/// The longest pause: a disk that stood still for a moment is no reason to wait for minutes.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A field of a segment that is being filled: one at a time, since a segment has 65,536 sends to keep in memory.
pub(super) struct Filling {
    segment: i64,
    field: Field,
    /// The values and ids that are not written yet, in the order of the index: each page of it is written once.
    rest: vec::IntoIter<(i64, i64)>,
}

impl Store {
    /// Indexes all sends that a complete segment has.
    pub(crate) async fn index_sends(&self) -> Result<(), StoreError> {
        while let Some(segment) = self.read(|connection| next_segment(connection, SEGMENT)).await? {
            for field in Field::ALL {
                self.index_field(segment, field).await?;
            }
        }
        Ok(())
    }

    async fn index_field(&self, segment: i64, field: Field) -> Result<(), StoreError> {
        let read = move |connection: &Connection| Filling::read(connection, segment, field, SEGMENT);
        let mut filling = self.long_read(read).await?;
        loop {
            let began = Instant::now();
            let step = |connection: &Connection, mut filling: Filling| {
                let may_be_more = filling.write_some(connection, ROWS)?;
                Ok::<_, StoreError>((may_be_more, filling))
            };
            // No rule and no waiting request looks at the index.
            let (may_be_more, rest) =
                self.writer.change(CommitEffect::Probe, move |batch| step(batch.connection, filling)).await?;
            if !may_be_more {
                return Ok(());
            }
            filling = rest;
            sleep((began.elapsed() * PAUSES_PER_STEP).min(LONGEST_PAUSE)).await;
        }
    }
}

/// The first segment that has sends, gets no more of them, and is not indexed.
pub(super) fn next_segment(connection: &Connection, size: i64) -> Result<Option<i64>, StoreError> {
    // A sendingId is never used again, and so the rows up to the last one are all that there will ever be.
    let open = sends::last_id(connection)?.saturating_add(1).div_euclid(size);
    let mut segment = 0;
    loop {
        // Over the gaps that retention leaves.
        let next = "select sending_id from send where sending_id >= ?1 order by sending_id limit 1";
        let next =
            connection.prepare_cached(next)?.query_row([segment * size], |row| row.get::<_, i64>(0)).optional()?;
        match next.map(|id| id.div_euclid(size)).filter(|next| *next < open) {
            None => return Ok(None),
            Some(next) => segment = next,
        }
        let listed = "select 1 from send_segment where segment = ?1";
        if !connection.prepare_cached(listed)?.exists([segment])? {
            return Ok(Some(segment));
        }
        segment += 1;
    }
}

impl Filling {
    pub(super) fn read(connection: &Connection, segment: i64, field: Field, size: i64) -> Result<Self, StoreError> {
        let column = field.column();
        let sql = format!("select {column}, sending_id from send where sending_id >= ?1 and sending_id < ?2");
        let mut statement = connection.prepare_cached(&sql)?;
        let rows =
            statement.query_map([segment * size, segment * size + size], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut all = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        all.retain(|(value, _)| field == Field::Form || *value != NOBODY);
        all.sort_unstable();
        Ok(Self { segment, field, rest: all.into_iter() })
    }

    /// Writes some rows. Lists the segment if no more rows of its last field are left. Returns whether there may be more.
    pub(super) fn write_some(&mut self, connection: &Connection, rows: usize) -> Result<bool, StoreError> {
        let (name, column) = (self.field.as_str(), self.field.column());
        // From the send as it is now: its client may be erased by now. A row may be there from before a restart.
        let sql = format!(
            "insert or ignore into send_index (segment, field, value, sending_id)
                 select ?1, '{name}', {column}, sending_id from send where sending_id = ?2 and {column} = ?3"
        );
        let mut insert = connection.prepare_cached(&sql)?;
        let mut written = 0;
        for (value, id) in self.rest.by_ref().take(rows) {
            written += 1;
            insert.execute(params![self.segment, id, value])?;
        }
        if written < rows && Field::ALL.last() == Some(&self.field) {
            let sql = "insert or ignore into send_segment (segment) values (?1)";
            connection.prepare_cached(sql)?.execute([self.segment])?;
        }
        Ok(written == rows)
    }
}
