//! What a Unix system has and others have not, all in one module: a port to another system begins here. Signals are the other
//! part; `command/signals.rs` and `command/serve.rs` catch them by `tokio::signal::unix`.

use std::{
    env,
    ffi::OsStr,
    fs::{self, File, Metadata, OpenOptions, Permissions},
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::{
            ffi::OsStrExt,
            fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt},
        },
    },
    path::Path,
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::{Access, OFlags, access, fcntl_getfl, statvfs},
    io::Errno,
    process::{Resource, Rlimit, geteuid, getrlimit, getuid, setrlimit},
};

/// What stays the same when a file gets another name, and differs for a file that takes its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// Does not ask for its times. A file whose time was asked for gets a new, exact one by the next write, since Linux 6.13, and
    /// each sync then also writes its inode: a second wait for the disk.
    #[cfg(target_os = "linux")]
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};

        let status = statx(CWD, path, AtFlags::empty(), StatxFlags::INO)?;
        Ok(Self { device: makedev(status.stx_dev_major, status.stx_dev_minor), inode: status.stx_ino })
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|metadata| Self::of(&metadata))
    }

    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// The size of a file in bytes, without its times, as [`FileId::at`].
#[cfg(target_os = "linux")]
pub(crate) fn size_of_file(path: &Path) -> io::Result<u64> {
    use rustix::fs::{AtFlags, CWD, StatxFlags, statx};

    Ok(statx(CWD, path, AtFlags::empty(), StatxFlags::SIZE)?.stx_size)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn size_of_file(path: &Path) -> io::Result<u64> {
    fs::metadata(path).map(|file| file.len())
}

/// Differs once a file was written to or replaced.
#[derive(PartialEq, Eq)]
pub(crate) struct FileState {
    id: FileId,
    user: u32,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl FileState {
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let file = fs::metadata(path)?;
        Ok(Self {
            id: FileId::of(&file),
            user: file.uid(),
            size: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        })
    }

    /// Whether it belongs to the user of this process, or to anybody if that is root.
    pub(crate) fn is_own(&self) -> bool {
        let user = geteuid();
        user.is_root() || user.as_raw() == self.user
    }
}

/// False if the file may not be written by this user; true also if there is none.
pub(crate) fn may_write(path: &Path) -> bool {
    access(path, Access::WRITE_OK) != Err(Errno::ACCESS)
}

/// How many names a file has: hard links, and the name that it was opened by.
pub(crate) fn names_of(file: &Metadata) -> u64 {
    file.nlink()
}

/// The id of the mount that a path is in; none where the system does not say (Linux before 5.8, other systems).
#[cfg(target_os = "linux")]
pub(crate) fn mount_of(path: &Path) -> io::Result<Option<u64>> {
    use rustix::fs::{AtFlags, CWD, StatxFlags, statx};

    let status = statx(CWD, path, AtFlags::empty(), StatxFlags::MNT_ID)?;
    let is_known = StatxFlags::from_bits_retain(status.stx_mask).contains(StatxFlags::MNT_ID);
    Ok(is_known.then_some(status.stx_mnt_id))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn mount_of(_: &Path) -> io::Result<Option<u64>> {
    Ok(None)
}

/// A file system.
#[derive(Debug)]
pub(crate) struct FileSystem {
    /// As statfs(2) has it.
    pub(crate) number: u64,
    /// Its type, such as `ext4` or `fuse.sshfs`; none where the system does not say.
    pub(crate) kind: Option<String>,
}

/// The file system that a path is on; none on other systems than Linux.
#[cfg(target_os = "linux")]
pub(crate) fn file_system_of(path: &Path) -> io::Result<Option<FileSystem>> {
    // A signed number in some C libraries. The upper half of a long is never used.
    let number = i128::from(rustix::fs::statfs(path)?.f_type) & 0xffff_ffff;
    let mount = mount_of(path)?.map(|mount| mount.to_string());
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let kind = mount.and_then(|mount| mounted_type(&mounts, &mount).map(str::to_owned));
    Ok(Some(FileSystem { number: u64::try_from(number).unwrap_or_default(), kind }))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn file_system_of(_: &Path) -> io::Result<Option<FileSystem>> {
    Ok(None)
}

/// The type of the file system of a mount. Source: proc_pid_mountinfo(5), `id parent device root point options… - type source …`.
#[cfg(target_os = "linux")]
fn mounted_type<'a>(mounts: &'a str, mount: &str) -> Option<&'a str> {
    let line = mounts.lines().find(|line| line.split(' ').next() == Some(mount))?;
    line.split_once(" - ")?.1.split(' ').next()
}

/// How many bytes this user may still write to the disk of a file.
pub(crate) fn free_bytes(path: &Path) -> io::Result<u64> {
    let disk = statvfs(path)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// How to make files that only this user can read, at any time and whatever the umask.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

/// The permissions of a folder that only this user can enter.
pub(crate) fn private_folder() -> Permissions {
    Permissions::from_mode(0o700)
}

/// How to make a new file with these permissions, but never through a link.
pub(crate) fn without_links(mode: u32) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options
}

/// Reads a file from a position on, without moving the one that it is read from otherwise. Returns how many bytes.
pub(crate) fn read_at(file: &File, bytes: &mut [u8], position: u64) -> io::Result<usize> {
    file.read_at(bytes, position)
}

/// The bytes of a name, which need not be UTF-8.
pub(crate) fn bytes_of(name: &OsStr) -> &[u8] {
    name.as_bytes()
}

/// A second handle on an open file or socket.
pub(crate) fn duplicate(open: &impl AsFd) -> io::Result<OwnedFd> {
    open.as_fd().try_clone_to_owned()
}

/// Whether an open file is a pipe or a socket, whose other end a process holds.
pub(crate) fn is_pipe(open: &impl AsFd) -> io::Result<bool> {
    let file_type = File::from(duplicate(open)?).metadata()?.file_type();
    Ok(file_type.is_fifo() || file_type.is_socket())
}

/// Waits until an open file takes more bytes. An error of it is one of the write that follows.
pub(crate) fn wait_until_writable(open: &impl AsFd) {
    let _ = poll(&mut [PollFd::new(open, PollFlags::OUT)], None);
}

/// Whether this program was started without this standard stream. Rust then opens /dev/null in its place, for reading and
/// writing; a shell's `> /dev/null` is only for writing.
pub(crate) fn was_closed(stream: &impl AsFd) -> io::Result<bool> {
    let is_for_both = fcntl_getfl(stream)? & OFlags::ACCMODE == OFlags::RDWR;
    let device = File::from(duplicate(stream)?).metadata()?.rdev();
    let is_null = device != 0 && fs::metadata("/dev/null").is_ok_and(|null| null.rdev() == device);
    Ok(is_for_both && is_null)
}

/// Raises the limit to `wanted` open files, or as near to it as the system allows; never lowers it. Returns the limit that
/// now holds. A login often gives a program 1,024, and lets it raise that far higher without any privilege.
pub(crate) fn raise_file_limit(wanted: usize) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(current) = current else { return usize::MAX };
    let wanted = maximum.map_or(wanted as u64, |maximum| maximum.min(wanted as u64));
    let is_raised = wanted > current && setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }).is_ok();
    usize::try_from(if is_raised { wanted } else { current }).unwrap_or(usize::MAX)
}

