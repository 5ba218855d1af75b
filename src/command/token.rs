//! `surveyd token`: create, list, rotate and revoke.

use std::io::{self, Write};

use anyhow::Result;

use super::{
    output::{print_array, say, unless_closed},
    secret::{print_secret, wait_for_stdout},
};
use crate::{
    cli::DatabaseArgs,
    settings::Settings,
    store::{
        LocalDatabase, Missing, now,
        tokens::{Secret, Token},
    },
    survey::{
        access::Role,
        text::visible,
        time::{Time, TimeSpan},
    },
};

pub(crate) fn create(name: &str, role: Role, lifetime: Option<TimeSpan>, file: DatabaseArgs) -> Result<()> {
    wait_for_stdout()?;
    let show = |secret: &Secret| print_secret(secret, "no token is created");
    let token = open(file)?.create_token(name, role, lifetime, show)?;
    let (id, role, until) = (token.id, token.role.as_str(), until(token.expires_at));
    say(format_args!("token {id} {name:?} ({role}), valid {until}; it is shown this once"));
    Ok(())
}

pub(crate) fn rotate(token: &str, overlap: Option<TimeSpan>, file: DatabaseArgs) -> Result<()> {
    wait_for_stdout()?;
    let mut database = open(file)?;
    let id = database.token_id(token)?;
    let show = |secret: &Secret| print_secret(secret, &format!("token {id} is as it was"));
    let token = database.rotate_token(id, overlap, show)?;
    let old = match (overlap, token.old_secret_until) {
        (Some(_), Some(at)) => format!("the old one is valid until {at}"),
        _ => "the old one is not valid any more".to_owned(),
    };
    let (name, until) = (token.name, until(token.expires_at));
    say(format_args!("token {id} {name:?} has a new secret, valid {until}; it is shown this once; {old}"));
    Ok(())
}

pub(crate) fn list(json: bool, file: DatabaseArgs) -> Result<()> {
    let settings = Settings::load(file.flags(None))?;
    let tokens = LocalDatabase::read_only(&settings.database, LocalDatabase::tokens)?;
    if json {
        return unless_closed(print_array(tokens.into_iter().map(Ok)));
    }
    if tokens.is_empty() {
        let database = settings.database_argument();
        say(format_args!("no tokens yet; make one: surveyd token create --name crm --role integrator {database}"));
    }
    unless_closed(print_lines(&tokens, now()))
}

fn print_lines(tokens: &[Token], now: Time) -> Result<()> {
    let mut stdout = io::stdout().lock();
    for token in tokens {
        let (id, role, name, created_at) = (token.id, token.role.as_str(), visible(&token.name), token.created_at);
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

pub(crate) fn revoke(token: &str, file: DatabaseArgs) -> Result<()> {
    let settings = Settings::load(file.flags(None))?;
    let mut database = LocalDatabase::open(&settings.database, Missing::Refuse, settings.database_on_network)?;
    let id = database.token_id(token)?;
    let revoked = database.revoke_token(id)?;
    let name = &revoked.token.name;
    match revoked.token.revoked_at {
        None => say(format_args!("token {id} {name:?} is revoked")),
        Some(at) => say(format_args!("token {id} {name:?} was revoked already, {at}")),
    }
    if let Some(warning) = revoked.warning(&settings.database_argument()) {
        say(format_args!("WARNING: {warning}"));
    }
    Ok(())
}

fn until(expires_at: Option<Time>) -> String {
    expires_at.map_or("for ever".to_owned(), |at| format!("until {at}"))
}

fn open(file: DatabaseArgs) -> Result<LocalDatabase> {
    let settings = Settings::load(file.flags(None))?;
    LocalDatabase::open(&settings.database, Missing::Refuse, settings.database_on_network)
}
