//! A small disk of its own, which a test can freeze as a snapshot of a virtual machine does.

use std::{cell::Cell, fs, path::PathBuf, process::Command};

use tempfile::TempDir;

use super::tools::{skip, tool_of_root};

/// An ext4 file system in a file; thawed and unmounted when dropped.
pub struct Disk {
    directory: TempDir,
    is_frozen: Cell<bool>,
}

impl Disk {
    /// None where the machine does not let the test mount one.
    pub fn new() -> Option<Self> {
        for name in ["mkfs.ext4", "mount", "umount", "fsfreeze"] {
            tool_of_root(name)?;
        }
        let directory = TempDir::new().unwrap();
        let image = directory.path().join("image");
        fs::File::create(&image).unwrap().set_len(64 * 1024 * 1024).unwrap();
        fs::create_dir(directory.path().join("disk")).unwrap();
        let disk = Self { directory, is_frozen: Cell::new(false) };
        run("mkfs.ext4", &["-q", image.to_str().unwrap()]).unwrap();
        // A container may have no loop devices.
        if let Err(error) = run("mount", &["-o", "loop", image.to_str().unwrap(), disk.path().to_str().unwrap()]) {
            skip(&format!("a disk cannot be mounted: {error}"));
            return None;
        }
        Some(disk)
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        self.directory.path().join("disk")
    }

    /// From now on whoever writes to it waits.
    pub fn freeze(&self) {
        self.is_frozen.set(true);
        run("fsfreeze", &["-f", self.path().to_str().unwrap()]).unwrap();
    }

    pub fn thaw(&self) {
        run("fsfreeze", &["-u", self.path().to_str().unwrap()]).unwrap();
        self.is_frozen.set(false);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let path = self.path();
        let path = path.to_str().unwrap();
        if self.is_frozen.get() {
            let _ = run("fsfreeze", &["-u", path]);
        }
        // A process of a failed test may still end. Lazily: the test must not fail twice.
        let _ = run("umount", &["-l", path]);
    }
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output().map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()) }
}
