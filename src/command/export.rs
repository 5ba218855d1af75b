//! `surveyd export`: a world file out, or one list of it.

use std::io::{self, BufWriter};

use anyhow::{Context, Result};

use crate::command::{progress_bar, unless_closed};
use crate::{
    cli::{DatabaseArgs, ListKind},
    settings::Settings,
    store::{
        Connection, Missing,
        directory::count,
        open,
        transfer::{anonymize::Pseudonyms, csv, world_file},
    },
    survey::model::{Channel, Client, Form, Thread},
};

pub(crate) fn run(csv: Option<ListKind>, anonymize: bool, file: DatabaseArgs) -> Result<()> {
    let database = Settings::load(file.flags(None))?.database;
    let connection = open(&database, Missing::Refuse)?;
    let names = anonymize.then(Pseudonyms::new).transpose()?;
    let exported = match csv {
        None => export_world(&connection, names.as_ref()),
        Some(ListKind::Channels) => export_list::<Channel>(&connection, names.as_ref()),
        Some(ListKind::Clients) => export_list::<Client>(&connection, names.as_ref()),
        Some(ListKind::Threads) => export_list::<Thread>(&connection, names.as_ref()),
        Some(ListKind::Forms) => export_list::<Form>(&connection, names.as_ref()),
    };
    unless_closed(exported).with_context(|| format!("cannot export the database {}", database.display()))
}

fn export_world(connection: &Connection, names: Option<&Pseudonyms>) -> Result<()> {
    let bar = progress_bar(world_file::count(connection)?.unsigned_abs(), "rows");
    let exported = world_file::export(connection, &mut BufWriter::new(io::stdout().lock()), names, &|| bar.inc(1));
    bar.finish_and_clear();
    exported
}

fn export_list<E: csv::Tabular>(connection: &Connection, names: Option<&Pseudonyms>) -> Result<()> {
    let bar = progress_bar(count::<E>(connection)?.unsigned_abs(), "rows");
    let exported = csv::export::<E>(connection, &mut io::stdout().lock(), names, &|| bar.inc(1));
    bar.finish_and_clear();
    exported
}
