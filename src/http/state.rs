//! The state that handlers need: one plain struct for each HTTP worker.

use std::{
    rc::Rc,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use actix_web::{HttpRequest, web};
use ipnet::IpNet;
use serde::Serialize;

use super::{
    connection::tls::Tls,
    middleware::throttle::Throttles,
    monitoring::{
        LIVEZ, METRICS, READYZ,
        metrics::{Counts, Metrics},
        readiness::Readiness,
    },
    pages::DOCUMENTATION,
    tenant::TenantResolver,
};
use crate::answers::{Answers, CONTRACT};

/// What differs between the addresses that a server listens on.
#[derive(Clone)]
pub(crate) struct ListenerConfig {
    /// How long a body may take to arrive.
    pub(crate) body_timeout: Duration,
    /// Which routes it answers.
    pub(crate) scope: RouteScope,
    /// The proxies whose `X-Forwarded-For` is trusted.
    pub(crate) proxies: Vec<IpNet>,
    /// The origins whose pages may call `/api`.
    pub(crate) origins: Vec<String>,
}

/// Which routes an address answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum RouteScope {
    /// Everything.
    All,
    /// All but `/admin`, `/metrics` and the console.
    Public,
    /// `/admin` and `/metrics`, the console, and the documentation that it links to.
    Admin,
}

impl RouteScope {
    pub(crate) fn answers(self, path: &str) -> bool {
        // The console calls the routes under `/admin` of its own address.
        let is_admin = is_console(path) || path == METRICS || is_administration(path);
        match self {
            Self::All => true,
            Self::Public => !is_admin,
            Self::Admin => is_admin || DOCUMENTATION.contains(&path),
        }
    }
}

fn is_console(path: &str) -> bool {
    path == "/" || path == "/console.json" || path.starts_with("/console/")
}

fn is_administration(path: &str) -> bool {
    path == "/admin" || path.starts_with("/admin/")
}

/// Whether a path is the program's own, or one that browsers ask for by themselves. A caller of the vendor's API has none of
/// them by mistake.
pub(crate) fn is_own(path: &str) -> bool {
    let is_of_browser = path == "/favicon.ico" || path.starts_with("/.well-known/");
    let is_of_operations = [LIVEZ, READYZ, METRICS].contains(&path) || DOCUMENTATION.contains(&path);
    is_console(path) || is_administration(path) || is_of_operations || is_of_browser
}

/// What one HTTP worker needs for every request.
pub(crate) struct AppState {
    pub(crate) resolver: Rc<dyn TenantResolver>,
    pub(crate) listener: ListenerConfig,
    /// None where nothing is counted.
    pub(crate) metrics: Option<Arc<Metrics>>,
    /// Slows down callers that guess logins and tokens; None where a test may fail as often as it likes.
    pub(crate) throttles: Option<Arc<Throttles>>,
    pub(crate) console: ConsoleInfo,
    /// None without TLS.
    pub(crate) tls: Option<Arc<Tls>>,
    /// The counters of requests that match no route.
    pub(crate) no_route: Counts,
    /// Set when the program is about to end.
    pub(crate) stopping: Arc<AtomicBool>,
    pub(crate) readiness: Readiness,
    /// The answers of `/api`.
    pub(crate) answers: Arc<Answers>,
}

/// The worker's [`AppState`], as handlers take it.
pub(crate) type State = web::ThinData<Rc<AppState>>;

/// How the paths of the vendor's calls begin.
pub(super) const API: &str = "/api/";

impl AppState {
    /// How long a body may take to arrive.
    pub(crate) fn body_timeout(&self) -> Duration {
        self.listener.body_timeout
    }

    /// The answers of a call: those of the program under `/api`, the contract's elsewhere.
    pub(crate) fn answers_of(&self, request: &HttpRequest) -> &Answers {
        if request.path().starts_with(API) { &self.answers } else { &CONTRACT }
    }
}

/// What the console may know before its reader has entered a token.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConsoleInfo {
    /// Whether the program has the routes of a fake.
    pub(crate) fake: bool,
    /// A token of role ADMIN that is no secret, if there is one.
    token: Option<&'static str>,
    /// That of the program.
    version: &'static str,
    /// What a command on this machine takes to work on the same database, such as `--database /var/lib/surveyd/surveyd.db`; none
    /// for a fake.
    pub(crate) database_argument: Option<String>,
}

impl ConsoleInfo {
    pub(crate) fn new(fake: bool, token: Option<&'static str>, database_argument: Option<String>) -> Self {
        Self { fake, token, version: env!("CARGO_PKG_VERSION"), database_argument }
    }
}
