//! How many surveys were sent and refused: counted by the minute when it happens, so that ten million sends are summed in
//! milliseconds, and are still counted when they are deleted.

pub(crate) mod list;
pub(crate) mod query;

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::store::error::StoreError;
use crate::survey::{
    ids::{ChannelId, FormId},
    rules::Rule,
    time::Time,
};

const MINUTE_MS: i64 = 60_000;

/// The id of a form or channel that is not known.
const UNKNOWN: i64 = 0;

/// The outcome of a send that was recorded; every other outcome is the name of the rule that refused.
const SENT: &str = "sent";

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StatisticsKey {
    minute: i64,
    outcome: &'static str,
    form: FormId,
    channel: ChannelId,
}

impl StatisticsKey {
    pub(super) fn sent(at: Time, form: FormId, channel: ChannelId) -> Self {
        Self { minute: minute_of(at), outcome: SENT, form, channel }
    }

    pub(super) fn refused(at: Time, rule: Rule, form: Option<FormId>, channel: Option<ChannelId>) -> Self {
        let (form, channel) = (form.unwrap_or(FormId(UNKNOWN)), channel.unwrap_or(ChannelId(UNKNOWN)));
        Self { minute: minute_of(at), outcome: rule.as_str(), form, channel }
    }

    /// The same of an unknown form.
    pub(super) fn of_unknown_form(self) -> Self {
        Self { form: FormId(UNKNOWN), ..self }
    }
}

fn minute_of(time: Time) -> i64 {
    time.0.div_euclid(MINUTE_MS)
}

/// Counts that are not in the file yet.
#[derive(Debug, Default)]
pub(super) struct Counts(BTreeMap<StatisticsKey, i64>);

impl Counts {
    pub(super) fn add(&mut self, key: StatisticsKey) {
        *self.0.entry(key).or_default() += 1;
    }

    /// How many different things are counted.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn contains(&self, key: &StatisticsKey) -> bool {
        self.0.contains_key(key)
    }

    /// Adds them to those in the file. A form that does not exist is not known: callers may name any number of them.
    pub(super) fn write(&self, connection: &Connection) -> Result<(), StoreError> {
        for (StatisticsKey { minute, outcome, form, channel }, count) in &self.0 {
            connection
                .prepare_cached(
                    "insert into statistics (minute, outcome, form_id, channel_id, count)
                         select ?1, ?2, coalesce((select id from form where id = ?3), 0), ?4, ?5 where true
                     on conflict do update set count = count + excluded.count",
                )?
                .execute(params![minute, outcome, form.0, channel.0, count])?;
        }
        Ok(())
    }
}
