//! `surveyd export`: a world file out.

use std::io::{self, BufWriter};

use anyhow::{Context, Result};

use super::{progress_bar, unless_closed};
use crate::{
    cli::FileFlags,
    settings::Settings,
    store::{Missing, open, world_file},
};

pub(super) fn run(file: FileFlags) -> Result<()> {
    let database = Settings::load(file.flags(None))?.database;
    let connection = open(&database, Missing::Refuse)?;
    let bar = progress_bar(world_file::count(&connection)?.unsigned_abs(), "rows");
    let exported = world_file::export(&connection, &mut BufWriter::new(io::stdout().lock()), &|| bar.inc(1));
    bar.finish_and_clear();
    unless_closed(exported).with_context(|| format!("cannot export the database {}", database.display()))
}
