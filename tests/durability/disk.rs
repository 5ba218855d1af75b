//! A disk that loses its power.

use std::process::Command;

use tempfile::TempDir;

use crate::harness::{Disk, TestFolder, disk::run};

/// Ends the file system at once, as a power cut does: what is neither in its journal nor synced is lost. The ioctl is
/// `FS_IOC_SHUTDOWN` of Linux with the flag "no flush of the journal". Safe Rust has no call for it.
const CUT_POWER: &str = "
import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))";

/// An empty folder on a disk.
pub fn folder_on(disk: &Disk) -> TestFolder {
    TempDir::new_in(disk.path()).unwrap().into()
}

/// Writes everything to the disk.
pub fn sync(disk: &Disk) {
    run(Command::new("sync").arg("-f").arg(disk.path()));
}

pub fn cut_power(disk: &Disk) {
    run(Command::new("python3").args(["-c", CUT_POWER]).arg(disk.path()));
}

/// Mounts again, as after a start of the machine. No process may use the disk.
pub fn restart(disk: &Disk) {
    run(Command::new("umount").arg(disk.path()));
    run(&mut disk.mount_command());
}
