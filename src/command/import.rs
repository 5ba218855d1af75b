//! `surveyd import`: puts every valid row of a CSV file.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, BufRead, BufReader, IsTerminal, Write},
    path::{Path, PathBuf},
    process,
    time::Instant,
};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{new_file, output::say, signals::on_signal};
use crate::{
    cli::{DatabaseArgs, ListKind},
    settings::Settings,
    store::{
        LocalDatabase, Missing,
        error::StoreError,
        temp_folder::{remove_leftovers, remove_own},
        transfer::csv::{Import, ImportObserver, Rejection, Rows, Tabular},
    },
    survey::model::{Channel, Client, Form, Thread},
};

/// How many rejected rows are shown without a report.
const SHOWN: u64 = 20;

pub(crate) fn run(
    list: ListKind,
    path: &Path,
    dry_run: bool,
    report: Option<PathBuf>,
    file: DatabaseArgs,
) -> Result<()> {
    let settings = Settings::load(file.flags(None))?;
    match list {
        ListKind::Channels => import::<Channel>(&settings, path, dry_run, report),
        ListKind::Clients => import::<Client>(&settings, path, dry_run, report),
        ListKind::Threads => import::<Thread>(&settings, path, dry_run, report),
        ListKind::Forms => import::<Form>(&settings, path, dry_run, report),
    }
}

fn import<E: Tabular>(settings: &Settings, path: &Path, dry_run: bool, report: Option<PathBuf>) -> Result<()> {
    let (file, name) = (settings.database.display(), path.display());
    let (input, bytes) = open_input(path).with_context(|| format!("cannot read the CSV file {name}"))?;
    let mut rows = Rows::of::<E>(input).with_context(|| format!("the CSV file {name} cannot be imported"))?;
    let mut database = if dry_run {
        remove_leftovers();
        // The CSV file may be a slow pipe: the import cannot be asked to end.
        on_signal(|| {
            remove_own();
            say("stopped by a signal; nothing was written");
            process::exit(1);
        })?;
        LocalDatabase::for_dry_run::<E>(&settings.database)?
    } else {
        LocalDatabase::open(&settings.database, Missing::Refuse, settings.database_on_network)?
    };
    let client = settings.delivery.client();
    let check = |row: &E| match row.delivery_url().map(|url| client.check(url)) {
        Some(Err(problem)) => Err(StoreError::invalid("deliveryUrl", problem)),
        _ => Ok(()),
    };
    let (mut import, mut observer) = (Import::default(), Observer::new(report, bytes)?);
    let ended = import.run(&mut database, &mut rows, &check, &mut observer);
    observer.end()?;
    let Import { applied, rejected } = import;
    // Every row that was read is one or the other: none is lost without a word.
    let read = format!("{} rows of {name} are read", applied + rejected);
    let done = if dry_run {
        format!("{read}: {applied} can be applied to {file}, {rejected} would be rejected; nothing was written")
    } else {
        format!("{read}: {applied} are applied to {file}, {rejected} are rejected")
    };
    ended.with_context(|| format!("{done}; then the import ended"))?;
    if rejected > 0 {
        bail!("{done}; correct those lines and import the file again");
    }
    say(done);
    Ok(())
}

/// Opens a file. Returns its size, too; `-` is standard input, which has none.
fn open_input(path: &Path) -> io::Result<(Box<dyn BufRead>, Option<u64>)> {
    if path == Path::new("-") {
        return Ok((Box::new(io::stdin().lock()), None));
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    // A name may be that of a pipe (`<(zcat …)`), which has no size.
    let bytes = metadata.is_file().then_some(metadata.len());
    Ok((Box::new(BufReader::new(file)), bytes))
}

/// Shows the progress and the rejected rows.
struct Observer {
    report: Option<csv::Writer<Box<dyn Write>>>,
    rejected: u64,
    bar: ProgressBar,
    began: Instant,
}

impl Observer {
    fn new(report: Option<PathBuf>, bytes: Option<u64>) -> Result<Self> {
        let open = |path: PathBuf| -> Result<csv::Writer<Box<dyn Write>>> {
            let out: Box<dyn Write> = if path == Path::new("-") {
                Box::new(io::stdout())
            } else {
                let file = new_file::create(&path, 0o600);
                Box::new(file.with_context(|| format!("cannot write the report {}", path.display()))?)
            };
            let mut report = csv::Writer::from_writer(out);
            report.write_record(["line", "field", "reason"])?;
            Ok(report)
        };
        let report = report.map(open).transpose()?;
        let bar = bar(bytes);
        Ok(Self { report, rejected: 0, bar, began: Instant::now() })
    }

    fn end(&mut self) -> Result<()> {
        self.bar.finish_and_clear();
        match &mut self.report {
            Some(report) => report.flush().context("cannot write the report")?,
            None if self.rejected > SHOWN => {
                say(format_args!("and {} more; --report FILE has them all", self.rejected - SHOWN));
            }
            None => {}
        }
        Ok(())
    }
}

impl ImportObserver for Observer {
    fn rejected(&mut self, rejection: &Rejection) -> Result<()> {
        self.rejected += 1;
        let Rejection { line, field, reason } = rejection;
        if let Some(report) = &mut self.report {
            let row = [line.to_string().as_str(), field, reason].map(str::to_owned);
            return report.write_record(row).context("cannot write the report");
        }
        if self.rejected <= SHOWN {
            let mut sentence = format!("line {line}: ");
            if !field.is_empty() {
                write!(sentence, "{field}: ")?;
            }
            self.bar.suspend(|| say(format_args!("{sentence}{reason}")));
        }
        Ok(())
    }

    fn progressed(&mut self, rows: u64, bytes: u64) {
        self.bar.set_position(bytes);
        let ms = self.began.elapsed().as_millis().max(1);
        self.bar.set_message(format!("{rows} rows, {} a second", u128::from(rows) * 1000 / ms));
    }
}

/// A bar of bytes if their number is known, else the rows alone; hidden without a terminal.
fn bar(bytes: Option<u64>) -> ProgressBar {
    /// A smaller file is done before anyone could read the bar.
    const WORTH_SHOWING: u64 = 1_000_000;
    let shown = io::stderr().is_terminal() && bytes.is_none_or(|bytes| bytes >= WORTH_SHOWING);
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(bytes, target);
    let template = if bytes.is_some() { "{bar:40} {percent}%, {msg}, {eta} left" } else { "{spinner} {msg}" };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
