//! What can go wrong with the file, told by what a caller can do about it.

use std::path::Path;

use rusqlite::{Error, ErrorCode};
use thiserror::Error;

/// Why the store did not do what it was asked for. Nothing of it was done.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum StoreError {
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
    pub(crate) fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
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

/// Says what an administrator can do about an error of the file, where it is one.
pub(crate) fn explain(path: &Path, error: anyhow::Error) -> anyhow::Error {
    let file = path.display();
    let of_store = error.chain().find_map(|cause| cause.downcast_ref::<StoreError>());
    let of_sqlite =
        error.chain().find_map(|cause| cause.downcast_ref::<rusqlite::Error>()).map(rusqlite::Error::sqlite_error_code);
    let sentence = match (of_sqlite, of_store) {
        (Some(Some(ErrorCode::NotADatabase)), _) => {
            format!("{file} is not a SQLite database; name another file with --database")
        }
        (Some(Some(ErrorCode::DatabaseCorrupt)), _) => {
            format!("the database {file} is damaged; put a backup in its place with `surveyd restore FILE`")
        }
        (Some(Some(ErrorCode::ReadOnly)), _) => {
            format!("the database {file} is read-only; give this user the right to write to it and to its folder")
        }
        (Some(Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)), _) | (_, Some(StoreError::Busy(_))) => {
            format!("the database {file} is in use by another program for too long; try again when it is done")
        }
        (Some(_), _) | (_, Some(StoreError::Unavailable(_))) => format!(
            "the database {file} cannot be read or written; look for a full disk, a failing one, or missing rights on the file and its folder"
        ),
        (None, Some(StoreError::Internal(_))) => format!("cannot use the database {file}"),
        (None, _) => return error,
    };
    error.context(sentence)
}
