//! Errors of the store, grouped by what a caller can do about them.

use std::path::Path;

use rusqlite::{ErrorCode, types::Type};
use thiserror::Error;

use crate::store::file::error as file_error;
use crate::threads::ThreadError;

/// Why the store did not do what it was asked for. Nothing of it was done, but for [`StoreError::Unknown`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum StoreError {
    /// Too many jobs wait for the writer, or another process holds the lock for long. Try again.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// The file cannot be read or written now: the disk is full, or fails, or the file is damaged. Try again once that is fixed.
    #[error("the database cannot be read or written: {0}")]
    Unavailable(String),
    /// The disk failed during the commit, and again when that was to be undone. The change is not there now, and a crash may bring
    /// it back: SQLite finds it in its log.
    #[error("it is not known whether this was recorded: {0}")]
    Unknown(String),
    /// A value of the row is not allowed.
    #[error("{field}: {problem}")]
    Invalid {
        /// The row's field, as the wire names it; empty for the row as a whole.
        field: &'static str,
        /// What is wrong with it, and what it must be.
        problem: String,
    },
    /// The row is in conflict with another row.
    #[error("{}{problem}", field.map(|field| format!("{field}: ")).unwrap_or_default())]
    Conflict {
        /// The row's field, as the wire names it; none if the row as a whole is in conflict.
        field: Option<&'static str>,
        /// Names the other row.
        problem: String,
    },
    /// There is no such row.
    #[error("{kind} {id} not found")]
    NotFound {
        /// What it is called in a sentence, with a capital.
        kind: &'static str,
        id: i64,
    },
    /// Anything else: a defect of ours, or a file that another program has changed.
    #[error("{0}")]
    Internal(String),
}

impl StoreError {
    pub(crate) fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid { field, problem: problem.into() }
    }

    /// A conflict of the row as a whole.
    pub(super) fn conflict(problem: impl Into<String>) -> Self {
        Self::Conflict { field: None, problem: problem.into() }
    }

    /// Finds the named constraint of `schema.sql` that a message of SQLite names.
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

    /// Says what an administrator can do about an error of the file, and names the file. Errors of a row stay as they are.
    pub(super) fn explain(self, file: &Path) -> anyhow::Error {
        let sentence = match &self {
            Self::Busy(_) => file_error::busy(file),
            Self::Unavailable(_) => file_error::unusable(file),
            Self::Unknown(_) => format!(
                "the database {} failed to record this for sure; look what is in it once its disk is in order",
                file.display()
            ),
            Self::Internal(_) => file_error::foreign(file),
            Self::Invalid { .. } | Self::Conflict { .. } | Self::NotFound { .. } => return self.into(),
        };
        anyhow::Error::new(self).context(sentence)
    }
}

/// A text of a row that only another program can have written there. Its message is that of [`StoreError::Internal`].
pub(super) fn unknown_value(column: usize, text: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, format!("{text:?} is not a value of surveyd").into())
}

impl From<ThreadError> for StoreError {
    fn from(error: ThreadError) -> Self {
        match error {
            ThreadError::Refused(_) => Self::Busy(error.to_string()),
            ThreadError::Panicked => Self::Internal(error.to_string()),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(text),
            // Only a long read has a limit of its time.
            Some(ErrorCode::OperationInterrupted) => {
                Self::Busy("a read took longer than it may; ask for less at once".to_owned())
            }
            Some(
                ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::OutOfMemory
                | ErrorCode::PermissionDenied,
            ) => Self::Unavailable(text),
            // SQLite says so, too, where the disk reports an error of reading.
            Some(ErrorCode::DatabaseCorrupt) => {
                Self::Unavailable("a page cannot be read, or is damaged; `surveyd check` finds out which".to_owned())
            }
            Some(ErrorCode::ConstraintViolation) => Self::of_constraint(&text).unwrap_or(Self::Internal(text)),
            _ => Self::Internal(text),
        }
    }
}
