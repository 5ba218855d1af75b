//! `surveyd settings`: the system settings of the Chat Center, which are in the database. Those of the server are in
//! settings.toml.

use std::io::{self, Write};

use anyhow::{Context, Result, bail};

use super::output::{say, unless_closed};
use crate::{
    cli::DatabaseArgs,
    settings::Settings,
    store::{LocalDatabase, Missing},
    survey::model::SystemSettings,
};

pub(crate) fn run(name: Option<&str>, value: Option<&str>, json: bool, file: DatabaseArgs) -> Result<()> {
    let name = name.map(known).transpose()?;
    let change =
        name.zip(value).map(|(name, value)| Ok::<_, anyhow::Error>((name, parse(name, value)?))).transpose()?;
    let Settings { database: path, database_on_network, .. } = Settings::load(file.flags(None))?;
    if let Some((name, value)) = change {
        let set = |settings: &mut SystemSettings| {
            settings.switch(name).into_iter().for_each(|switch| *switch = value);
        };
        let mut database = LocalDatabase::open(&path, Missing::Refuse, database_on_network)?;
        let [before, after] = database.change_settings(set)?;
        say(format_args!("{name} is {} {}", on_or_off(value), if before == after { "already" } else { "now" }));
        return Ok(());
    }
    let settings = LocalDatabase::read_only(&path, LocalDatabase::settings)?;
    unless_closed(if json { print_json(settings) } else { print_lines(settings, name) })
}

/// The setting of a name.
fn known(name: &str) -> Result<&'static str> {
    let names = SystemSettings::NAMES;
    names.into_iter().find(|known| *known == name).with_context(|| {
        let names = names.join(", ");
        format!("there is no setting {name:?} in the database; there is {names}; `surveyd config` shows those of settings.toml")
    })
}

fn parse(name: &str, value: &str) -> Result<bool> {
    match value {
        "on" | "true" => Ok(true),
        "off" | "false" => Ok(false),
        _ => bail!("{name} must be on or off (or true or false), not {value:?}"),
    }
}

fn on_or_off(value: bool) -> &'static str {
    if value { "on" } else { "off" }
}

fn print_json(settings: SystemSettings) -> Result<()> {
    Ok(writeln!(io::stdout(), "{}", serde_json::to_string(&settings)?)?)
}

/// A line for each setting, or for one: what `surveyd settings` takes to set it so.
fn print_lines(mut settings: SystemSettings, only: Option<&str>) -> Result<()> {
    for name in SystemSettings::NAMES.into_iter().filter(|name| only.is_none_or(|only| only == *name)) {
        if let Some(value) = settings.switch(name) {
            writeln!(io::stdout(), "{name} {}", on_or_off(*value))?;
        }
    }
    Ok(())
}
