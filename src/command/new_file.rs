//! Files that commands write for other programs.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
};

use crate::unix::without_links;

/// Writes a file whole or not at all: under another name, and then renames it.
pub(super) fn write_whole(path: &Path, mode: u32, text: &str) -> io::Result<()> {
    let part = path.with_added_extension("part");
    create(&part, mode)?.write_all(text.as_bytes())?;
    fs::rename(&part, path)
}

/// Makes a new file, in place of an earlier regular file of that name. Another user who may write to the folder can neither own
/// it nor lead it elsewhere: it is never written through a link, or into a file that is there already.
///
/// A name in `/dev` is opened as it is: a shell makes such names for pipes.
pub(super) fn create(path: &Path, mode: u32) -> io::Result<File> {
    if path.starts_with("/dev") {
        return OpenOptions::new().write(true).open(path);
    }
    match path.symlink_metadata() {
        Ok(file) if file.is_file() => fs::remove_file(path)?,
        Ok(_) => return Err(io::Error::other("there is something of that name that is not a file; name another one")),
        Err(_) => {}
    }
    without_links(mode).open(path)
}
