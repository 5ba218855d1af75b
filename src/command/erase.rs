//! `surveyd erase`: deletes everything that is kept of a person.

use anyhow::{Context, Result, anyhow};

use super::output::say;
use crate::{
    cli::EraseCommand,
    settings::Settings,
    store::{
        LocalDatabase, Missing,
        erasure::{Erased, Erasure},
    },
    survey::ids::ClientId,
};

pub(crate) fn run(EraseCommand::Client { id, external_id, dry_run, file }: EraseCommand) -> Result<()> {
    let Settings { database: path, database_on_network, .. } = Settings::load(file.flags(None))?;
    let (id, external_id) = (id, external_id.as_deref());
    if dry_run {
        let (client, rows) = LocalDatabase::read_only(&path, |database| {
            let client = client(database, id, external_id)?;
            Ok((client, database.would_erase(client)?.with_context(|| nothing_kept(client))?))
        })?;
        say(format_args!(
            "client {client} would be erased from this database, and nothing is changed; {}",
            counts(rows)
        ));
        return Ok(());
    }
    let mut database = LocalDatabase::open(&path, Missing::Refuse, database_on_network)?;
    let client = client(&database, id, external_id)?;
    let erasure = database.erase(client).and_then(|erasure| match erasure {
        Some(erasure) => Ok(Some(erasure)),
        None => database.complete_erasure(client),
    });
    let erasure = erasure.map_err(|error| error.context(format!("client {client} is not wholly erased; try again")))?;
    let Erasure { erased, is_log_emptied, .. } = erasure.with_context(|| nothing_kept(client))?;
    if is_log_emptied {
        say(format_args!("client {client} is erased from this database; {}", counts(erased)));
    } else {
        say(format_args!("client {client} is erased from the rows of this database; {}", counts(erased)));
        say(format_args!(
            "the log {}-wal still holds their data, because another program reads the database; a running server empties it once it can, or else the next `surveyd serve`, and `surveyd status` shows what is outstanding",
            path.display()
        ));
    }
    Ok(())
}

fn client(database: &LocalDatabase, id: Option<i64>, external_id: Option<&str>) -> Result<ClientId> {
    if let Some(id) = id {
        return Ok(ClientId(id));
    }
    let external_id = external_id.unwrap_or_default();
    let found = database.client_with_external_id(external_id)?;
    found.ok_or_else(|| anyhow!("no client has the external id {external_id:?}; name the client by their id"))
}

fn nothing_kept(client: ClientId) -> String {
    format!("nothing is kept of a client {client}")
}

fn counts(Erased { threads, sends, audit }: Erased) -> String {
    format!("threads: {threads}, sends to them: {sends}, rows of the audit: {audit}")
}
