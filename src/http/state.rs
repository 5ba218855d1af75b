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
    tenant::Tenants,
};

/// How requests to one address are taken.
#[derive(Clone)]
pub(crate) struct Manners {
    /// How long a body may take to arrive.
    pub(crate) body_timeout: Duration,
    /// What is answered there.
    pub(crate) side: Side,
    /// Whose `X-Forwarded-For` is believed.
    pub(crate) proxies: Vec<IpNet>,
    /// The origins whose pages may call `/api`.
    pub(crate) origins: Vec<String>,
}

/// What an address answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Everything.
    Whole,
    /// Everything that is not for administrators.
    Public,
    /// What is for administrators, and nothing else.
    Admin,
}

impl Side {
    pub(crate) fn answers(self, path: &str) -> bool {
        let is_admin = path == endpoint::METRICS || path == "/admin" || path.starts_with("/admin/");
        match self {
            Self::Whole => true,
            Self::Public => !is_admin,
            Self::Admin => is_admin,
        }
    }
}

/// What one HTTP worker has at hand for every request.
pub(crate) struct Site {
    pub(crate) tenants: Box<dyn Tenants>,
    pub(crate) manners: Manners,
    /// None where nothing is counted.
    pub(crate) metrics: Option<Arc<Metrics>>,
    pub(crate) no_route: Counts,
    pub(crate) stopping: Arc<AtomicBool>,
    pub(crate) readiness: Readiness,
}

/// A worker's site, as handlers take it.
pub(crate) type SiteOf = web::ThinData<Rc<Site>>;

impl Site {
    /// A worker's way to its tenants, how it treats requests and where it counts them; `stopping` is set when the program
    /// is about to end.
    pub(crate) fn new(
        tenants: Box<dyn Tenants>,
        manners: Manners,
        metrics: Option<Arc<Metrics>>,
        stopping: Arc<AtomicBool>,
    ) -> Rc<Self> {
        let (no_route, readiness) = (Counts::of(metrics::NO_ROUTE), Readiness::default());
        Rc::new(Self { tenants, manners, metrics, no_route, stopping, readiness })
    }

    /// A worker's way to its tenants.
    pub(crate) fn tenants(&self) -> &dyn Tenants {
        &*self.tenants
    }

    /// How long a body may take to arrive.
    pub(crate) fn body_timeout(&self) -> Duration {
        self.manners.body_timeout
    }
}
