//! `surveyd restore`: replaces the database by a backup.

use std::path::Path;

use anyhow::Result;

use super::{backup::copying, output::say};
use crate::{cli::DatabaseArgs, settings::Settings, store::restore};

pub(crate) fn run(backup: &Path, file: DatabaseArgs) -> Result<()> {
    let database = Settings::load(file.flags(None))?.database;
    let aside = copying(|progress| restore(backup, &database, progress))?;
    let kept = aside.map_or("there was none before".to_owned(), |aside| {
        format!("the database as it was before is {}", aside.display())
    });
    say(format_args!("{} is restored to the database {}; {kept}", backup.display(), database.display()));
    Ok(())
}
