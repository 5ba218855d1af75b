//! Whether requests should be sent to this server: its file has the right schema, and its writer writes.

use std::time::{Duration, Instant};

use tokio::{sync::Mutex, time::timeout};

use crate::store::Store;

/// How long the file may take to be read, and then to be written.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The last result of the check. Calls that come while a check runs share the next one: the route needs no token, so however many
/// call, each worker has one job with the writer at a time, and with a writer that hangs one a second.
#[derive(Default)]
pub(crate) struct Readiness(Mutex<Option<(Instant, Option<&'static str>)>>);

impl Readiness {
    /// The problem of the database, if there is one, at a moment after this call.
    pub(super) async fn problem(&self, store: &Store) -> Option<&'static str> {
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
    match timeout(TIMEOUT, store.schema_is_current()).await {
        Ok(Ok(true)) => {}
        Ok(Ok(false)) => return Some("the schema of the database is not this program's"),
        Ok(Err(_)) => return Some("the database cannot be read"),
        Err(_) => return Some("the database has not been read within 1 s"),
    }
    match timeout(TIMEOUT, store.probe_writer()).await {
        Ok(Ok(())) => None,
        Ok(Err(_)) => Some("the writer cannot write"),
        Err(_) => Some("the writer has not answered within 1 s"),
    }
}
