//! `surveyd check`: a line for each problem of the database, or what a sound one holds.

use std::io::{self, Write};

use anyhow::{Result, bail};

use super::output::{relative, say};
use crate::{
    cli::DatabaseArgs,
    settings::Settings,
    store::{Checked, Contents, check, now},
    survey::text::visible,
};

pub(crate) fn run(file: DatabaseArgs) -> Result<()> {
    let database = Settings::load(file.flags(None))?.database;
    let mut stdout = io::stdout().lock();
    let checked = check(&database, &mut |problem| {
        // `surveyd check | head` closes stdout early; the exit code still reports the problems.
        let _ = writeln!(stdout, "{}", visible(problem));
    })?;
    let name = database.display();
    match checked {
        Checked::Sound(contents) => {
            say(format_args!("the database {name} is sound"));
            describe(&contents);
            Ok(())
        }
        Checked::Problems(found) => bail!(
            "the database {name} is not sound: {found} lines on stdout say what is wrong; repair it, or put a backup in its place with `surveyd restore FILE`"
        ),
    }
}

/// Says how many rows there are, how old the newest send is, and which version made the schema.
fn describe(contents: &Contents) {
    let Contents { rows, newest_send, schema, surveyd } = contents;
    let rows: Vec<_> = rows.iter().map(|(name, count)| format!("{name} {count}")).collect();
    say(format_args!("rows: {}", rows.join(", ")));
    match newest_send {
        Some(at) => say(format_args!("newest send: {at}, {}", relative(*at, now()))),
        None => say("newest send: none"),
    }
    say(format_args!("schema: version {schema}, made by surveyd {surveyd}"));
}
