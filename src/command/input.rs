//! What commands read.

use std::{fs, io, path::Path};

/// The text of a file; `-` is standard input.
pub(super) fn read_text(path: &Path) -> io::Result<String> {
    if path == Path::new("-") { io::read_to_string(io::stdin()) } else { fs::read_to_string(path) }
}
