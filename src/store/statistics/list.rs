//! The statistics as administrators read them.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use serde::Serialize;

use crate::store::{
    LocalDatabase,
    authorized::{AccessError, AuthorizedStore},
    error::StoreError,
    statistics::{MINUTE_MS, SENT, query::StatisticsQuery},
};
use crate::survey::{
    ids::{ChannelId, FormId},
    time::Time,
};

/// What was counted in a time.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Statistics {
    pub(crate) from: Time,
    /// What is at this time and later is not counted.
    pub(crate) to: Time,
    /// Where days and months begin: an offset from UTC.
    pub(crate) zone: String,
    /// In the order of time, form and channel. What has no count has no row.
    pub(crate) rows: Vec<StatisticsRow>,
}

/// What is counted together. A part that was not asked for is absent.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StatisticsRow {
    /// When the unit of time begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) start: Option<Time>,
    /// 0 if it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) quality_form_id: Option<FormId>,
    /// 0 if it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) channel: Option<ChannelId>,
    pub(crate) sent: i64,
    /// By the rule that refused.
    pub(crate) refused: BTreeMap<String, i64>,
}

/// Counts what is in the file.
fn statistics(connection: &Connection, query: &StatisticsQuery) -> Result<Statistics, StoreError> {
    let mut statement = connection.prepare_cached(
        "select minute, outcome, form_id, channel_id, count from statistics where minute >= ?1 and minute < ?2",
    )?;
    let (first, end) = (query.from.0.div_euclid(MINUTE_MS), query.to.0.div_euclid(MINUTE_MS));
    let mut groups = BTreeMap::new();
    // Rows come in the order of time: the start of a unit is worked out once for a minute.
    let mut current = (i64::MIN, None);
    let mut rows = statement.query(params![first, end])?;
    while let Some(row) = rows.next()? {
        let minute = row.get(0)?;
        if current.0 != minute {
            current = (minute, query.start(minute));
        }
        let form = if query.grouping.by_form { Some(FormId(row.get(2)?)) } else { None };
        let channel = if query.grouping.by_channel { Some(ChannelId(row.get(3)?)) } else { None };
        let new = || StatisticsRow { start: current.1, quality_form_id: form, channel, ..StatisticsRow::default() };
        let group: &mut StatisticsRow = groups.entry((current.1, form, channel)).or_insert_with(new);
        let (outcome, count) = (row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?, row.get::<_, i64>(4)?);
        match (outcome, group.refused.get_mut(outcome)) {
            (SENT, _) => group.sent += count,
            (_, Some(refused)) => *refused += count,
            (_, None) => _ = group.refused.insert(outcome.to_owned(), count),
        }
    }
    Ok(Statistics {
        from: query.from,
        to: query.to,
        zone: query.zone.to_string(),
        rows: groups.into_values().collect(),
    })
}

/// The names of forms and channels, by their ids.
pub(crate) struct Names {
    pub(crate) forms: BTreeMap<i64, String>,
    pub(crate) channels: BTreeMap<i64, String>,
}

impl AuthorizedStore {
    /// How many surveys were sent and refused, up to now.
    pub(crate) async fn statistics(&self, query: StatisticsQuery) -> Result<Statistics, AccessError> {
        self.unauthorized().write_refusals().await?;
        self.long_read(move |connection| statistics(connection, &query)).await
    }
}

impl LocalDatabase {
    /// How many surveys were sent and refused. A running server writes refusals once a minute.
    pub(crate) fn statistics(&self, query: &StatisticsQuery) -> anyhow::Result<Statistics> {
        self.read(|connection| statistics(connection, query))
    }

    /// The names of the forms and channels that there are now.
    pub(crate) fn names(&self) -> anyhow::Result<Names> {
        self.read(|connection| {
            let names = |table: &str| {
                let mut statement = connection.prepare(&format!("select id, name from {table}"))?;
                let names = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
                names.collect::<Result<_, _>>()
            };
            Ok(Names { forms: names("form")?, channels: names("channel")? })
        })
    }
}
