//! Pages for a browser.

pub(crate) mod console;
pub(crate) mod openapi;
mod shared_text;

/// The paths of the documentation.
pub(crate) const DOCUMENTATION: [&str; 4] = ["/openapi.json", "/docs", "/docs.css", "/docs.js"];
