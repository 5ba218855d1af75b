//! Copies of the whole file, made while a server writes to it: every one is whole, verified and durable before it has its name.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, Permissions},
    io::ErrorKind,
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use rusqlite::{
    Connection, ErrorCode,
    backup::{Backup, StepResult},
};
use tempfile::TempPath;
use tracing::info;

use super::{
    explain, folder_of,
    ladder::{NEWEST, Owner, owner_of},
    open::{FLAGS, check_readable, open_snapshot, refuse_foreign, sync_folder},
};

/// What SQLite may have beside a file, behind its name.
pub(super) const COMPANIONS: [&str; 3] = ["-wal", "-journal", "-shm"];

/// How many pages are copied before the progress is told: 4 MiB.
const STEP: i32 = 1024;

/// Is told how many pages of how many are copied. Its error ends the copying, and nothing of the copy is left.
pub type Progress<'a> = &'a dyn Fn(u64, u64) -> Result<()>;

/// What is done where the name of a copy is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    Refuse,
    Replace,
}

/// Copies the database to a new file, a server's too. It holds all that was acknowledged before this was called. Yields its
/// size in bytes.
///
/// Errors: one sentence that names the file and the way out. Then there is no such file, and nothing of it is left.
pub fn back_up(database: &Path, target: &Path, progress: Progress<'_>) -> Result<u64> {
    check_readable(database)?;
    refuse_existing(target)?;
    let (from, owner) = open_snapshot(database).map_err(|error| explain(database, error.into()))?;
    refuse_foreign(&owner, database)?;
    ensure!(owner != Owner::Nobody, "the database {} is empty: there is nothing to back up", database.display());
    let part = Part::beside(target)?;
    // Told once more before it has its name: the verification takes its time.
    let made = part.fill(&from, progress).and_then(|()| part.verify(&owner)).and_then(|()| progress(1, 1));
    made.map_err(|error| explain_copy(database, target, error))?;
    part.publish(target, Existing::Refuse)
}

/// Keeps an older database beside itself, before the first step of the ladder changes it. One of an earlier attempt, which
/// came to nothing, is replaced.
pub(super) fn before_schema(database: &Path, version: i32) -> Result<()> {
    let target = with_suffix(database, &format!(".before-schema-{NEWEST}"));
    let (from, owner) = open_snapshot(database)?;
    let part = Part::beside(&target)?;
    let made = part.fill(&from, &|_, _| Ok(())).and_then(|()| part.verify(&owner));
    made.map_err(|error| explain_copy(database, &target, error))?;
    part.publish(&target, Existing::Replace)?;
    info!(
        "the database {} is brought from schema {version} to {NEWEST}; as it was it is kept as {}",
        database.display(),
        target.display()
    );
    Ok(())
}

/// The file of that name with something behind it.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn refuse_existing(target: &Path) -> Result<()> {
    ensure!(
        target.symlink_metadata().is_err(),
        "there is a file {} already, and it is left as it is; name another file, or remove it first",
        target.display()
    );
    // SQLite would take it for this copy's own, whatever is in it.
    for left in COMPANIONS.map(|suffix| with_suffix(target, suffix)) {
        ensure!(!left.exists(), "{} is left of another database of that name; remove it first", left.display());
    }
    Ok(())
}

/// Copies all of one database over all of another, in one transaction of that one.
pub(super) fn copy(from: &Connection, to: &mut Connection, progress: Progress<'_>) -> Result<()> {
    run(&Backup::new(from, to)?, progress)
}

/// Copies what is left to be copied. The source must be a snapshot: otherwise each write to it would begin the copying anew,
/// and beside a busy server it would never end.
pub(super) fn run(copying: &Backup<'_, '_>, progress: Progress<'_>) -> Result<()> {
    loop {
        let step = step(copying, STEP)?;
        let copied = copying.progress();
        let (total, left) = (u64::try_from(copied.pagecount)?, u64::try_from(copied.remaining)?);
        if step == StepResult::Done {
            return Ok(());
        }
        progress(total - left, total)?;
    }
}

/// Copies some pages; none only locks the copy's file.
pub(super) fn step(copying: &Backup<'_, '_>, pages: i32) -> rusqlite::Result<StepResult> {
    let busy = |code| rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
    match copying.step(pages)? {
        StepResult::Busy => Err(busy(rusqlite::ffi::SQLITE_BUSY)),
        StepResult::Locked => Err(busy(rusqlite::ffi::SQLITE_LOCKED)),
        done => Ok(done),
    }
}

