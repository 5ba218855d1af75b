//! `surveyd erase`: deletes everything that is kept of a person.

use anyhow::{Result, anyhow};

use super::output::say;
use crate::{
    cli::DatabaseArgs,
    settings::Settings,
    store::{LocalDatabase, Missing, erasure::Erased},
    survey::ids::ClientId,
};

pub(crate) fn run(id: Option<i64>, external_id: Option<String>, file: DatabaseArgs) -> Result<()> {
    let mut database = LocalDatabase::open(&Settings::load(file.flags(None))?.database, Missing::Refuse)?;
    let client = match (id, external_id) {
        (Some(id), _) => ClientId(id),
        (None, external_id) => {
            let external_id = external_id.unwrap_or_default();
            database
                .client_with_external_id(&external_id)?
                .ok_or_else(|| anyhow!("no client has the external id {external_id:?}; name the client by their id"))?
        }
    };
    let erasure = database.erase(client);
    let erasure = erasure.map_err(|error| error.context(format!("client {client} is not wholly erased; try again")))?;
    let erasure = erasure.ok_or_else(|| anyhow!("nothing is kept of a client {client}"))?;
    let Erased { threads, sends, audit } = erasure.erased;
    say(format_args!(
        "client {client} is erased from this database; threads: {threads}, sends to them: {sends}, rows of the audit: {audit}"
    ));
    Ok(())
}
