//! Files that commands make for others or for a while: nobody else can read, own or redirect them, and none is left.

use std::{
    fs,
    io::Write,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::harness::{Server, Signal, TestFolder, eventually, send_signal, tool};

/// The program with a umask that takes no right away.
fn without_umask(folder: &TestFolder, words: &[&str]) -> Option<Command> {
    let mut shell = tool("sh")?;
    shell.args(["-c", "umask 0; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_surveyd")]).args(words);
    shell.current_dir(folder.path("")).env("TMPDIR", folder.path("tmp"));
    fs::create_dir(folder.path("tmp")).unwrap();
    Some(shell)
}

/// Every file and folder below a folder.
fn all_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let with_content = |path: PathBuf| [vec![path.clone()], all_below(&path)].concat();
    entries.flat_map(|entry| with_content(entry.unwrap().path())).collect()
}

/// Only the owner can read the files, or enter the folders. `expected` files are there.
fn are_private(folder: &Path, expected: usize) {
    let all = all_below(folder);
    let files = all.iter().filter(|path| path.is_file()).count();
    assert!(files >= expected, "{all:?}");
    for path in &all {
        // SQLite may have removed one meanwhile.
        let Ok(metadata) = fs::metadata(path) else { continue };
        let mode = if metadata.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(metadata.permissions().mode() & 0o777, mode, "{}", path.display());
    }
}

#[test]
fn the_worlds_of_a_fake_are_private() {
    let folder = TestFolder::new();
    let Some(command) = without_umask(&folder, &["fake", "--listen", "127.0.0.1:0"]) else { return };
    let fake = Server::start(command);
    assert_eq!(fake.client("test-crm@w1").send(1, 1).short(), "200 ");
    are_private(&folder.path("tmp"), 4);
    fake.stop();
    assert_eq!(all_below(&folder.path("tmp")), [] as [PathBuf; 0]);
}

/// A dry run that waits for its CSV file, which is a pipe.
fn dry_run(folder: &TestFolder, mut command: Command) -> Child {
    let mut process = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    process.stdin.as_mut().unwrap().write_all(b"id\n1\n").unwrap();
    eventually("the database of the dry run is there", || {
        all_below(&folder.path("tmp")).iter().any(|path| path.ends_with("dry-run.db-wal"))
    });
    process
}

#[test]
fn a_dry_run_is_private_and_leaves_nothing() {
    let folder = TestFolder::with_sample();
    let Some(command) = without_umask(&folder, &["import", "clients", "-", "--dry-run"]) else { return };
    let mut process = dry_run(&folder, command);
    are_private(&folder.path("tmp"), 3);
    // Open until the end: the dry run waits for more rows.
    let _stdin = process.stdin.take();
    send_signal(process.id(), Signal::TERM).unwrap();
    let output = process.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "surveyd: stopped by a signal; nothing was written\n");
    assert_eq!(all_below(&folder.path("tmp")), [] as [PathBuf; 0]);
}

#[test]
fn a_killed_dry_run_is_removed_by_the_next() {
    let folder = TestFolder::with_sample();
    let words = ["import", "clients", "-", "--dry-run"];
    let Some(command) = without_umask(&folder, &words) else { return };
    let mut killed = dry_run(&folder, command);
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(!all_below(&folder.path("tmp")).is_empty());
    let mut next = folder.command(&["import", "clients", "rows.csv", "--dry-run"]);
    folder.write("rows.csv", "id\n1\n");
    assert!(next.env("TMPDIR", folder.path("tmp")).output().unwrap().status.success());
    assert_eq!(all_below(&folder.path("tmp")), [] as [PathBuf; 0]);
}

#[test]
fn a_report_is_a_file_of_its_own() {
    let folder = TestFolder::with_sample();
    folder.write("rows.csv", "id,name\nx,Secret name\n");
    let report = |name: &str| folder.run(&["import", "clients", "rows.csv", "--report", name]);
    // Made before by somebody who wants to read it.
    let before = folder.write("before.csv", "before");
    fs::set_permissions(&before, fs::Permissions::from_mode(0o666)).unwrap();
    let open = fs::File::open(&before).unwrap();
    report("before.csv");
    let made = fs::metadata(&before).unwrap();
    assert_eq!(made.permissions().mode() & 0o777, 0o600);
    assert_ne!(made.ino(), open.metadata().unwrap().ino());
    assert!(fs::read_to_string(&before).unwrap().starts_with("line,field,reason\n2,id,"));
    assert_eq!(std::io::read_to_string(open).unwrap(), "before");

    folder.write("target", "precious");
    symlink("target", folder.path("link.csv")).unwrap();
    let said = String::from_utf8(report("link.csv").stderr).unwrap();
    assert_eq!(
        said,
        "surveyd: cannot write the report link.csv: there is something of that name that is not a file; name another one\n"
    );
    assert_eq!(fs::read_to_string(folder.path("target")).unwrap(), "precious");
    // A pipe of the shell.
    let said = String::from_utf8(report("/dev/stdout").stdout).unwrap();
    assert!(said.starts_with("line,field,reason\n2,id,"), "{said}");
}

#[test]
fn a_ready_file_is_not_written_through_a_link() {
    let folder = TestFolder::new();
    folder.write("target", "precious");
    symlink("target", folder.path("ready.json.part")).unwrap();
    let said = folder.run_error(&["fake", "--listen", "127.0.0.1:0", "--ready-file", "ready.json"]);
    assert!(
        said.starts_with("surveyd: cannot write the ready file ready.json: there is something of that name"),
        "{said}"
    );
    fs::remove_file(folder.path("ready.json.part")).unwrap();
    symlink("target", folder.path("ready.json")).unwrap();
    let mut command = folder.command(&["fake", "--listen", "127.0.0.1:0", "--ready-file", "ready.json"]);
    command.env("TMPDIR", folder.path(""));
    let fake = Server::start(command);
    assert!(fs::symlink_metadata(folder.path("ready.json")).unwrap().is_file());
    fake.stop();
    assert_eq!(fs::read_to_string(folder.path("target")).unwrap(), "precious");
}
