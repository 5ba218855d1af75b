//! File systems that cannot carry the database. The processes of a database in WAL mode share memory, a file that each of them
//! maps, and so all must be on one machine. Over a network file system, a process on another machine sees other memory, and
//! damages the database. Source: <https://sqlite.org/wal.html>, "Overview" and "Implementation Of Shared-Memory For The WAL-Index".
//!
//! Block devices over a network (iSCSI, DRBD, Ceph RBD) have a local file system on them, and are mounted by one machine.

use std::path::Path;

use anyhow::{Result, bail};
use tracing::warn;

use crate::store::file::folder_of;
use crate::unix::{FileSystem, file_system_of};

/// Whether a database may be on a file system of which it is not known that it is local.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnNetwork {
    Refuse,
    Allow,
}

/// Why a file system is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Network,
    /// A program in user space, which may do anything.
    UnknownFuse,
}

/// The types of network file systems, as /proc/self/mountinfo has them, and their numbers. Those of virtual machines are among
/// them: the other machine is the host. Source: statfs(2), and the sources of those that are not part of Linux.
const NETWORK: [(&str, u64); 23] = [
    ("nfs", 0x6969),
    ("nfs4", 0x6969),
    ("cifs", 0xff53_4d42),
    ("smb3", 0xfe53_4d42),
    ("smbfs", 0x517b),
    ("9p", 0x0102_1997),
    // Its number is that of FUSE.
    ("virtiofs", FUSE),
    ("ceph", 0x00c3_6400),
    ("afs", 0x6b41_4653),
    ("openafs", 0x5346_414f),
    ("coda", 0x7375_7245),
    ("ncpfs", 0x564c),
    ("lustre", 0x0bd0_0bd0),
    ("gpfs", 0x4750_4653),
    ("panfs", 0xaad7_aaea),
    ("beegfs", 0x1983_0326),
    ("orangefs", 0x2003_0528),
    ("pvfs2", 0x2003_0528),
    ("vboxsf", 0x786f_4256),
    ("vmhgfs", 0xbacb_acbc),
    ("prl_fs", 0x7c7c_6673),
    ("exafs", 0x4558_4146),
    ("wekafs", 0x0cd3_6c9f),
];

/// The number of all file systems in user space.
const FUSE: u64 = 0x6573_5546;

/// Those of them that keep their files on this machine, after `fuse.`; `fuseblk` is one on a disk.
const LOCAL_FUSE: [&str; 17] = [
    "apfs",
    "bindfs",
    "encfs",
    "exfat",
    "ext2",
    "ext4",
    "fuse-overlayfs",
    "gocryptfs",
    "lxcfs",
    "mergerfs",
    "mhddfs",
    "ntfs",
    "ntfs-3g",
    "securefs",
    "unionfs",
    "unionfs-fuse",
    "zfs",
];

/// Refuses a database that SQLite would find on a network file system. If that is allowed, the log says once what it means.
///
/// Errors: one sentence that names the file and the way out.
pub(in crate::store) fn check_file_system(database: &Path, on_network: OnNetwork) -> Result<()> {
    let real = database.canonicalize().unwrap_or_else(|_| database.to_owned());
    // A folder that cannot be read is an error when the file is opened.
    let Ok(Some(found)) = file_system_of(folder_of(&real)) else { return Ok(()) };
    let Some(reason) = refusal(&found) else { return Ok(()) };
    let (name, kind) = (database.display(), found.kind.as_deref().unwrap_or("a file system of FUSE or a network"));
    let what = match reason {
        Reason::Network => format!("{kind}, a network file system"),
        Reason::UnknownFuse => format!("{kind}, which is not known to be a local file system"),
    };
    if on_network == OnNetwork::Refuse {
        bail!(
            "the database {name} is on {what}, and SQLite's write-ahead log works only where all processes that open the database share memory on one machine; move it to a local disk or a block device, or set database_on_network = true if no other machine ever opens it"
        );
    }
    warn!(
        "the database {name} is on {what}: a process on another machine that opens it damages it, and what is acknowledged is as safe as the file server's flush and locks"
    );
    Ok(())
}

fn refusal(FileSystem { number, kind }: &FileSystem) -> Option<Reason> {
    let kind = kind.as_deref().unwrap_or_default();
    if NETWORK.iter().any(|(name, known)| *name == kind || known == number && *number != FUSE) {
        return Some(Reason::Network);
    }
    let is_local = kind == "fuseblk" || kind.strip_prefix("fuse.").is_some_and(|name| LOCAL_FUSE.contains(&name));
    (*number == FUSE && !is_local).then_some(Reason::UnknownFuse)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0xef53, "ext4", None)]
    #[case(0x9123_683e, "btrfs", None)]
    #[case(0x5846_5342, "xfs", None)]
    #[case(0x0102_1994, "tmpfs", None)]
    #[case(0x794c_7630, "overlay", None)]
    #[case(0x2fc1_2fc1, "zfs", None)]
    // On a disk that machines share, with memory that they share, too.
    #[case(0x0116_1970, "gfs2", None)]
    #[case(0x6969, "nfs", Some(Reason::Network))]
    #[case(0x6969, "nfs4", Some(Reason::Network))]
    #[case(0xff53_4d42, "cifs", Some(Reason::Network))]
    #[case(0xfe53_4d42, "smb3", Some(Reason::Network))]
    #[case(0xfe53_4d42, "cifs", Some(Reason::Network))]
    #[case(0x0102_1997, "9p", Some(Reason::Network))]
    #[case(0x00c3_6400, "ceph", Some(Reason::Network))]
    #[case(0x5346_414f, "afs", Some(Reason::Network))]
    #[case(0x6b41_4653, "afs", Some(Reason::Network))]
    #[case(0x0bd0_0bd0, "lustre", Some(Reason::Network))]
    #[case(FUSE, "virtiofs", Some(Reason::Network))]
    // Without /proc.
    #[case(0x6969, "", Some(Reason::Network))]
    #[case(FUSE, "", Some(Reason::UnknownFuse))]
    #[case(0xef53, "", None)]
    #[case(FUSE, "fuseblk", None)]
    #[case(FUSE, "fuse.ntfs-3g", None)]
    #[case(FUSE, "fuse.bindfs", None)]
    #[case(FUSE, "fuse.fuse-overlayfs", None)]
    #[case(FUSE, "fuse.sshfs", Some(Reason::UnknownFuse))]
    #[case(FUSE, "fuse.s3fs", Some(Reason::UnknownFuse))]
    #[case(FUSE, "fuse.glusterfs", Some(Reason::UnknownFuse))]
    #[case(FUSE, "fuse.ceph-fuse", Some(Reason::UnknownFuse))]
    #[case(FUSE, "fuse.rclone", Some(Reason::UnknownFuse))]
    #[case(FUSE, "fuse", Some(Reason::UnknownFuse))]
    fn a_file_system_is_local_or_refused(#[case] number: u64, #[case] kind: &str, #[case] expected: Option<Reason>) {
        let kind = (!kind.is_empty()).then(|| kind.to_owned());
        assert_eq!(refusal(&FileSystem { number, kind }), expected);
    }
}
