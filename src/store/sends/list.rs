//! The lists of sends: by their index where a segment has one, and elsewhere by a scan.

use rusqlite::{Connection, Row, params};

use crate::store::{
    error::StoreError,
    outbox,
    send_index::{self, Field, NOBODY, Range, SEGMENT},
    sort_order,
};
use crate::survey::{
    ids::{ClientId, FormId, SendingId, ThreadId},
    model::SentSurvey,
    time::Time,
};

/// Which sends are listed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SendFilter {
    /// Only those after this sendingId.
    pub(crate) after: Option<i64>,
    /// Only those before this sendingId, and the newest first.
    pub(crate) before: Option<i64>,
    /// Only to this client.
    pub(crate) client: Option<i64>,
    /// Only to this thread.
    pub(crate) thread: Option<i64>,
    /// Only with this form.
    pub(crate) form: Option<i64>,
}

impl SendFilter {
    /// What is looked for, the most selective first, each with the number of its parameter.
    fn fields(&self) -> [(Field, Option<i64>, u8); 3] {
        [(Field::Thread, self.thread, 1), (Field::Client, self.client, 2), (Field::Form, self.form, 3)]
    }

    /// The field by which the sends are looked up; none if all of them are to be read.
    fn indexed(&self) -> Option<(Field, u8)> {
        let is_indexed = |field, value| field == Field::Form || value != NOBODY;
        let mut fields = self.fields().into_iter();
        fields
            .find_map(|(field, value, number)| value.filter(|value| is_indexed(field, *value)).map(|_| (field, number)))
    }

    /// The statement for the sends of a range. Its parameters are the thread, the client, the form, the ends of the range, the
    /// limit, and the segment, if it is by an index.
    fn statement(&self, index: Option<(Field, u8)>) -> String {
        let conditions = self
            .fields()
            .into_iter()
            .filter(|(_, value, _)| value.is_some())
            .map(|(field, _, number)| format!(" and send.{} = ?{number}", field.column()))
            .collect::<Vec<_>>()
            .concat();
        let order = sort_order(self.before);
        match index {
            Some((field, number)) => format!(
                "select {COLUMNS} from send_index i cross join send on send.sending_id = i.sending_id
                  where i.segment = ?7 and i.field = '{}' and i.value = ?{number}
                    and i.sending_id > ?4 and i.sending_id < ?5{conditions}
                  order by i.sending_id {order} limit ?6",
                field.as_str()
            ),
            // In the order of the table: nothing is sorted.
            None => format!(
                "select {COLUMNS} from send where send.sending_id > ?4 and send.sending_id < ?5{conditions}
                  order by send.sending_id {order} limit ?6"
            ),
        }
    }
}

/// A page of a list.
pub(in crate::store) struct SendPage {
    pub(in crate::store) sends: Vec<SentSurvey>,
    /// The sendingId up to which every send was looked at: the next page begins after it.
    pub(super) seen: i64,
}

/// The sends that match the filter, the oldest first unless the filter has `before`; at most `limit`. Right only in a
/// transaction: otherwise a send or a segment of the index that is committed between two statements would be missed.
pub(in crate::store) fn list(
    connection: &Connection,
    filter: SendFilter,
    limit: usize,
) -> Result<SendPage, StoreError> {
    list_by(connection, filter, limit, SEGMENT)
}

/// The same, with segments of another size.
pub(super) fn list_by(
    connection: &Connection,
    filter: SendFilter,
    limit: usize,
    segment_size: i64,
) -> Result<SendPage, StoreError> {
    // Ids begin at 1: without "after" the list begins after 0.
    let (after, before) = (filter.after.unwrap_or(0), filter.before.unwrap_or(i64::MAX));
    let index = filter.indexed();
    let mut ranges = match index {
        Some(_) => send_index::ranges(connection, after.max(0), before, segment_size)?,
        None => vec![Range { after, before, segment: None }],
    };
    if filter.before.is_some() {
        ranges.reverse();
    }
    let mut sends: Vec<SentSurvey> = Vec::new();
    for Range { after, before, segment } in ranges {
        let rest = i64::try_from(limit - sends.len()).unwrap_or(i64::MAX);
        if rest == 0 {
            break;
        }
        let mut statement = connection.prepare_cached(&filter.statement(index.filter(|_| segment.is_some())))?;
        let SendFilter { thread, client, form, .. } = filter;
        let found = match segment {
            Some(segment) => statement.query_map(params![thread, client, form, after, before, rest, segment], sent),
            None => statement.query_map(params![thread, client, form, after, before, rest], sent),
        };
        for row in found? {
            sends.push(row?);
        }
    }
    let seen = match sends.last() {
        Some(last) if sends.len() >= limit => last.sending_id.0,
        _ => {
            let newest = "select coalesce(max(sending_id), 0) from send";
            connection.prepare_cached(newest)?.query_row([], |row| row.get::<_, i64>(0))?.max(after)
        }
    };
    Ok(SendPage { sends, seen })
}

/// The columns that [`sent`] takes.
const COLUMNS: &str = "send.sending_id, send.form_id, send.thread_id, send.client_id,
    (select external_id from client where id = send.client_id), send.sent_at, send.token,
    coalesce((select state from delivery d where d.sending_id = send.sending_id), 'recorded')";

fn sent(row: &Row<'_>) -> rusqlite::Result<SentSurvey> {
    Ok(SentSurvey {
        sending_id: SendingId(row.get(0)?),
        quality_form_id: FormId(row.get(1)?),
        thread_id: ThreadId(row.get(2)?),
        client_id: ClientId(row.get(3)?),
        client_external_id: row.get(4)?,
        sent_at: Time(row.get(5)?),
        token: row.get(6)?,
        delivery: outbox::lists::state_at(row, 7)?,
    })
}

#[cfg(test)]
mod tests;
