//! Replacing the database by a backup: all of it or nothing. The old database is kept.
//!
//! A database that SQLite can open is overwritten by one transaction, not replaced by another file: processes that have it open
//! go on with the new state, and its log always belongs to the file next to it. A new file takes the name only if there is no
//! database, or one that SQLite cannot open.
//!
//! What is carried over from the old database is put into a copy of the backup first, so that it comes with the rest or not at
//! all.

mod aside;
mod carry_over;
mod replace;

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use rusqlite::Connection;

use self::aside::{free_name, is_same, sidecars, undo_interrupted};
pub(crate) use self::carry_over::{LostSends, NamedToken, Report};
use crate::store::{
    LocalDatabase,
    error::StoreError,
    file::{
        check_readable,
        connection::{open_snapshot, open_to_replace},
        copy::{Progress, check_sound},
        error::FileError,
        lock::ServerLock,
        migrations::{CURRENT_VERSION, FileOwner, migrate, refuse_altered},
        network::{OnNetwork, check_file_system},
        restore::carry_over::{Facts, carry_over, count_lost, record},
        staged_file::StagedFile,
    },
};

/// A restore that is done.
#[derive(Debug)]
pub(crate) struct Restored {
    /// Where the old database is kept, if there was one.
    pub(crate) aside: Option<PathBuf>,
    /// None for an exact one.
    pub(crate) report: Option<Report>,
    /// Whether it is on the disk. If not, a power cut may bring the old database back.
    pub(crate) synced: Result<(), io::Error>,
}

/// Replaces the database by a backup. Unless it is `exact`, the new database has the present schema, and keeps what the old one
/// revoked, rotated and erased, and its counters of ids.
///
/// Errors: one sentence that names the file and the way out. It says whether the database is as it was.
pub(crate) fn restore(
    backup: &Path,
    database: &Path,
    on_network: OnNetwork,
    exact: bool,
    progress: Progress<'_>,
) -> Result<Restored> {
    check_file_system(database, on_network)?;
    let (from, owner) = open_backup(backup)?;
    // The file itself is replaced, not a link to it.
    let real = database.is_symlink().then(|| database.canonicalize()).and_then(Result::ok);
    let database = real.as_deref().unwrap_or(database);
    ensure!(!is_same(backup, database), "{} is the database itself; name a backup", backup.display());
    let _lock = ServerLock::take_and_mend(database, || undo_interrupted(database))?;
    let aside = free_name(database);
    let restoring = Restoring { backup, from, owner, database, aside: &aside, exact, progress };
    let (report, synced) = match open_current(database)? {
        Some(current) => restoring.write_over(current)?,
        None => restoring.put_new()?,
    };
    let kept = |path: &PathBuf| path.exists() || sidecars(path).iter().any(|path| path.exists());
    Ok(Restored { aside: Some(aside).filter(kept), report, synced })
}

/// What a restore goes by.
struct Restoring<'a> {
    backup: &'a Path,
    /// A snapshot of the backup.
    from: Connection,
    owner: FileOwner,
    database: &'a Path,
    /// Where the old database is kept.
    aside: &'a Path,
    exact: bool,
    progress: Progress<'a>,
}

