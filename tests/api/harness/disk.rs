//! A disk of its own: ext4 in a file, mounted by a loop device. A test can freeze it, as a snapshot of a virtual machine does.

use std::{fs::File, path::PathBuf, process::Command};

use tempfile::TempDir;

use super::tools::{skip_in_ci_too, tool_of_root};

/// A mounted disk; unmounted when dropped.
pub struct Disk {
    home: TempDir,
}

impl Disk {
    /// None where that needs more rights than the test has. The test must then return.
    pub fn new() -> Option<Self> {
        let mut make = tool_of_root("mkfs.ext4")?;
        tool_of_root("fsfreeze")?;
        let home = TempDir::new().unwrap();
        std::fs::create_dir(home.path().join("mounted")).unwrap();
        File::create(home.path().join("image")).unwrap().set_len(128 << 20).unwrap();
        run(make.arg("-qF").arg(home.path().join("image")));
        let disk = Self { home };
        // A container's root often may not.
        if !disk.mount_command().output().unwrap().status.success() {
            skip_in_ci_too("a file system cannot be mounted here");
            return None;
        }
        Some(disk)
    }

    pub fn mount_command(&self) -> Command {
        let mut mount = Command::new("mount");
        mount.args(["-o", "loop"]).arg(self.home.path().join("image")).arg(self.path());
        mount
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        self.home.path().join("mounted")
    }

    /// Every write to it waits until it thaws.
    pub fn freeze(&self) -> Frozen {
        run(Command::new("fsfreeze").arg("-f").arg(self.path()));
        Frozen { path: self.path() }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, since a test that fails may leave a process with an open file.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

/// A frozen disk; it thaws when this is dropped.
pub struct Frozen {
    path: PathBuf,
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let _ = Command::new("fsfreeze").arg("-u").arg(&self.path).status();
    }
}

/// Runs a command that must succeed.
pub fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?} wrote: {}", String::from_utf8_lossy(&output.stderr));
}
