//! What people look at in a browser.

pub(crate) mod console;
pub(crate) mod openapi;
