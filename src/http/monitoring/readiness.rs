//! `GET /readyz`: whether requests should be sent here. `/livez` says only that they are answered.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use actix_web::web::ThinData;
use serde::Serialize;
use tokio::{sync::Mutex, time::timeout};

use crate::http::{
    failure::Failure,
    responses::Json,
    state::{AppState, State},
};
use crate::store::Store;

/// How long the writer may take to run a job that does nothing.
const WRITER_TIMEOUT: Duration = Duration::from_secs(1);

/// The last result of the check. Calls that come while a check runs share the next one: the route needs no token, so however many
/// call, each worker has one job with the writer at a time, and with a writer that hangs one a second.
#[derive(Default)]
pub(crate) struct Readiness(Mutex<Option<(Instant, Option<&'static str>)>>);

#[derive(Serialize)]
pub(crate) struct Ready {
    schema: &'static str,
    writer: &'static str,
    stopping: bool,
}

impl Readiness {
    /// The problem of the database, if there is one, at a moment after this call.
    async fn problem(&self, store: &Store) -> Option<&'static str> {
        let asked = Instant::now();
        let mut last = self.0.lock().await;
        if let Some((began, problem)) = *last
            && began >= asked
        {
            return problem;
        }
        let began = Instant::now();
        let problem = find_problem(store).await;
        *last = Some((began, problem));
        problem
    }
}

async fn find_problem(store: &Store) -> Option<&'static str> {
    match store.schema_is_current().await {
        Ok(true) => {}
        Ok(false) => return Some("the schema of the database is not this program's"),
        Err(_) => return Some("the database cannot be read"),
    }
    match timeout(WRITER_TIMEOUT, store.probe_writer()).await {
        Ok(Ok(())) => None,
        Ok(Err(_)) => Some("the writer cannot write"),
        Err(_) => Some("the writer has not answered within 1 s"),
    }
}

/// `GET /readyz`.
///
/// Errors: 503 with the first problem.
pub(crate) async fn readyz(ThinData(app): State) -> Result<Json<Ready>, Failure> {
    let not_ready = |problem: &str| Failure::unavailable(format!("Not ready: {problem}"));
    let tenant = app.resolver.anonymous().ok_or_else(|| not_ready("there is no room for a database"))?;
    let problem = app.readiness.problem(&tenant.store).await;
    // Last: the stop may have begun meanwhile.
    if is_stopping(&app) {
        return Err(not_ready("the server is stopping"));
    }
    match problem {
        Some(problem) => Err(not_ready(problem)),
        None => Ok(Json::ok(Ready { schema: "current", writer: "answers", stopping: false })),
    }
}

fn is_stopping(app: &AppState) -> bool {
    app.stopping.load(Ordering::Relaxed)
}
