//! `surveyd apply`: a world file in, all of it or nothing.

use std::path::Path;

use anyhow::{Context, Error, Result};

use super::{
    input::read_text,
    output::{progress_bar, say},
};
use crate::{
    cli::DatabaseArgs,
    settings::Settings,
    store::{LocalDatabase, Missing, error::StoreError, transfer::world_file::WorldFile},
};

pub(crate) fn run(path: &Path, file: DatabaseArgs) -> Result<()> {
    let Settings { database: file, database_on_network, delivery, .. } = Settings::load(file.flags(None))?;
    let world = read_world(path)?;
    let checked = delivery.client().check_world(&world).map_err(Error::msg);
    checked.with_context(|| format!("{} is not applied", path.display()))?;
    let mut database = LocalDatabase::open(&file, Missing::Create, database_on_network)?;
    let bar = progress_bar(world.rows() as u64, "rows");
    let applied = database.apply(&world, &|| bar.inc(1));
    bar.finish_and_clear();
    applied.map_err(|error| match error.downcast_ref() {
        Some(StoreError::Unknown(_)) => error,
        _ => error.context(format!("{} is not applied, the database {} is as it was", path.display(), file.display())),
    })?;
    say(format_args!("applied {} rows to {}", world.rows(), file.display()));
    Ok(())
}

/// Reads a world file; `-` is standard input.
pub(crate) fn read_world(path: &Path) -> Result<WorldFile> {
    let text = read_text(path).with_context(|| format!("cannot read the world file {}", path.display()))?;
    WorldFile::parse(&text).with_context(|| format!("the world file {} has an error", path.display()))
}
