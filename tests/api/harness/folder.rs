//! A folder of its own for each test, with a database in it.

use std::{
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use rustix::process::getuid;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Server, binary, surveyd, tool, tool_of_root};

/// A user and group without rights.
const NOBODY: u32 = 65534;

/// A folder with a database in it; removed when dropped.
pub struct TestFolder {
    directory: TempDir,
}

impl TestFolder {
    /// An empty one.
    pub fn new() -> Self {
        Self { directory: TempDir::new().unwrap() }
    }

    /// One whose database holds the sample world of a fake.
    pub fn with_sample() -> Self {
        Self::with_sample_in(&std::env::temp_dir())
    }

    /// The same, in that folder.
    pub fn with_sample_in(parent: &Path) -> Self {
        let folder = Self { directory: TempDir::new_in(parent).unwrap() };
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/fake/sample-world.json");
        folder.run_ok(&["apply", sample.to_str().unwrap()]);
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    /// The names of the files, sorted.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The program, started in this folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = surveyd();
        command.current_dir(self.directory.path()).args(arguments);
        command
    }

    /// The program with a limit on the size of each file it writes, in blocks of 512 bytes or of 1 KiB, depending on the
    /// shell. It stands in for a full disk: a write past the limit fails in the same way. None without `sh`.
    ///
    /// The signal that comes with the limit is ignored, so that only the write fails.
    pub fn command_with_file_limit(&self, blocks: u32, arguments: &[&str]) -> Option<Command> {
        let mut command = tool("sh")?;
        let script = format!("trap '' XFSZ; ulimit -S -f {blocks}; exec \"$0\" \"$@\"");
        command.args(["-c", &script]).arg(binary()).args(arguments);
        command.current_dir(self.directory.path());
        Some(command)
    }

    /// The program in a mount namespace of its own, after a script has mounted something there; the mounts end with it. None
    /// where the machine lets nobody but root mount.
    pub fn command_with_mounts(&self, script: &str, arguments: &[&str]) -> Option<Command> {
        let mut command = tool_of_root("unshare")?;
        let script = format!("set -e; {script}; exec \"$0\" \"$@\"");
        command.args(["-m", "sh", "-c", &script]).arg(binary()).args(arguments);
        command.current_dir(self.directory.path());
        Some(command)
    }

    /// The program as a user without rights. Tests are often run by root, who may do everything.
    pub fn command_without_rights(&self, arguments: &[&str]) -> Command {
        std::fs::set_permissions(self.path(""), std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = Command::new(self.program());
        if getuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.args(arguments).current_dir(self.directory.path());
        command
    }

    /// A copy of the program that every user can reach.
    ///
    /// Made by another process: a program that another test starts meanwhile would inherit the open copy, and the system
    /// refuses to run a file that is open for writing.
    pub fn program(&self) -> PathBuf {
        let program = self.path("surveyd");
        if !program.exists() {
            let mut copy = Command::new("cp");
            assert!(copy.arg(binary()).arg(&program).status().unwrap().success());
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        program
    }

    /// Runs the program, whatever its exit code.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed, and returns its stderr.
    pub fn run_ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?} wrote: {stderr}");
        self.without_folder(&stderr)
    }

    /// Runs a command that must succeed, and returns its stdout.
    pub fn stdout_of(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?} wrote: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must fail with exit code 1, and returns the one sentence on its stderr.
    pub fn run_error(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?} wrote: {stderr}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "", "{arguments:?}");
        assert_eq!(stderr.lines().count(), 1, "{arguments:?} wrote: {stderr}");
        self.without_folder(&stderr)
    }

    /// Asserts that `surveyd check` finds the database sound.
    pub fn assert_sound(&self, database: &str) {
        let said = self.run_ok(&["check", "--database", database]);
        assert!(said.starts_with(&format!("surveyd: the database {database} is sound\n")), "{said}");
    }

    fn without_folder(&self, text: &str) -> String {
        text.trim_end().replace(&format!("{}/", self.directory.path().display()), "")
    }

    /// Applies a world file.
    pub fn apply(&self, world: impl Into<Value>) {
        self.write("applied.json", &world.into().to_string());
        self.run_ok(&["apply", "applied.json"]);
        std::fs::remove_file(self.path("applied.json")).unwrap();
    }

    /// The world file of the database.
    pub fn export(&self) -> String {
        self.stdout_of(&["export"])
    }

    /// Creates a token, and returns its secret. A folder without a database gets an empty one first.
    pub fn token(&self, name: &str, role: &str) -> String {
        if !self.path("surveyd.db").exists() {
            self.apply(json!({}));
        }
        self.stdout_of(&["token", "create", "--name", name, "--role", role]).trim_end().to_owned()
    }

    /// A connection to the database by another program than the server.
    pub fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path("surveyd.db")).unwrap()
    }

    /// Adds so many clients to a database that a test can stop a copy before it is complete.
    pub fn fill(&self, database: &str, clients: u32) {
        let connection = rusqlite::Connection::open(self.path(database)).unwrap();
        let sql = "with recursive ids (id) as (select 1000 union all select id + 1 from ids limit ?1)
                   insert into client (id, external_id, name) select id, 'crm-' || id, 'A client of the test' from ids";
        connection.execute(sql, [clients]).unwrap();
    }

    /// Serves the database of this folder, with these settings, such as `("LIMITS__QUEUE", "8")`.
    pub fn serve_with(&self, settings: &[(&str, &str)]) -> Server {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.envs(settings.iter().map(|(key, value)| (format!("SURVEYD__{key}"), value)));
        Server::start(command)
    }

    /// Serves the database of this folder.
    pub fn serve(&self) -> Server {
        self.serve_with(&[])
    }
}

impl From<TempDir> for TestFolder {
    fn from(directory: TempDir) -> Self {
        Self { directory }
    }
}
