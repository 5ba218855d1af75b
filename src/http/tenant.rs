//! Whose data a request is about, and by which doors it comes in. A server has one tenant; a fake has one for each database.

use std::{any::Any, future::Future, rc::Rc, sync::Arc};

use actix_web::{
    Error,
    body::BoxBody,
    dev::{Extensions, ServiceRequest, ServiceResponse},
    middleware::Next,
    rt::net::TcpStream,
    web::ServiceConfig,
};
use serde::Serialize;

use crate::http::{
    attempts::log::AttemptLog, failure::Failure, middleware::throttle::Throttles, monitoring::metrics::Metrics,
};
use crate::{
    delivery::{client::DeliveryClient, queue},
    store::{
        Database, Store,
        tokens::{Credentials, Secret},
    },
};

/// The data of one customer, as one HTTP worker sees it.
pub(crate) struct Tenant {
    pub(crate) store: Rc<Store>,
    /// Who calls the gateways of its channels.
    pub(crate) client: DeliveryClient,
    pub(crate) attempts: Arc<AttemptLog>,
    /// What the store's files last as long as.
    _owner: Arc<dyn Any>,
}

impl Tenant {
    /// A worker's view of a store that belongs to `owner`, and of what was tried there.
    pub(crate) fn new(
        store: Store,
        client: DeliveryClient,
        attempts: Arc<AttemptLog>,
        owner: Arc<dyn Any>,
    ) -> Rc<Self> {
        Rc::new(Self { store: Rc::new(store), client, attempts, _owner: owner })
    }

    /// Begins to deliver what is sent in its database, on the calling worker's thread, unless another worker does already.
    pub(crate) fn deliver(&self, database: &Database) {
        if database.claim_deliveries() {
            queue::start(Rc::clone(&self.store), self.client.clone());
        }
    }
}

/// Who logs in, as far as it is known without looking into a file.
pub(crate) struct LogIn {
    /// Whose data they will work on.
    pub(crate) tenant: Rc<Tenant>,
    /// What they show.
    pub(crate) credentials: Credentials,
    /// What they get for it.
    pub(crate) token: Secret,
}

/// What everybody may know of a program.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct ConsoleInfo {
    /// Whether it has what only a fake has.
    pub(crate) fake: bool,
    /// A token of role ADMIN that is no secret, if there is one.
    pub(crate) token: Option<&'static str>,
}

/// Finds a worker's tenant for a request.
pub(crate) trait TenantResolver {
    /// The tenant that a token belongs to, and what its store is to make of the token.
    ///
    /// Errors: the token is of a form that is good nowhere; there is no room for another tenant.
    fn resolve(&self, token: Secret) -> Result<(Rc<Tenant>, Credentials), Failure>;

    /// The tenant that somebody logs in to.
    ///
    /// Errors: as for [`TenantResolver::resolve`].
    fn log_in(&self, login: &str, password: &str) -> Result<LogIn, Failure>;

    /// The tenant that is told of calls without a token.
    fn anonymous(&self) -> Option<Rc<Tenant>>;

    /// What the console may know before anybody has shown a token.
    fn console_info(&self) -> ConsoleInfo {
        ConsoleInfo::default()
    }

    /// What slows down those who fail to say who they are; none where a test may fail as often as it likes.
    fn throttles(&self) -> Option<&Throttles>;
}

/// The ways into a program: which tenants it has, and what stands around the routes that every one has.
pub(crate) trait Doors: Clone + Send + 'static {
    /// The way to the tenants of the worker of that number. Called once on its own thread, inside its `LocalSet`.
    fn tenants(&self, worker: usize) -> Box<dyn TenantResolver>;

    /// The routes that only this program has.
    fn routes(&self, _routes: &mut ServiceConfig) {}

    /// What this program counts; None where nobody would look at it.
    fn metrics(&self) -> Option<Arc<Metrics>> {
        None
    }

    /// What is remembered of a connection.
    fn connected(_connection: &TcpStream, _remembered: &mut Extensions) {}

    /// Answers a request; `next` is the routes.
    fn around(
        request: ServiceRequest,
        next: Next<BoxBody>,
    ) -> impl Future<Output = Result<ServiceResponse<BoxBody>, Error>>;

    /// Answers those who wait for something: the program is about to stop.
    fn end_waits(&self);

    /// CommitNotifier until everything that was submitted is committed and answered.
    fn close(&self);
}
