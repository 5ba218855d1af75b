//! `surveyd restore`: replaces the database by a backup.

use std::path::Path;

use anyhow::{Context, Result};

use super::{backup::copying, output::say};
use crate::{
    cli::DatabaseArgs,
    settings::Settings,
    store::{LostSends, NamedToken, Report, Restored, restore},
};

/// How many tokens or clients a sentence names.
const NAMED: usize = 20;

pub(crate) fn run(backup: &Path, exact: bool, file: DatabaseArgs) -> Result<()> {
    let Settings { database, database_on_network, .. } = Settings::load(file.flags(None))?;
    let restored = copying(|progress| restore(backup, &database, database_on_network, exact, progress));
    let Restored { aside, report, synced } = restored?;
    let kept = aside.map_or("there was none before".to_owned(), |aside| {
        format!("the database as it was before is {}", aside.display())
    });
    say(format_args!("{} is restored to the database {}; {kept}", backup.display(), database.display()));
    report.iter().flat_map(sentences).for_each(say);
    synced.with_context(|| {
        format!(
            "the database {} is restored, but it could not be synced: a power cut may bring the old one back; look for a failing disk, then restore again",
            database.display()
        )
    })
}

/// What was carried over, and what is lost.
fn sentences(report: &Report) -> Vec<String> {
    let Report { revoked, rotated, erased, lost_sends, lost_tokens, lost_changes, .. } = report;
    let mut sentences = Vec::new();
    let part = |name: &str, list: &[String]| (!list.is_empty()).then(|| format!("{name}: {}", listed(list)));
    let erased: Vec<_> = erased.iter().map(ToString::to_string).collect();
    let carried = [
        part("revoked tokens", &names(revoked)),
        part("rotated tokens", &names(rotated)),
        part("erased clients", &erased),
    ];
    let carried: Vec<_> = carried.into_iter().flatten().collect();
    if !carried.is_empty() {
        sentences.push(format!("carried over from the old database: {}", carried.join("; ")));
    }
    let sends = lost_sends.as_ref().map(|LostSends { count, first, last, from, to }| {
        format!("sends: {count}, from sendingId {first} ({from}) to {last} ({to})")
    });
    let changes = (*lost_changes > 0).then(|| format!("rows of the audit: {lost_changes}"));
    let lost = [sends, part("tokens", &names(lost_tokens)), changes];
    let lost: Vec<_> = lost.into_iter().flatten().collect();
    if !lost.is_empty() {
        sentences.push(format!("lost, and only in the old database: {}", lost.join("; ")));
    }
    if report.may_lack_erasures {
        sentences.push(
            "erasures may be missing: the retention has deleted rows of the audit that are newer than the backup; erase those persons again"
                .to_owned(),
        );
    }
    if let Some(reason) = &report.not_carried_over {
        sentences.push(format!(
            "no revocation, rotation or erasure is carried over from the old database: {reason}; look at `surveyd token list`, and erase persons again"
        ));
    }
    sentences
}

fn names(tokens: &[NamedToken]) -> Vec<String> {
    tokens.iter().map(|NamedToken { id, name }| format!("{id} ({name})")).collect()
}

fn listed(list: &[String]) -> String {
    let more = match list.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", list[..list.len().min(NAMED)].join(", "))
}
