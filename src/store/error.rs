//! What can go wrong with the file, told by what a caller can do about it.

use rusqlite::{Error, ErrorCode};
use thiserror::Error;

/// Why the store did not do what it was asked for. Nothing of it was done.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// Too much is waiting for the writer, or another process holds the file for long. Try again.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// The file cannot be read or written just now: the disk is full, or fails. Try again once that is mended.
    #[error("the database cannot be read or written: {0}")]
    Unavailable(String),
    /// A value of the row is not allowed.
    #[error("{field}: {problem}")]
    Invalid {
        /// The row's field, as the wire names it.
        field: &'static str,
        /// What is wrong with it, and what it must be.
        problem: String,
    },
    /// The row stands in the way of another row, or another row in its way.
    #[error("{0}")]
    Conflict(String),
    /// Anything else: a damaged file, or a defect of ours.
    #[error("{0}")]
    Internal(String),
}

impl StoreError {
    /// A value that is not allowed.
    pub fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid { field, problem: problem.into() }
    }

    /// The named constraint of `schema.sql` that an error is about, if it is about one.
    fn of_constraint(message: &str) -> Option<Self> {
        let name = message.rsplit("failed: ").next()?;
        let (field, problem) = match name {
            "channel_name_length" | "client_name_length" | "form_name_length" => {
                ("name", "must be 1 to 255 characters")
            }
            "channel_type_length" => ("type", "must be 1 to 255 characters"),
            "client_external_id_length" => ("externalId", "must be 1 to 255 characters"),
            "client_phone_length" => ("phone", "must be 1 to 64 characters"),
            "channel_delivery_off_length" => ("deliveryOff", "must be 1 to 255 characters"),
            "token_name_length" => ("name", "must be 1 to 64 characters"),
            "thread_times_in_order" => ("stateChangeTime", "must not be before startTime"),
            _ => return None,
        };
        Some(Self::invalid(field, problem))
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(text),
            Some(
                ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::OutOfMemory
                | ErrorCode::PermissionDenied,
            ) => Self::Unavailable(text),
            Some(ErrorCode::ConstraintViolation) => Self::of_constraint(&text).unwrap_or(Self::Internal(text)),
            _ => Self::Internal(text),
        }
    }
}