impl Restoring<'_> {
    fn not_restored(&self) -> String {
        format!("{} is not restored, the database {} is as it was", self.backup.display(), self.database.display())
    }

    /// Copies the backup, and brings the copy to the present schema.
    fn stage(&self) -> Result<StagedFile> {
        let staged = StagedFile::next_to(self.database)?;
        let filled = staged.fill(&self.from, self.progress);
        let ready = filled.and_then(|()| if self.exact { Ok(()) } else { migrate(&mut staged.open()?, |_| Ok(())) });
        ready.map_err(|error| error.explain(self.database))?;
        Ok(staged)
    }

    /// Carries over to the copy of the backup what must not be lost of the old database, if there is one. Verifies the copy.
    fn complete(&self, staged: &StagedFile, old: Option<Old<'_>>) -> Result<Option<Report>> {
        if self.exact {
            staged.verify(&self.owner).map_err(|error| error.explain(self.database))?;
            return Ok(None);
        }
        let connection = staged.open().map_err(|error| error.explain(self.database))?;
        let mut copy = LocalDatabase { path: self.database.to_owned(), connection, _folder: None };
        let mut report = Report { backup: self.backup.display().to_string(), ..Report::default() };
        let own = copy.read(|connection| Facts::read(connection, CURRENT_VERSION))?;
        match old.map(|old| old.read(&own, &mut report)) {
            Some(Ok(old)) => carry_over(&mut copy, &old, &own, &mut report)?,
            Some(Err(reason)) => report.not_carried_over = Some(reason),
            None => {}
        }
        record(&mut copy, &report)?;
        drop(copy);
        staged.verify(&FileOwner::Surveyd(CURRENT_VERSION)).map_err(|error| error.explain(self.database))?;
        Ok(Some(report))
    }
}

/// The database to be replaced.
enum Old<'a> {
    Snapshot(&'a Connection, FileOwner),
    /// SQLite cannot open it.
    Unreadable,
}

impl Old<'_> {
    /// Reads what is to be carried over. Errors: why that is not possible.
    fn read(self, backup: &Facts, report: &mut Report) -> Result<Facts, String> {
        let (connection, owner) = match self {
            Self::Snapshot(connection, owner) => (connection, owner),
            Self::Unreadable => return Err("it cannot be opened".to_owned()),
        };
        let version = match owner {
            FileOwner::Surveyd(version) => version,
            FileOwner::NewerSurveyd(newer) => return Err(format!("it was written by {newer}")),
            FileOwner::Empty | FileOwner::OtherProgram => return Err("it is not a database of surveyd".to_owned()),
        };
        refuse_altered(connection, version).map_err(|error| error.to_string())?;
        let mut read = || {
            let facts = Facts::read(connection, version)?;
            count_lost(connection, version, backup, report)?;
            Ok(facts)
        };
        read().map_err(|error: StoreError| format!("it cannot be read: {error}"))
    }
}

/// Opens the backup, if it is a sound file of ours.
fn open_backup(backup: &Path) -> Result<(Connection, FileOwner)> {
    let name = backup.display();
    ensure!(backup.exists(), "there is no backup {name}; `surveyd backup FILE` makes one");
    ensure!(!backup.is_dir(), "the backup {name} is a folder; name a file");
    ensure!(backup.is_file(), "the backup {name} is not a regular file; name another one");
    // Opened as a plain file first, for the system's own message where SQLite would only say "unable to open".
    let opened = File::open(backup).map_err(anyhow::Error::from).and_then(|_| {
        let diagnose = |error: FileError| error.diagnose(backup);
        let (from, owner) = open_snapshot(backup).map_err(FileError::from).map_err(diagnose)?;
        match &owner {
            FileOwner::Surveyd(_) => check_sound(&from, &owner).map_err(diagnose)?,
            FileOwner::NewerSurveyd(newer) => bail!("it was written by {newer}; use that version"),
            FileOwner::Empty | FileOwner::OtherProgram => bail!("it is not a database of surveyd; name another file"),
        }
        Ok((from, owner))
    });
    opened.with_context(|| {
        format!("the backup {name} cannot be restored, and the database is as it was; name another one")
    })
}

/// Opens the present database; `None` if there is none, or none that SQLite can open.
fn open_current(database: &Path) -> Result<Option<Connection>> {
    if !database.exists() {
        return Ok(None);
    }
    check_readable(database)?;
    match open_to_replace(database) {
        Ok((_, FileOwner::OtherProgram)) => bail!(
            "{} is a SQLite database, but not one of surveyd, and it is left as it is; name another file with --database",
            database.display()
        ),
        Ok((current, _)) => Ok(Some(current)),
        Err(FileError::NotADatabase(_) | FileError::Damaged(_)) => Ok(None),
        Err(error) => Err(error.explain(database)),
    }
}