/// A copy that is not whole yet, beside the place where it will be. Removed unless it is published; what is left of one that
/// was killed is taken over by the next.
pub(super) struct Part {
    path: TempPath,
    /// Locked, so that two who write the same copy do not write into one file.
    file: File,
}

impl Part {
    /// Makes an empty one, readable by its owner alone.
    ///
    /// Errors: one sentence that names the file and the way out.
    pub(super) fn beside(target: &Path) -> Result<Self> {
        let name = target.display();
        let folder = folder_of(target);
        ensure!(folder.is_dir(), "cannot write {name}: its folder does not exist; make the folder first");
        let path = with_suffix(target, ".surveyd-part");
        let open = || {
            let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path)?;
            let is_mine = file.try_lock().is_ok() && {
                // Whoever had the lock before may have published the file meanwhile.
                let (of_file, of_path) = (file.metadata()?, fs::metadata(&path));
                of_path.is_ok_and(|of_path| (of_path.dev(), of_path.ino()) == (of_file.dev(), of_file.ino()))
            };
            Ok::<_, std::io::Error>(is_mine.then_some(file))
        };
        let file =
            open().with_context(|| format!("cannot write {name}: choose a folder that this user may write to"))?;
        let Some(file) = file else { bail!("another surveyd is writing {name}; wait for it, or name another file") };
        let empty = || {
            file.set_len(0)?;
            file.set_permissions(Permissions::from_mode(0o600))?;
            COMPANIONS.into_iter().try_for_each(|suffix| remove_if_there(&with_suffix(&path, suffix)))
        };
        empty().with_context(|| format!("cannot replace {}; remove it", path.display()))?;
        Ok(Self { path: TempPath::try_from_path(path.clone())?, file })
    }

    /// Copies a snapshot into it.
    pub(super) fn fill(&self, from: &Connection, progress: Progress<'_>) -> Result<()> {
        let mut to = Connection::open_with_flags(&self.path, FLAGS)?;
        // Nobody else knows of it, and it is synced when it is whole.
        to.execute_batch("pragma journal_mode = off; pragma synchronous = off")?;
        copy(from, &mut to, progress)
    }

    /// Checks that what was written is sound and that owner's, and makes it a file that needs no other beside it.
    pub(super) fn verify(&self, expected: &Owner) -> Result<()> {
        let copy = Connection::open_with_flags(&self.path, FLAGS)?;
        copy.execute_batch("pragma trusted_schema = off; pragma journal_mode = delete")?;
        check_sound(&copy)?;
        let owner = owner_of(&copy)?;
        ensure!(owner == *expected, "it reads back as another file than was written; look for a failing disk");
        Ok(())
    }

    /// Gives it its name, once it is on the disk. Yields its size in bytes.
    pub(super) fn publish(self, target: &Path, existing: Existing) -> Result<u64> {
        let name = target.display();
        let size = self.file.sync_all().and_then(|()| self.file.metadata()).map(|metadata| metadata.len());
        let size =
            size.with_context(|| format!("cannot make {name} durable; look for a full disk or a failing one"))?;
        let published = match existing {
            Existing::Refuse => self.path.persist_noclobber(target),
            Existing::Replace => self.path.persist(target),
        };
        published.map_err(|error| error.error).with_context(|| format!("cannot give {name} its name"))?;
        sync_folder(target).with_context(|| format!("{name} is there, but a power cut may take it away"))?;
        Ok(size)
    }
}

/// Checks a file that is to be trusted; [`super::check`] tells more of one that is not.
pub(super) fn check_sound(connection: &Connection) -> Result<()> {
    let first: String = connection.query_row("pragma integrity_check(1)", [], |row| row.get(0))?;
    ensure!(first == "ok", "it is damaged: {}", first.replace('\n', " "));
    Ok(())
}

fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Says what an administrator can do about a copy that failed.
fn explain_copy(database: &Path, target: &Path, error: anyhow::Error) -> anyhow::Error {
    let (database, target) = (database.display(), target.display());
    let code = error.downcast_ref::<rusqlite::Error>().map(rusqlite::Error::sqlite_error_code);
    match code {
        Some(Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)) => error.context(format!(
            "there is no backup {target}: the database {database} is damaged; `surveyd check` says where"
        )),
        Some(_) => error.context(format!(
            "there is no backup {target}: {database} cannot be read, or the copy not be written; look for a full disk or a failing one"
        )),
        None => error.context(format!("there is no backup {target} of the database {database}")),
    }
}
