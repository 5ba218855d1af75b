//! The doors of a server: one tenant, and its tokens are in the file.

use std::{
    any::Any,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use actix_web::{
    Error,
    body::BoxBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web::ServiceConfig,
};
use anyhow::Result;
use parking_lot::Mutex;

use crate::http::{
    attempts::log::AttemptLog,
    failure::Failure,
    finalize,
    middleware::throttle::Throttles,
    monitoring::{endpoint, metrics::Metrics},
    tenant::{Doors, LogIn, Tenant, TenantResolver},
};
use crate::{
    delivery::client::DeliveryClient,
    settings::Settings,
    store::{
        Connection, Database,
        retention::{self, Retention},
        tokens::{self, Credentials, Secret},
    },
};

/// The one tenant of a server.
#[derive(Clone)]
pub(crate) struct Single(Arc<Shared>);

struct Shared {
    database: Database,
    has_tokens: bool,
    client: DeliveryClient,
    attempts: Arc<AttemptLog>,
    throttles: Arc<Throttles>,
    metrics: Arc<Metrics>,
    retention: Retention,
    is_swept: AtomicBool,
    /// Opened before the workers start, so that a file that cannot be read is an error of the start.
    readers: Mutex<Vec<Connection>>,
}

impl Single {
    /// Takes the file for this server.
    ///
    /// Errors: one sentence that names the file and the way out.
    pub(crate) fn open(settings: &Settings, workers: usize) -> Result<Self> {
        let database = Database::open(&settings.database, settings.limits.queue)?;
        let readers = (0..workers).map(|_| database.open_reader()).collect::<Result<Vec<_>>>()?;
        let first_token = readers.first().map(|reader| tokens::list(reader, None, 1)).transpose()?;
        let has_tokens = first_token.is_some_and(|tokens| !tokens.is_empty());
        let throttles = Arc::<Throttles>::default();
        let metrics = Arc::new(Metrics::new(throttles.failures(), |registry| database.register_metrics(registry)));
        Ok(Self(Arc::new(Shared {
            database,
            has_tokens,
            client: settings.delivery.client(),
            attempts: Arc::default(),
            throttles,
            metrics,
            retention: settings.retention,
            is_swept: AtomicBool::default(),
            readers: Mutex::new(readers),
        })))
    }

    /// Whether anybody could be let in when the file was opened.
    pub(crate) fn has_tokens(&self) -> bool {
        self.0.has_tokens
    }
}

impl Doors for Single {
    #[expect(clippy::expect_used, reason = "a worker that cannot read the file cannot be replaced")]
    fn tenants(&self, worker: usize) -> Box<dyn TenantResolver> {
        let Shared { database, client, attempts, throttles, retention, is_swept, readers, .. } = &*self.0;
        let reader = readers.lock().pop();
        // actix replaces a worker that died; its successor opens a connection of its own.
        let reader = reader.unwrap_or_else(|| database.open_reader().expect("the file opened at the start"));
        let store = database.store(worker, reader);
        let owner = Arc::clone(&self.0) as Arc<dyn Any>;
        let tenant = Tenant::new(store, client.clone(), Arc::clone(attempts), owner);
        tenant.deliver(database);
        if !is_swept.swap(true, Ordering::Relaxed) {
            retention::start(Rc::clone(&tenant.store), *retention);
        }
        Box::new(OneTenant { tenant, throttles: Arc::clone(throttles) })
    }

    fn routes(&self, routes: &mut ServiceConfig) {
        endpoint::guarded(routes, Arc::clone(&self.0.metrics));
    }

    fn metrics(&self) -> Option<Arc<Metrics>> {
        Some(Arc::clone(&self.0.metrics))
    }

    async fn around(request: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse<BoxBody>, Error> {
        finalize::finish(request, next).await
    }

    fn end_waits(&self) {
        self.0.database.end_waits();
    }

    fn close(&self) {
        self.0.database.close();
    }
}

/// The tenant as one HTTP worker sees it.
struct OneTenant {
    tenant: Rc<Tenant>,
    throttles: Arc<Throttles>,
}

impl TenantResolver for OneTenant {
    fn resolve(&self, token: Secret) -> Result<(Rc<Tenant>, Credentials), Failure> {
        Ok((Rc::clone(&self.tenant), Credentials::Secret(token.digest())))
    }

    /// The login is a token's name, the password its secret, and the secret is what they get.
    fn log_in(&self, login: &str, password: &str) -> Result<LogIn, Failure> {
        let token = Secret::new(password);
        let credentials = Credentials::Login { name: login.to_owned(), digest: token.digest() };
        Ok(LogIn { tenant: Rc::clone(&self.tenant), credentials, token })
    }

    fn anonymous(&self) -> Option<Rc<Tenant>> {
        Some(Rc::clone(&self.tenant))
    }

    fn throttles(&self) -> Option<&Throttles> {
        Some(&self.throttles)
    }
}
