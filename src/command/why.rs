//! `surveyd why`: which sends were refused, and why.

use anyhow::{Error, Result};

use super::{
    output::{print_array, say, unless_closed},
    table::print_table,
};
use crate::{
    cli::WhyArgs,
    settings::Settings,
    store::{
        LocalDatabase, now,
        refusals::list::{Person, RefusalFilter, RefusalRow},
    },
    survey::moment::between,
};

pub(crate) fn run(WhyArgs { person, since, until, thread, form, rule, token, json, file }: WhyArgs) -> Result<()> {
    let [since, until] = between(since, until, now()).map_err(Error::msg)?;
    let filter = RefusalFilter {
        person: person.as_deref().map(Person::from),
        since,
        until,
        thread,
        form,
        rule,
        token,
        ..RefusalFilter::default()
    };
    let (refusals, has_server) = LocalDatabase::read_only(&Settings::load(file.flags(None))?.database, |database| {
        Ok((database.refusals(&filter)?, database.has_server()))
    })?;
    if json {
        return unless_closed(print_array(refusals.into_iter().map(Ok)));
    }
    if refusals.is_empty() {
        say("no refusal like that is in the file, which keeps them for the days of retention.refusals_days");
        if has_server {
            say(WRITTEN_LATER);
        }
        return Ok(());
    }
    let header = ["TIME", "RULE", "ANSWER", "ASKED FOR", "CLIENT", "THREAD", "FORM", "TOKEN", "REQUEST"];
    unless_closed(print_table(header, refusals.into_iter().map(line)))
}

/// Why the file may lack the newest refusals.
pub(super) const WRITTEN_LATER: &str =
    "a running server writes its refusals once a minute; the console and GET /admin/refusals have the newest ones";

fn line(refusal: RefusalRow) -> [String; 9] {
    let id = |id: Option<i64>| id.map_or_else(String::new, |id| id.to_string());
    let client = id(refusal.client_id.map(|client| client.0));
    [
        refusal.at.to_string(),
        refusal.rule,
        format!("{} {}", refusal.status, refusal.message),
        refusal.target.map_or_else(String::new, |target| format!("{} {}", target.kind, target.id)),
        refusal.client_external_id.map_or_else(|| client.clone(), |external_id| format!("{client} ({external_id})")),
        id(refusal.thread_id.map(|thread| thread.0)),
        id(refusal.quality_form_id.map(|form| form.0)),
        refusal.token,
        refusal.request_id,
    ]
}
