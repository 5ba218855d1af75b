//! Faults: failures on purpose, deterministic. The first fault that fits a call takes effect, and each is used up by count.

use std::{collections::VecDeque, time::Duration};

use actix_web::http::StatusCode;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::{
    http::{api::SEND, failure::Failure},
    survey::{
        Facts,
        ids::{ClientId, FormId, ThreadId},
    },
};

/// How many faults may wait in a world.
const MAX_FAULTS: usize = 1000;

/// How many calls one fault can meet.
const MAX_TIMES: i64 = 1_000_000;

/// How long a fault can delay a call.
const MAX_DELAY_MS: i64 = 60_000;

/// A fault, as it is posted and listed: what happens to the next calls that it fits.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Fault {
    /// How many calls it still meets; 1 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<i64>,
    /// Answers with this status instead: 400 to 599.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<i64>,
    /// Adds `Retry-After` to `status`, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<i64>,
    /// Waits so many milliseconds before anything else happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<i64>,
    /// Resets the connection before anything is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    reset: Option<bool>,
    /// Does the call, and ends its answer in the middle of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    truncate: Option<bool>,
    /// Records the send, and resets the connection before the answer.
    #[serde(rename = "after_commit", alias = "afterCommit", skip_serializing_if = "Option::is_none")]
    after_commit: Option<bool>,
    /// Meets only sends to this client.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<ClientId>,
    /// Meets only sends to this thread.
    #[serde(skip_serializing_if = "Option::is_none")]
    thread: Option<ThreadId>,
    /// Meets only sends of this form.
    #[serde(skip_serializing_if = "Option::is_none")]
    form: Option<FormId>,
    /// Meets only calls of this path; a send's by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// It is answered with this status, and `Retry-After` in seconds; nothing is done.
    Status(StatusCode, Option<u32>),
    /// It is delayed, and then done.
    Delay,
    /// The connection is reset, and nothing is done.
    Reset,
    /// It is done, and its answer ends in the middle of the body.
    Truncate,
    /// It is done, and the connection is reset.
    AfterCommit,
}

/// What a fault does to one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FaultEffect {
    pub(crate) delay: Duration,
    pub(crate) kind: FaultKind,
}

/// What faults look at of a call.
pub(crate) struct Call<'a> {
    pub(crate) path: &'a str,
    /// The form and the facts of a send; None for another call, or for a body that cannot be read.
    pub(crate) about: Option<(FormId, &'a Facts)>,
}

impl Fault {
    /// Checks a posted fault, and fills in `times`.
    ///
    /// Errors: 400 that names the field.
    fn check(self) -> Result<Self, Failure> {
        let within = |name: &str, value: Option<i64>, least: i64, most: i64| match value {
            Some(value) if !(least..=most).contains(&value) => {
                Err(Failure::bad_request(format!("{name} must be an integer from {least} to {most}")))
            }
            _ => Ok(()),
        };
        within("times", self.times, 1, MAX_TIMES)?;
        within("status", self.status, 400, 599)?;
        within("retryAfter", self.retry_after, 0, 86_400)?;
        within("delay", self.delay, 1, MAX_DELAY_MS)?;
        let switches = [("reset", self.reset), ("truncate", self.truncate), ("after_commit", self.after_commit)];
        if let Some((name, _)) = switches.iter().find(|(_, switch)| *switch == Some(false)) {
            return Err(Failure::bad_request(format!("{name} must be true, or be left out")));
        }
        let kinds = usize::from(self.status.is_some()) + switches.iter().filter(|(_, switch)| switch.is_some()).count();
        if kinds > 1 || (kinds == 0 && self.delay.is_none()) {
            return Err(Failure::bad_request(
                "A fault has one of status, reset, truncate and after_commit, or a delay, which may also stand before one of them",
            ));
        }
        if self.retry_after.is_some() && self.status.is_none() {
            return Err(Failure::bad_request("retryAfter goes with status"));
        }
        if self.retry_after.is_some() && self.status == Some(401) {
            return Err(Failure::bad_request("retryAfter does not go with status 401, which has a challenge instead"));
        }
        let is_of_sends = self.path.as_deref().is_none_or(|path| path == SEND);
        if !is_of_sends && (self.after_commit.is_some() || self.looks_into_body()) {
            return Err(Failure::bad_request(format!(
                "path: after_commit, client, thread and form go with {SEND} alone"
            )));
        }
        if let Some(path) = self.path.as_deref().filter(|path| !path.starts_with("/api/")) {
            return Err(Failure::bad_request(format!("path must begin with /api/, and is {path:?}")));
        }
        Ok(Self { times: Some(self.times.unwrap_or(1)), ..self })
    }

