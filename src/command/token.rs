//! `surveyd token`: make, list, rotate and revoke.

use std::io::{self, Write};

use anyhow::{Result, anyhow};

use crate::command::{print_array, say, unless_closed};
use crate::{
    cli::DatabaseArgs,
    settings::Settings,
    store::{
        Connection, Missing,
        audit::Changed,
        error::StoreError,
        explain, now, open,
        tokens::{self, Issued, Token},
        transact,
    },
    survey::{
        access::Role,
        time::{Time, TimeSpan},
    },
};

pub(crate) fn create(name: &str, role: Role, lifetime: Option<TimeSpan>, file: DatabaseArgs) -> Result<()> {
    let now = now();
    let Issued { token, secret } =
        change(file, Missing::Create, |connection| tokens::create(connection, name, role, lifetime, now))?;
    writeln!(io::stdout(), "{}", secret.reveal())?;
    let (id, role, until) = (token.id, token.role.as_str(), until(token.expires_at));
    say(format_args!("token {id} {name:?} ({role}), good {until}; it is shown this once"));
    Ok(())
}

pub(crate) fn rotate(id: i64, overlap: Option<TimeSpan>, file: DatabaseArgs) -> Result<()> {
    let issued = change(file, Missing::Refuse, |connection| tokens::rotate(connection, id, overlap, now()))?;
    let Issued { token, secret } = issued.ok_or_else(|| no_token(id))?;
    writeln!(io::stdout(), "{}", secret.reveal())?;
    let old = match (overlap, token.old_secret_until) {
        (Some(_), Some(at)) => format!("the old one is good until {at}"),
        _ => "the old one is good no more".to_owned(),
    };
    let (name, until) = (token.name, until(token.expires_at));
    say(format_args!("token {id} {name:?} has a new secret, good {until}; it is shown this once; {old}"));
    Ok(())
}

pub(crate) fn list(json: bool, file: DatabaseArgs) -> Result<()> {
    let database = Settings::load(file.flags(None))?.database;
    let connection = open(&database, Missing::Refuse)?;
    let tokens = tokens::list(&connection, None, usize::MAX).map_err(|error| explain(&database, error.into()))?;
    if json {
        return unless_closed(print_array(tokens.into_iter().map(Ok)));
    }
    if tokens.is_empty() {
        say(format_args!("no tokens yet; make one: surveyd token create --name crm --role integrator"));
    }
    unless_closed(print_lines(&tokens, now()))
}

fn print_lines(tokens: &[Token], now: Time) -> Result<()> {
    let mut stdout = io::stdout().lock();
    for token in tokens {
        let (id, role, name, created_at) = (token.id, token.role.as_str(), &token.name, token.created_at);
        let used = token.last_used_at.map_or("never used".to_owned(), |hour| format!("used in the hour of {hour}"));
        write!(stdout, "{id}\t{role}\t{name}\tcreated {created_at}\t{}\t{used}", state(token, now))?;
        match token.old_secret_until {
            Some(at) if at > now && token.revoked_at.is_none() => writeln!(stdout, "\told secret until {at}")?,
            _ => writeln!(stdout)?,
        }
    }
    Ok(())
}

fn state(token: &Token, now: Time) -> String {
    match (token.revoked_at, token.expires_at) {
        (Some(at), _) => format!("revoked {at}"),
        (None, Some(at)) if at <= now => format!("expired {at}"),
        (None, Some(at)) => format!("expires {at}"),
        (None, None) => "never expires".to_owned(),
    }
}

pub(crate) fn revoke(id: i64, file: DatabaseArgs) -> Result<()> {
    let token = change(file, Missing::Refuse, |connection| tokens::revoke(connection, id, now()))?;
    let token = token.ok_or_else(|| no_token(id))?;
    match token.revoked_at {
        None => say(format_args!("token {id} {:?} is revoked", token.name)),
        Some(at) => say(format_args!("token {id} {:?} was revoked already, {at}", token.name)),
    }
    Ok(())
}

fn until(expires_at: Option<Time>) -> String {
    expires_at.map_or("for ever".to_owned(), |at| format!("until {at}"))
}

fn no_token(id: i64) -> anyhow::Error {
    anyhow!("there is no token {id}; `surveyd token list` shows them")
}

/// Changes the database that the settings name.
fn change<T>(
    file: DatabaseArgs,
    missing: Missing,
    change: impl FnOnce(&Connection) -> Result<Changed<T>, StoreError>,
) -> Result<T> {
    let database = Settings::load(file.flags(None))?.database;
    let mut connection = open(&database, missing)?;
    transact(&mut connection, change).map_err(|error| explain(&database, error.into()))
}
