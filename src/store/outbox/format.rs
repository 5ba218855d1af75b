//! How the body of a delivery is written, which is not for the store to know.

use crate::survey::{SendRecord, ids::ChannelId, model::Form};

/// Writes the body of a delivery: of a send in a channel, with the client's external id, the form and a UUID.
pub(crate) type MessageFormat = fn(&SendRecord, ChannelId, Option<&str>, &Form, &str) -> String;
