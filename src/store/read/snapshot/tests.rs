//! What a group of reads shares.

use std::{fs::File, path::Path};

use tokio::{
    join,
    runtime::Builder,
    task::{LocalSet, spawn_local},
};

use super::*;
use crate::store::file::open::open_throw_away;

fn run(test: impl AsyncFnOnce(Rc<Snapshots>, &Path)) {
    let folder = tempfile::tempdir().expect("a folder for a test");
    let path = folder.path().join("test.db");
    let snapshots = Snapshots::new(SnapshotSource::new(path.clone(), None, Generation::default(), None));
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    LocalSet::new().block_on(&runtime, test(snapshots, &path));
}

fn new_database(path: &Path) -> Connection {
    File::create(path).expect("a file");
    open_throw_away(path).expect("a database")
}

fn clients(snapshot: &Snapshot<'_>) -> Result<i64, StoreError> {
    Ok(snapshot.connection.query_row("select count(*) from client", [], |row| row.get(0))?)
}

#[test]
fn a_group_shares_one_snapshot() {
    run(async |snapshots, path| {
        let writer = new_database(path);
        let first = snapshots.read(move |snapshot| {
            let before = clients(snapshot)?;
            writer.execute("insert into client (id) values (1)", [])?;
            Ok::<_, StoreError>(before)
        });
        let (first, second) = join!(first, snapshots.read(clients));
        assert_eq!((first, second), (Ok(0), Ok(0)), "one state, whatever is committed meanwhile");
        assert_eq!(snapshots.read(clients).await, Ok(1), "the next group has a newer one");
    });
}

#[test]
fn a_read_after_a_failed_end_works() {
    run(async |snapshots, path| {
        let writer = new_database(path);
        assert_eq!(snapshots.read(clients).await, Ok(0));
        // As a commit would leave it that failed.
        let leave_open = |connection: &Connection| connection.execute_batch("begin; select * from client");
        snapshots.source.connection.lock().as_ref().map(leave_open).expect("it is open").expect("a transaction");
        writer.execute("insert into client (id) values (1)", []).expect("a row");
        assert_eq!(snapshots.read(clients).await, Ok(1));
    });
}

#[test]
fn a_file_that_cannot_be_opened_is_tried_again() {
    run(async |snapshots, path| {
        let missing = snapshots.read(clients).await;
        assert!(matches!(missing, Err(StoreError::Unavailable(_))), "{missing:?}");
        let _writer = new_database(path);
        let reader = Rc::clone(&snapshots);
        let read = spawn_local(async move { reader.read(clients).await });
        assert_eq!(read.await.expect("no panic"), Ok(0));
    });
}

/// The reader thread may come to its first task only when the database is closed already.
#[test]
fn a_closed_source_opens_nothing() {
    run(async |snapshots, path| {
        drop(new_database(path));
        snapshots.source.close();
        let after = snapshots.read(clients).await;
        assert_eq!(after, Err(StoreError::Busy("the database is closed".to_owned())));
        let names: Vec<_> = path.parent().expect("its folder").read_dir().expect("its names").collect();
        assert_eq!(names.len(), 1, "no log was made: {names:?}");
    });
}

/// A defect in one read costs no other read its answer.
#[test]
fn a_read_that_panics_is_the_only_one_without_an_answer() {
    run(async |snapshots, path| {
        let _writer = new_database(path);
        let panics = snapshots.read(|_| -> Result<i64, StoreError> { panic!("a defect") });
        let (panicked, other) = join!(panics, snapshots.read(clients));
        assert!(matches!(panicked, Err(StoreError::Internal(_))), "{panicked:?}");
        assert_eq!(other, Ok(0));
        assert_eq!(snapshots.read(clients).await, Ok(0), "the thread goes on");
    });
}
