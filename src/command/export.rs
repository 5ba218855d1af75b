//! `surveyd export`: a world file out, or one list of it.

use std::io::{self, BufWriter};

use anyhow::{Context, Result};

use super::output::{progress_bar, unless_closed};
use crate::{
    cli::{DatabaseArgs, ListKind},
    settings::Settings,
    store::{LocalDatabase, transfer::csv::Tabular},
    survey::model::{Channel, Client, Form, Thread},
};

pub(crate) fn run(csv: Option<ListKind>, anonymize: bool, file: DatabaseArgs) -> Result<()> {
    let path = Settings::load(file.flags(None))?.database;
    LocalDatabase::read_only(&path, |database| {
        let exported = match csv {
            None => export_world(database, anonymize),
            Some(ListKind::Channels) => export_list::<Channel>(database, anonymize),
            Some(ListKind::Clients) => export_list::<Client>(database, anonymize),
            Some(ListKind::Threads) => export_list::<Thread>(database, anonymize),
            Some(ListKind::Forms) => export_list::<Form>(database, anonymize),
        };
        unless_closed(exported).with_context(|| format!("cannot export the database {}", path.display()))
    })
}

fn export_world(database: &LocalDatabase, anonymize: bool) -> Result<()> {
    let bar = progress_bar(database.count_all()?, "rows");
    let exported = database.export(&mut BufWriter::new(io::stdout().lock()), anonymize, &|| bar.inc(1));
    bar.finish_and_clear();
    exported
}

fn export_list<E: Tabular>(database: &LocalDatabase, anonymize: bool) -> Result<()> {
    let bar = progress_bar(database.count::<E>()?, "rows");
    let exported = database.export_list::<E>(&mut io::stdout().lock(), anonymize, &|| bar.inc(1));
    bar.finish_and_clear();
    exported
}
