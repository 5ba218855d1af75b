//! `surveyd stats`: how many surveys were sent and refused.

use std::collections::BTreeMap;

use anyhow::{Error, Result};

use super::{
    output::{print_json, say, unless_closed},
    table::print_table,
    why::WRITTEN_LATER,
};
use crate::{
    cli::StatsArgs,
    settings::Settings,
    store::{
        LocalDatabase, now,
        statistics::{
            list::{Names, Statistics, StatisticsRow},
            query::StatisticsQuery,
        },
    },
};

pub(crate) fn run(StatsArgs { from, to, by, zone, json, file }: StatsArgs) -> Result<()> {
    let query = StatisticsQuery::new((from, to), by, zone, now()).map_err(Error::msg)?;
    LocalDatabase::read_only(&Settings::load(file.flags(None))?.database, |database| {
        let statistics = database.statistics(&query)?;
        if database.has_server() && !json {
            say(WRITTEN_LATER);
        }
        unless_closed(if json { print_json(&statistics) } else { print_lines(statistics, &database.names()?) })
    })
}

fn print_lines(Statistics { from, to, zone, rows }: Statistics, names: &Names) -> Result<()> {
    println!("From {from} to {to}, in the zone {zone}:");
    let mut total = StatisticsRow::default();
    for row in &rows {
        total.sent += row.sent;
        row.refused.iter().for_each(|(rule, count)| *total.refused.entry(rule.clone()).or_default() += count);
    }
    let line = |first: String, row: StatisticsRow| {
        let label = |id: Option<i64>, names: &BTreeMap<i64, String>| match id {
            None => String::new(),
            Some(0) => "unknown".to_owned(),
            Some(id) => names.get(&id).map_or_else(|| id.to_string(), |name| format!("{id} {name}")),
        };
        [
            first,
            label(row.quality_form_id.map(|form| form.0), &names.forms),
            label(row.channel.map(|channel| channel.0), &names.channels),
            row.sent.to_string(),
            row.refused.values().sum::<i64>().to_string(),
            row.refused.iter().map(|(rule, count)| format!("{rule} {count}")).collect::<Vec<_>>().join(", "),
        ]
    };
    let lines = rows.into_iter().map(|row| line(row.start.map_or_else(String::new, |start| start.to_string()), row));
    let header = ["FROM", "FORM", "CHANNEL", "SENT", "REFUSED", "BY RULE"];
    print_table(header, lines.chain([line("total".to_owned(), total)]))
}