/// The login name of the user who runs this process, or the number of a user whom /etc/passwd does not have. Another source of
/// users, such as LDAP, would need the C library.
pub(crate) fn user() -> String {
    let user = getuid().as_raw();
    let name = fs::read_to_string("/etc/passwd").ok().and_then(|users| login_name(&users, user));
    name.unwrap_or_else(|| user.to_string())
}

/// The login name of a user. Source: passwd(5), `name:password:uid:…`.
fn login_name(users: &str, user: u32) -> Option<String> {
    let name = |line: &str| {
        let mut fields = line.split(':');
        let (name, id) = (fields.next()?, fields.nth(1)?);
        (id.parse() == Ok(user) && !name.is_empty()).then(|| name.to_owned())
    };
    users.lines().find_map(name)
}

/// The login name of the user who has run sudo, if this process comes from it: sudo passes it on in `SUDO_USER`. Not proven,
/// because anyone can set a variable for their own processes.
pub(crate) fn sudo_caller() -> Option<String> {
    env::var("SUDO_USER").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_name_is_that_of_the_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\n# a comment\nanna:x:1000:1000:Anna,,,:/home/anna:/bin/sh\n\
                     also-anna:x:1000:1000::/:/bin/sh\n:x:1001:1001::/:/bin/sh\nbroken\n+::::::\n";
        let name = |user| login_name(users, user);
        assert_eq!([name(0).as_deref(), name(1000).as_deref()], [Some("root"), Some("anna")]);
        assert_eq!([name(1001), name(100), name(7)], [None, None, None]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_mount_has_a_type() {
        let mounts = "22 27 0:21 / /proc rw,relatime - proc proc rw\n\
                      27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,discard\n\
                      227 27 0:50 / /mnt/a\\040-\\040b rw - fuse.sshfs anna@files:/a rw,user_id=0\nbroken\n";
        let kind = |mount| mounted_type(mounts, mount);
        assert_eq!([kind("27"), kind("227"), kind("22")], [Some("ext4"), Some("fuse.sshfs"), Some("proc")]);
        assert_eq!([kind("2"), kind("broken"), kind("")], [None, None, None]);
    }
}
