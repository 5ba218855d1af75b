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

/// How long the writer may take to come round to a job that does nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// What was last found out about the database. Whoever asks while somebody else's answer is being found shares the next one:
/// however many ask, and nobody needs a token for it, each worker asks the writer one thing at a time, and one that is stuck
/// once a second.
#[derive(Default)]
pub(crate) struct Readiness(Mutex<Option<(Instant, Option<&'static str>)>>);

/// What must be so.
#[derive(Serialize)]
pub(crate) struct Ready {
    schema: &'static str,
    writer: &'static str,
    stopping: bool,
}

impl Readiness {
    /// What is wrong with the database, as of a moment after this call.
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
    match timeout(PATIENCE, store.probe_writer()).await {
        Ok(Ok(())) => None,
        Ok(Err(_)) => Some("the writer cannot write"),
        Err(_) => Some("the writer has not answered within 1 s"),
    }
}

/// Says that all is as it must be, or, in the envelope of every other error, the first thing that is not.
///
/// Errors: 503.
pub(crate) async fn readyz(ThinData(app): State) -> Result<Json<Ready>, Failure> {
    let not_ready = |problem: &str| Failure::unavailable(format!("Not ready: {problem}"));
    let tenant = app.resolver.anonymous().ok_or_else(|| not_ready("there is no room for a database"))?;
    let problem = app.readiness.problem(&tenant.store).await;
    // Last: it may have begun meanwhile, and only who asked before is still answered.
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
