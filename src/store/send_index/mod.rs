//! The index of the sends, by client, thread and form.
//!
//! It is filled after the sends ([`fill`]), one segment of sendingIds after another, because an index that each send writes
//! costs a third of the sends per second. A segment is listed in `send_segment` once it is complete, and only then a list reads
//! it; all other sends are found by a scan of their part of the table. So a list is right at any moment, whatever is filled.
//!
//! A row of the index may name a send that retention has deleted: a list reads the send itself, too.

mod fill;
pub(super) mod sweep;

use rusqlite::{Connection, params};

use crate::store::error::StoreError;

/// How many sendingIds a segment has. The unindexed end of the table is one to two segments long: a scan of some milliseconds.
pub(super) const SEGMENT: i64 = 65_536;

/// The client and the thread of a send whose client was erased. They are not in the index.
pub(super) const NOBODY: i64 = 0;

/// A field of a send that is indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    Client,
    Form,
    Thread,
}

impl Field {
    /// In the order in which they are filled.
    pub(super) const ALL: [Self; 3] = [Self::Client, Self::Form, Self::Thread];

    /// Its name in the index.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Form => "form",
            Self::Thread => "thread",
        }
    }

    /// Its column of the table of sends.
    pub(super) const fn column(self) -> &'static str {
        match self {
            Self::Client => "client_id",
            Self::Form => "form_id",
            Self::Thread => "thread_id",
        }
    }
}

/// Sends between two sendingIds, neither of which is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) after: i64,
    pub(super) before: i64,
    /// The segment whose index has all of them; none where the table is to be scanned.
    pub(super) segment: Option<i64>,
}

/// Divides the sends between two sendingIds into ranges, in their order: those of indexed segments, and what is between.
/// `size` is that of a segment.
pub(super) fn ranges(connection: &Connection, after: i64, before: i64, size: i64) -> Result<Vec<Range>, StoreError> {
    if after.saturating_add(1) >= before {
        return Ok(Vec::new());
    }
    let (first, last) = (after.saturating_add(1).div_euclid(size), before.saturating_sub(1).div_euclid(size));
    let sql = "select segment from send_segment where segment between ?1 and ?2 order by segment";
    let mut statement = connection.prepare_cached(sql)?;
    let segments = statement.query_map([first, last], |row| row.get::<_, i64>(0))?.collect::<Result<Vec<_>, _>>()?;
    let (mut ranges, mut rest) = (Vec::with_capacity(segments.len() + 1), after);
    for segment in segments {
        let (begin, end) = (segment * size, segment * size + size);
        if rest < begin - 1 {
            ranges.push(Range { after: rest, before: begin, segment: None });
        }
        ranges.push(Range { after: rest.max(begin - 1), before: before.min(end), segment: Some(segment) });
        rest = end - 1;
    }
    if rest < before.saturating_sub(1) {
        ranges.push(Range { after: rest, before, segment: None });
    }
    Ok(ranges)
}

/// Removes a send's client and thread from the index, before they are removed from the send. `size` is that of a segment.
pub(super) fn forget(connection: &Connection, sending_id: i64, size: i64) -> Result<(), StoreError> {
    for field in [Field::Client, Field::Thread] {
        let sql = format!(
            "delete from send_index where segment = ?2 and field = '{}' and sending_id = ?1
                and value = (select {} from send where sending_id = ?1)",
            field.as_str(),
            field.column()
        );
        connection.prepare_cached(&sql)?.execute(params![sending_id, sending_id.div_euclid(size)])?;
    }
    Ok(())
}

/// Fills one segment, for tests. Returns whether there is more to fill.
#[cfg(test)]
pub(super) fn fill_segment(connection: &Connection, rows: usize, size: i64) -> Result<bool, StoreError> {
    let Some(segment) = fill::next_segment(connection, size)? else { return Ok(false) };
    for field in Field::ALL {
        let mut filling = fill::Filling::read(connection, segment, field, size)?;
        while filling.write_some(connection, rows)? {}
    }
    Ok(true)
}

#[cfg(test)]
mod tests;
