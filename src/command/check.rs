//! `surveyd check`: a line for each problem of the database.

use std::io::{self, Write};

use anyhow::{Result, ensure};

use super::output::say;
use crate::{cli::DatabaseArgs, settings::Settings, store::check, survey::text::visible};

pub(crate) fn run(file: DatabaseArgs) -> Result<()> {
    let database = Settings::load(file.flags(None))?.database;
    let mut stdout = io::stdout().lock();
    let found = check(&database, &mut |problem| {
        // `surveyd check | head` closes stdout early; the exit code still reports the problems.
        let _ = writeln!(stdout, "{}", visible(problem));
    })?;
    let name = database.display();
    ensure!(
        found == 0,
        "the database {name} is not sound: {found} lines on stdout say what is wrong; repair it, or put a backup in its place with `surveyd restore FILE`"
    );
    say(format_args!("the database {name} is sound"));
    Ok(())
}
