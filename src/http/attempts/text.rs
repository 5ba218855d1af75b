//! The attempts as a report to be read, in a failing test or on a terminal: the line and the answer of each call, and for a
//! refusal the rule that failed, with the row that failed it.

use std::fmt::Write;

use serde::Serialize;

use crate::http::attempts::{
    log::AttemptView,
    report::{FailedRule, RuleRow},
};
use crate::{
    store::{
        authorized::{AccessError, AuthorizedStore},
        directory::DirectoryRow,
        error::StoreError,
    },
    survey::{
        model::{Client, Form, Thread},
        rules::Rule,
        text::visible,
    },
};

/// The report of some attempts; empty if there are none. The rows are as they are now.
///
/// Errors: the store cannot read a row, or the caller's token is not valid any more.
pub(crate) async fn report(attempts: &[AttemptView], store: &AuthorizedStore) -> Result<String, AccessError> {
    let mut report = String::new();
    for attempt in attempts {
        line(&mut report, &call(attempt));
        if let Some(failed) = attempt.report.failed() {
            line(&mut report, &format!("    {}", rule(attempt, failed, store).await?));
        }
    }
    Ok(report)
}

fn line(report: &mut String, text: &str) {
    // Writing into a string cannot fail.
    let _ = writeln!(report, "{}", visible(text));
}

/// Such as `POST /api/v1/quality/send -> 409 Client has open thread`.
fn call(attempt: &AttemptView) -> String {
    let mut call = format!("{} {}", attempt.method, attempt.uri);
    if let Some(query) = &attempt.query {
        call = format!("{call}?{query}");
    }
    let answer = attempt.report.status.map_or("no answer".to_owned(), |status| status.to_string());
    call = format!("{call} -> {answer}");
    if let Some(message) = &attempt.report.message {
        call = format!("{call} {message}");
    }
    match attempt.remark {
        Some(remark) => format!("{call} ({remark})"),
        None => call,
    }
}

/// Such as `noOpenThread failed: /admin/threads/3 is {"id":3,…}`.
async fn rule(attempt: &AttemptView, failed: FailedRule<'_>, store: &AuthorizedStore) -> Result<String, AccessError> {
    let FailedRule { rule, row } = failed;
    let why = match (row, rule) {
        (Some(row), _) => Some(describe(row, store).await?),
        (None, Rule::Body) => attempt.body.as_ref().map(|body| format!("the body is {body}")),
        (None, Rule::Role) => attempt.token.as_ref().map(|token| format!("the token is {token}")),
        (None, _) => None,
    };
    let name = json(&rule);
    let name = name.trim_matches('"');
    Ok(why.map_or_else(|| format!("{name} failed"), |why| format!("{name} failed: {why}")))
}

async fn describe(row: &RuleRow, store: &AuthorizedStore) -> Result<String, AccessError> {
    let route = row.to_string();
    let row = match row {
        RuleRow::Settings => Some(json(&store.settings().await?)),
        RuleRow::Client(id) => read::<Client>(id.0, store).await?,
        RuleRow::Thread(id) => read::<Thread>(id.0, store).await?,
        // An enablement has no content: the form lists the channels that it is enabled for.
        RuleRow::Enablement(form, channel) => {
            let route = format!("/admin/forms/{form}");
            return Ok(match read::<Form>(form.0, store).await? {
                Some(form) => format!("{route} is {form}, not enabled for channel {channel}"),
                None => format!("{route} does not exist"),
            });
        }
    };
    Ok(row.map_or_else(|| format!("{route} does not exist"), |row| format!("{route} is {row}")))
}

/// The JSON of a row; none if it does not exist.
async fn read<E: DirectoryRow>(id: i64, store: &AuthorizedStore) -> Result<Option<String>, AccessError> {
    match store.get::<E>(id).await {
        Ok(row) => Ok(Some(json(&row))),
        Err(AccessError::Store(StoreError::NotFound { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A row always has a JSON form; the default only spares an unwrap.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
