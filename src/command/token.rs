//! `surveyd token`: make, list and revoke.

use std::io::{self, Write};

use anyhow::{Context, Result};
use rusqlite::Connection;

use super::say;
use crate::{
    cli::FileFlags,
    settings::Settings,
    store::{Missing, error::StoreError, explain, now, open, tokens, transact},
    survey::{access::Role, time::Lifetime},
};

pub(super) fn create(name: &str, role: Role, lifetime: Option<Lifetime>, file: FileFlags) -> Result<()> {
    let now = now();
    let expires_at = lifetime.map(|lifetime| lifetime.end(now).context("--expires is too long")).transpose()?;
    let (id, secret) =
        with_database(file, Missing::Create, |connection| tokens::create(connection, name, role, expires_at, now))?;
    writeln!(io::stdout(), "{}", secret.reveal())?;
    let until = expires_at.map_or("for ever".to_owned(), |at| format!("until {at}"));
    say(format_args!("token {id} {name:?} ({}), good {until}; it is shown this once", role.as_str()));
    Ok(())
}

pub(super) fn list(file: FileFlags) -> Result<()> {
    let tokens = with_database(file, Missing::Refuse, tokens::list)?;
    let now = now();
    let mut stdout = io::stdout().lock();
    for token in &tokens {
        let state = match (token.revoked_at, token.expires_at) {
            (Some(at), _) => format!("revoked {at}"),
            (None, Some(at)) if at <= now => format!("expired {at}"),
            (None, Some(at)) => format!("expires {at}"),
            (None, None) => "never expires".to_owned(),
        };
        let (id, role) = (token.id, token.role.as_str());
        writeln!(stdout, "{id}\t{role}\t{}\tcreated {}\t{state}", token.name, token.created_at)?;
    }
    if tokens.is_empty() {
        say(format_args!("no tokens yet; make one: surveyd token create --name crm --role integrator"));
    }
    Ok(())
}

pub(super) fn revoke(id: i64, file: FileFlags) -> Result<()> {
    let token = with_database(file, Missing::Refuse, |connection| tokens::revoke(connection, id, now()))?;
    match token.revoked_at {
        None => say(format_args!("token {id} {:?} is revoked", token.name)),
        Some(at) => say(format_args!("token {id} {:?} was revoked already, {at}", token.name)),
    }
    Ok(())
}

/// Runs something in one transaction of the database that the settings name.
fn with_database<T>(
    file: FileFlags,
    missing: Missing,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T> {
    let database = Settings::load(file.flags(None))?.database;
    let mut connection = open(&database, missing)?;
    transact(&mut connection, work).map_err(|error| explain(&database, error.into()))
}