    fn looks_into_body(&self) -> bool {
        self.client.is_some() || self.thread.is_some() || self.form.is_some()
    }

    fn is_of(&self, path: &str) -> bool {
        self.path.as_deref().unwrap_or(SEND) == path
    }

    fn fits(&self, call: &Call<'_>) -> bool {
        let about = |wanted: bool, is: &dyn Fn(FormId, &Facts) -> bool| {
            !wanted || call.about.is_some_and(|(form, facts)| is(form, facts))
        };
        self.is_of(call.path)
            && about(self.client.is_some(), &|_, facts| facts.client == self.client)
            && about(self.thread.is_some(), &|_, facts| facts.destination.map(|(thread, _)| thread) == self.thread)
            && about(self.form.is_some(), &|form, _| Some(form) == self.form)
    }

    fn effect(&self) -> FaultEffect {
        let status = self.status.and_then(|status| StatusCode::from_u16(u16::try_from(status).ok()?).ok());
        let kind = match status {
            Some(status) => FaultKind::Status(status, self.retry_after.and_then(|seconds| u32::try_from(seconds).ok())),
            None if self.reset.is_some() => FaultKind::Reset,
            None if self.truncate.is_some() => FaultKind::Truncate,
            None if self.after_commit.is_some() => FaultKind::AfterCommit,
            None => FaultKind::Delay,
        };
        FaultEffect { delay: Duration::from_millis(self.delay.unwrap_or(0).unsigned_abs()), kind }
    }
}

/// The faults of a world.
#[derive(Default)]
pub(crate) struct Faults(Mutex<VecDeque<Fault>>);

impl Faults {
    /// Adds a fault after the others; returns it as it is listed.
    ///
    /// Errors: 400 that names the field; 409 for too many faults.
    pub(crate) fn add(&self, fault: Fault) -> Result<Fault, Failure> {
        let fault = fault.check()?;
        let mut waiting = self.0.lock();
        if waiting.len() >= MAX_FAULTS {
            let message = format!("{MAX_FAULTS} faults wait already; DELETE /admin/faults drops them");
            return Err(Failure::new(StatusCode::CONFLICT, message));
        }
        waiting.push_back(fault.clone());
        Ok(fault)
    }

    /// The faults that still wait, the next one first.
    pub(crate) fn list(&self) -> Vec<Fault> {
        self.0.lock().iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().clear();
    }

    /// Whether a fault waits for calls of this path.
    pub(crate) fn has_for(&self, path: &str) -> bool {
        self.0.lock().iter().any(|fault| fault.is_of(path))
    }

    /// Uses the first fault that fits.
    pub(crate) fn take(&self, call: &Call<'_>) -> Option<FaultEffect> {
        let mut waiting = self.0.lock();
        let index = waiting.iter().position(|fault| fault.fits(call))?;
        let fault = waiting.get_mut(index)?;
        let effect = fault.effect();
        let left = fault.times.unwrap_or(1) - 1;
        fault.times = Some(left);
        if left == 0 {
            waiting.remove(index);
        }
        Some(effect)
    }
}
