//! `surveyd openapi`: the document of the API.

use std::io::{self, Write};

use anyhow::Result;

use super::output::unless_closed;
use crate::http::pages::openapi::DOCUMENT;

pub(crate) fn run() -> Result<()> {
    unless_closed(io::stdout().write_all(DOCUMENT.as_bytes()).map_err(Into::into))
}
