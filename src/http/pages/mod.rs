//! Pages for a browser.

pub(crate) mod console;
pub(crate) mod openapi;
mod shared_text;
