//! The doors of a server: one tenant, and its tokens are in the file.

use std::{
    any::Any,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_web::{
    Error,
    body::BoxBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web::ServiceConfig,
};
use anyhow::Result;
use tokio::time::sleep;
use tracing::warn;

use crate::http::{
    attempts::log::AttemptLog,
    failure::Failure,
    finalize,
    middleware::throttle::Throttles,
    monitoring::{endpoint, metrics::Metrics},
    tenant::{Doors, LogIn, Tenant, TenantResolver},
};
use crate::{
    delivery::{client::DeliveryClient, message},
    settings::Settings,
    store::{
        Database,
        retention::Retention,
        tokens::{Credentials, Secret},
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
}

impl Single {
    /// Takes the file for this server.
    ///
    /// Errors: one sentence that names the file and the way out.
    pub(crate) fn open(settings: &Settings) -> Result<Self> {
        let database = Database::open(&settings.database, settings.limits.queue, message::survey_sent)?;
        // Also reports a file that cannot be read as an error of the start.
        let has_tokens = database.reader()?.has_tokens()?;
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
        })))
    }

    /// Whether anybody could be let in when the file was opened.
    pub(crate) fn has_tokens(&self) -> bool {
        self.0.has_tokens
    }
}

impl Doors for Single {
    fn tenants(&self, _worker: usize) -> Box<dyn TenantResolver> {
        let Shared { database, client, attempts, throttles, retention, is_swept, .. } = &*self.0;
        let store = database.store();
        let owner = Arc::clone(&self.0) as Arc<dyn Any>;
        let tenant = Tenant::new(store, client.clone(), Arc::clone(attempts), owner);
        tenant.deliver(database);
        if !is_swept.swap(true, Ordering::Relaxed) {
            let (store, retention) = (Rc::clone(&tenant.store), *retention);
            tokio::task::spawn_local(async move {
                loop {
                    if let Err(error) = store.sweep(retention).await {
                        warn!(%error, "what is too old cannot be deleted; it is tried again in an hour");
                    }
                    sleep(Duration::from_hours(1)).await;
                }
            });
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
