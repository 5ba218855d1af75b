//! `surveyd deliveries`: which gateways are failing, since when, and how much waits.

use anyhow::Result;

use super::{
    output::{print_array, relative, say, span, unless_closed},
    table::print_table,
};
use crate::{
    cli::DatabaseArgs,
    settings::Settings,
    store::{LocalDatabase, now, outbox::channels::ChannelDeliveries},
};

pub(crate) fn run(json: bool, file: DatabaseArgs) -> Result<()> {
    let database = Settings::load(file.flags(None))?.database;
    let channels = LocalDatabase::read_only(&database, LocalDatabase::channel_deliveries)?;
    if json {
        return unless_closed(print_array(channels.into_iter().map(Ok)));
    }
    if channels.is_empty() {
        say("no channel has a gateway: sends are recorded and not delivered");
        return Ok(());
    }
    let header = ["CHANNEL", "NAME", "STATE", "PENDING", "OLDEST", "DEAD", "CANCELLED", "LAST RESULT"];
    unless_closed(print_table(header, channels.into_iter().map(row)))
}

fn row(channel: ChannelDeliveries) -> [String; 8] {
    let state = match (&channel.off, channel.failing_since) {
        (Some(reason), _) => format!("off: {reason}"),
        (None, Some(since)) => format!("failing since {since}, {}", relative(since, now())),
        (None, None) if channel.pending > 0 => "delivering".to_owned(),
        (None, None) => "ok".to_owned(),
    };
    [
        channel.channel.to_string(),
        channel.name.unwrap_or_else(|| "(deleted)".to_owned()),
        state,
        channel.pending.to_string(),
        channel.oldest_pending_seconds.map_or_else(|| "-".to_owned(), span),
        channel.dead.to_string(),
        channel.cancelled.to_string(),
        channel.last_result.unwrap_or_else(|| "-".to_owned()),
    ]
}
