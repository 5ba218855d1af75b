//! The program of `surveyd serve`: one tenant, whose tokens are in the file.

use std::{any::Any, rc::Rc, sync::Arc, time::Duration};

use anyhow::Result;

use super::program::{Program, Worker};
use crate::{
    answers::CONTRACT,
    background::BackgroundHandle,
    delivery::message,
    http::{
        attempts::log::AttemptLog,
        failure::Failure,
        finalize,
        middleware::throttle::Throttles,
        monitoring::{endpoints, metrics::Metrics},
        state::ConsoleInfo,
        tenant::{LogIn, Tenant, TenantResolver},
    },
    settings::Settings,
    store::{
        Database,
        tokens::{Credentials, Secret},
    },
};

/// How often old rows are looked for.
const SWEEP_PAUSE: Duration = Duration::from_hours(1);

/// Opens the database for this server, and starts its background work. Also yields whether it has any token.
///
/// Errors: one sentence that names the file and the way out.
pub(crate) fn open(settings: &Settings, workers: usize, background: &BackgroundHandle) -> Result<(Program, bool)> {
    let database = Arc::new(Database::open(
        &settings.database,
        settings.database_on_network,
        settings.limits.queue,
        message::survey_sent,
    )?);
    database.open_readers(workers)?;
    let has_tokens = database.has_tokens()?;
    Ok((program(database, settings, background, SWEEP_PAUSE), has_tokens))
}

/// The program of an open database, whose background work it starts.
pub(super) fn program(
    database: Arc<Database>,
    settings: &Settings,
    background: &BackgroundHandle,
    sweep_pause: Duration,
) -> Program {
    let client = settings.delivery.client();
    background.maintain(Arc::clone(&database), client.clone(), settings.retention, sweep_pause);
    let (attempts, throttles) = (Arc::<AttemptLog>::default(), Arc::<Throttles>::default());
    let metrics = Arc::new(Metrics::new(throttles.failures(), |registry| database.register_metrics(registry)));
    let (of_workers, of_routes) = (Arc::clone(&database), Arc::clone(&metrics));
    let worker = move || {
        let owner = Arc::clone(&of_workers) as Arc<dyn Any + Send + Sync>;
        let tenant = Tenant::new(of_workers.store(), client.clone(), Arc::clone(&attempts), owner);
        let metrics = Arc::clone(&of_routes);
        let resolver = Rc::new(OneTenant(tenant));
        Worker { resolver, routes: Box::new(move |routes| endpoints::guarded(routes, metrics)) }
    };
    let (of_waits, of_idle, of_close) = (Arc::clone(&database), Arc::clone(&database), database);
    Program {
        worker: Arc::new(worker),
        middleware: |request, next| Box::pin(finalize::handle(request, next)),
        on_connect: |_, _| {},
        metrics: Some(metrics),
        throttles: Some(throttles),
        console: ConsoleInfo::new(false, None, Some(settings.database_argument())),
        answers: Arc::new(CONTRACT.clone()),
        end_waits: Arc::new(move || of_waits.end_waits()),
        is_idle: Arc::new(move || Box::pin(of_idle.is_idle())),
        close: Arc::new(move || of_close.close()),
    }
}

/// Every call is about the one tenant.
struct OneTenant(Rc<Tenant>);

impl TenantResolver for OneTenant {
    fn resolve(&self, token: &Secret) -> Result<(Rc<Tenant>, Credentials), Failure> {
        Ok((Rc::clone(&self.0), Credentials::Secret(token.digest())))
    }

    /// The login is the name of a token, the password its secret, and the caller gets the secret.
    fn log_in(&self, login: &str, password: &str) -> Result<LogIn, Failure> {
        let token = Secret::new(password);
        let credentials = Credentials::Login { name: login.to_owned(), digest: token.digest() };
        Ok(LogIn { tenant: Rc::clone(&self.0), credentials, token })
    }

    fn anonymous(&self) -> Option<Rc<Tenant>> {
        Some(Rc::clone(&self.0))
    }
}
