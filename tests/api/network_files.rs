//! A database on a network file system: refused, because SQLite's log needs memory that machines do not share.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
    process::Command,
};

use rstest::rstest;
use serde_json::json;
use tempfile::TempDir;

use crate::harness::{TestFolder, tool_of_root, tools::skip_in_ci_too};

const SFTP_SERVER: &str = "/usr/lib/openssh/sftp-server";

/// A folder that is mounted by sshfs, without a network: the server of SFTP is a child of it. Unmounted when dropped.
struct Mounted {
    home: TempDir,
}

impl Mounted {
    /// None where that is not possible. The test must then return.
    fn new(options: &str) -> Option<Self> {
        let mut sshfs = tool_of_root("sshfs")?;
        if !fs::exists(SFTP_SERVER).unwrap() || !fs::exists("/dev/fuse").unwrap() {
            skip_in_ci_too("there is no server of SFTP, or no FUSE");
            return None;
        }
        let mounted = Self { home: TempDir::new().unwrap() };
        fs::create_dir(mounted.path()).unwrap();
        let (ssh, files) = (mounted.home.path().join("ssh"), mounted.home.path().join("files"));
        fs::create_dir(&files).unwrap();
        fs::write(&ssh, format!("#!/bin/sh\nexec {SFTP_SERVER}\n")).unwrap();
        fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).unwrap();
        sshfs.args(["-o", &format!("ssh_command={}{options}", ssh.display())]);
        let output = sshfs.arg(format!("localhost:{}", files.display())).arg(mounted.path()).output().unwrap();
        if !output.status.success() {
            skip_in_ci_too(&format!("sshfs cannot mount here: {}", String::from_utf8_lossy(&output.stderr)));
            return None;
        }
        Some(mounted)
    }

    fn path(&self) -> PathBuf {
        self.home.path().join("mounted")
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily, since a test that fails may leave a process with an open file.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

const WHAT: &str = "fuse.sshfs, which is not known to be a local file system";
const ALLOW: (&str, &str) = ("DATABASE_ON_NETWORK", "true");

#[test]
fn a_database_on_a_network_file_system_is_refused() {
    let Some(mounted) = Mounted::new("") else { return };
    let folder = TestFolder::with_sample();
    let database = mounted.path().join("surveyd.db");
    let name = database.to_str().unwrap();
    let refusal = format!(
        "surveyd: the database {name} is on {WHAT}, and SQLite's write-ahead log works only where all processes that open the database share memory on one machine; move it to a local disk or a block device, or set database_on_network = true if no other machine ever opens it"
    );
    folder.write("world.json", "{}");
    folder.write("clients.csv", "id\n1\n");
    let error = |arguments: &[&str]| folder.run_error(&[arguments, &["--database", name]].concat());
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["apply", "world.json"]] {
        assert_eq!(error(arguments), refusal, "{arguments:?}");
        assert!(!database.exists(), "nothing is made");
    }
    // A link leads there, too.
    symlink(&database, folder.path("link.db")).unwrap();
    // A backup is one file, which no other process has open.
    folder.run_ok(&["backup", name]);
    let bytes = fs::read(&database).unwrap();
    for arguments in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["token", "create", "--name", "x", "--role", "admin"],
        &["token", "revoke", "1"],
        &["settings", "surveysViaExternalApi", "off"],
        &["import", "clients", "clients.csv"],
        &["erase", "client", "1"],
        &["restore", "surveyd.db"],
    ] {
        assert_eq!(error(arguments), refusal, "{arguments:?}");
        assert!(fs::read(&database).unwrap() == bytes, "{arguments:?}");
    }
    assert_eq!(
        folder.run_error(&["settings", "surveysViaExternalApi", "off", "--database", "link.db"]),
        refusal.replace(name, "link.db")
    );
    folder.assert_sound(name);
    // The database of another folder can be restored from there.
    folder.run_ok(&["restore", name]);
}

#[test]
fn a_database_on_a_network_file_system_can_be_allowed() {
    let Some(mounted) = Mounted::new("") else { return };
    let folder = TestFolder::from(TempDir::new_in(mounted.path()).unwrap());
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/src/fake/sample-world.json");
    let run = |arguments: &[&str]| {
        let output = folder.command(arguments).env(format!("SURVEYD__{}", ALLOW.0), ALLOW.1).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    run(&["apply", sample]);
    let token = run(&["token", "create", "--name", "crm", "--role", "integrator"]);
    let server = folder.serve_with(&[ALLOW]);
    assert_eq!(server.client(token.trim_end()).send(1, 1).short(), "200 ");
    // A command that only reads is not asked.
    assert!(folder.stdout_of(&["status"]).contains("\nsends        1; "));
    let log = server.stop();
    let warning =
        format!("the database surveyd.db is on {WHAT}: a process on another machine that opens it damages it");
    assert_eq!(log.matches(&warning).count(), 1, "{log}");
}

/// Files of FUSE that are on this machine need no setting.
#[rstest]
#[case::local("mergerfs")]
#[case::on_a_disk("ntfs-3g")]
fn a_local_file_system_of_fuse_is_not_refused(#[case] subtype: &str) {
    let Some(mounted) = Mounted::new(&format!(",subtype={subtype}")) else { return };
    let folder = TestFolder::new();
    folder.write("world.json", &json!({"clients": [{"id": 9}]}).to_string());
    let database = mounted.path().join("surveyd.db");
    folder.run_ok(&["apply", "world.json", "--database", database.to_str().unwrap()]);
}
