//! What a handler has at hand: one plain struct for each HTTP worker.

use std::{
    rc::Rc,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use actix_web::web;
use ipnet::IpNet;

use super::{
    monitoring::{
        endpoint,
        metrics::{self, Counts, Metrics},
        readiness::Readiness,
    },
    tenant::TenantResolver,
};

/// How requests to one address are taken.
#[derive(Clone)]
pub(crate) struct ListenerConfig {
    /// How long a body may take to arrive.
    pub(crate) body_timeout: Duration,
    /// What is answered there.
    pub(crate) scope: RouteScope,
    /// Whose `X-Forwarded-For` is believed.
    pub(crate) proxies: Vec<IpNet>,
    /// The origins whose pages may call `/api`.
    pub(crate) origins: Vec<String>,
}

/// What an address answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum RouteScope {
    /// Everything.
    All,
    /// Everything that is not for administrators.
    Public,
    /// What is for administrators, and nothing else.
    Admin,
}

impl RouteScope {
    pub(crate) fn answers(self, path: &str) -> bool {
        let is_admin = path == endpoint::METRICS || path == "/admin" || path.starts_with("/admin/");
        match self {
            Self::All => true,
            Self::Public => !is_admin,
            Self::Admin => is_admin,
        }
    }
}

/// What one HTTP worker has at hand for every request.
pub(crate) struct AppState {
    pub(crate) resolver: Box<dyn TenantResolver>,
    pub(crate) listener: ListenerConfig,
    /// None where nothing is counted.
    pub(crate) metrics: Option<Arc<Metrics>>,
    pub(crate) no_route: Counts,
    pub(crate) stopping: Arc<AtomicBool>,
    pub(crate) readiness: Readiness,
}

/// A worker's app, as handlers take it.
pub(crate) type State = web::ThinData<Rc<AppState>>;

impl AppState {
    /// A worker's way to its tenants, how it treats requests and where it counts them; `stopping` is set when the program
    /// is about to end.
    pub(crate) fn new(
        resolver: Box<dyn TenantResolver>,
        listener: ListenerConfig,
        metrics: Option<Arc<Metrics>>,
        stopping: Arc<AtomicBool>,
    ) -> Rc<Self> {
        let (no_route, readiness) = (Counts::of(metrics::NO_ROUTE), Readiness::default());
        Rc::new(Self { resolver, listener, metrics, no_route, stopping, readiness })
    }

    /// How long a body may take to arrive.
    pub(crate) fn body_timeout(&self) -> Duration {
        self.listener.body_timeout
    }
}
