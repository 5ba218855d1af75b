//! `surveyd status`: is it healthy, how full is it, and what will need attention.

use std::io::{self, Write};

use anyhow::Result;
use indicatif::HumanBytes;

use super::{
    output::{relative, say, sentence, span, unless_closed},
    table::print_pairs,
};
use crate::{
    cli::DatabaseArgs,
    http::connection::tls,
    settings::Settings,
    store::{
        LocalDatabase,
        erasure_completion::OutstandingErasures,
        status::{Certificate, Status},
    },
};

pub(crate) fn run(json: bool, file: DatabaseArgs) -> Result<()> {
    let settings = Settings::load(file.flags(None))?;
    let mut status = LocalDatabase::read_only(&settings.database, LocalDatabase::status)?;
    if let Some(files) = &settings.tls {
        match tls::not_after(&files.cert) {
            Ok(not_after) => status.certificate = Some(Certificate { not_after }),
            // The certificate may be for the user of the server alone, and the database not.
            Err(error) => say(format_args!("the certificate is not shown: {}", sentence(&error))),
        }
    }
    unless_closed(if json {
        let mut stdout = io::stdout().lock();
        serde_json::to_writer(&mut stdout, &status).map_err(io::Error::from)?;
        writeln!(stdout).map_err(Into::into)
    } else {
        print_pairs(lines(&status))
    })
}

fn erasures(status: &Status) -> String {
    let OutstandingErasures { count, since } = status.outstanding_erasures;
    since.map_or_else(
        || "none is outstanding".to_owned(),
        |since| {
            format!(
                "{count} outstanding, the first since {since}, {}: the log still holds the data",
                relative(since, status.now)
            )
        },
    )
}

fn lines(status: &Status) -> Vec<(&'static str, String)> {
    let now = status.now;
    let (sends, deliveries, file) = (status.sends, status.deliveries, status.file);
    let switch = if status.surveys_via_external_api { "on" } else { "off" };
    let bytes = |bytes: u64| HumanBytes(bytes).to_string();
    let oldest =
        deliveries.oldest_pending_seconds.map_or_else(String::new, |s| format!(", the oldest for {}", span(s)));
    let growth = match (file.bytes_per_send, file.growth_per_month_bytes) {
        (Some(send), Some(month)) => {
            let (month, year) = (month.unsigned_abs(), month.unsigned_abs().saturating_mul(12));
            format!("{send} bytes a send, {} a month, {} a year", bytes(month), bytes(year))
        }
        _ => "not known without sends".to_owned(),
    };
    let backup = status.last_backup.map_or_else(
        || "none is recorded".to_owned(),
        |backup| {
            let size = bytes(backup.bytes.unsigned_abs());
            format!("{}, {}, {} sends, {size}", backup.at, relative(backup.at, now), backup.sends)
        },
    );
    let certificate = status.certificate.map_or_else(
        || "none".to_owned(),
        |Certificate { not_after }| format!("expires {not_after}, {}", relative(not_after, now)),
    );
    let mut lines = vec![
        ("version", format!("surveyd {}, schema {}", status.version, status.schema)),
        ("surveys", switch.to_owned()),
        ("sends", format!("{}; {} in 24 h; {} a day", sends.total, sends.last24_hours, sends.per_day)),
        (
            "deliveries",
            format!(
                "{} wait{oldest}; {} dead; {} channels failing, {} off",
                deliveries.pending, deliveries.dead, deliveries.channels_failing, deliveries.channels_off
            ),
        ),
        ("file", format!("{}, log {}; {} free", bytes(file.bytes), bytes(file.log_bytes), bytes(file.free_bytes))),
        ("growth", growth),
        ("erasures", erasures(status)),
        ("last backup", backup),
        ("certificate", certificate),
    ];
    if status.expiring_tokens.is_empty() {
        lines.push(("tokens", "none expires within 30 days".to_owned()));
    }
    lines.extend(status.expiring_tokens.iter().map(|token| {
        let (id, at) = (token.id, token.expires_at);
        ("token", format!("{id} {:?} expires {at}, {}", token.name, relative(at, now)))
    }));
    lines.push(("queue", "only the server knows it: GET /admin/status".to_owned()));
    lines
}
