//! HTTP: everything that knows actix, and nothing that knows SQL.
//!
//! A request meets [`auth`] (who calls), [`wire`] (what for), its handler, and [`respond`] (how the answer looks).

mod admin;
mod api;
pub(crate) mod attempts;
pub(crate) mod auth;
mod caller;
pub mod connection;
mod console;
mod cors;
pub mod exposition;
pub mod failure;
pub mod metrics;
pub mod openapi;
pub(crate) mod query;
mod readiness;
pub mod request_log;
pub mod respond;
pub mod single;
pub mod tenant;
pub mod throttle;
pub(crate) mod wire;

use std::{
    rc::Rc,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use actix_web::{
    FromRequest, Handler, Responder, Route,
    http::Method,
    web::{self, ServiceConfig},
};
use ipnet::IpNet;

use self::{
    admin::{deliveries, events, history, tokens},
    failure::Failure,
    metrics::{Counts, Metrics},
    readiness::Readiness,
    respond::Empty,
    tenant::Tenants,
};
use crate::{
    store::directory::Entry,
    survey::model::{Channel, Client, Form, Thread},
};

pub(crate) use self::{
    admin::read_body,
    api::{LOGIN, SEND, parse_send},
};

/// Answers 200 as long as requests are answered at all; asks for no token.
pub(crate) const LIVEZ: &str = "/livez";

/// How requests to one address are taken.
#[derive(Clone)]
pub struct Manners {
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// What is answered there.
    pub side: Side,
    /// Whose `X-Forwarded-For` is believed.
    pub proxies: Vec<IpNet>,
    /// The origins whose pages may call `/api`.
    pub origins: Vec<String>,
}

/// What an address answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Everything.
    Whole,
    /// Everything that is not for administrators.
    Public,
    /// What is for administrators, and nothing else.
    Admin,
}

impl Side {
    fn answers(self, path: &str) -> bool {
        let is_admin = path == exposition::METRICS || path == "/admin" || path.starts_with("/admin/");
        match self {
            Self::Whole => true,
            Self::Public => !is_admin,
            Self::Admin => is_admin,
        }
    }
}

/// What one HTTP worker has at hand for every request.
pub struct Site {
    tenants: Box<dyn Tenants>,
    manners: Manners,
    /// None where nothing is counted.
    metrics: Option<Arc<Metrics>>,
    no_route: Counts,
    stopping: Arc<AtomicBool>,
    readiness: Readiness,
}

/// A worker's site, as handlers take it.
pub(crate) type SiteOf = web::ThinData<Rc<Site>>;

impl Site {
    /// A worker's way to its tenants, how it treats requests and where it counts them; `stopping` is set when the program
    /// is about to end.
    pub fn new(
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

/// Paths and their methods, before they are given to actix, which tells nobody what it has: the tests read them here.
#[derive(Default)]
pub struct Table(Vec<(String, Vec<(Method, Route)>)>);

impl Table {
    /// Every method of every path.
    pub fn list(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|(path, methods)| methods.iter().map(|(method, _)| (method.as_str(), path.as_str())))
    }

    /// Lets actix answer them; a 405 that names the methods of the path answers every other.
    pub(crate) fn register(self, routes: &mut ServiceConfig) {
        for (path, methods) in self.0 {
            let allow = methods.iter().map(|(method, _)| method.as_str()).collect::<Vec<_>>().join(", ");
            let mut resource = web::resource(&path).app_data(Counts::of(&path));
            for (_, route) in methods {
                resource = resource.route(route);
            }
            routes.service(resource.default_service(web::to(move || {
                let failure = Failure::method_not_allowed(allow.clone());
                async move { Err::<&str, _>(failure) }
            })));
        }
    }
}

/// Registers the routes that every program has.
pub fn routes(routes: &mut ServiceConfig, site: Rc<Site>) {
    routes.app_data(web::ThinData(site));
    table().register(routes);
    no_other(routes);
}

/// The one table of all routes.
pub fn table() -> Table {
    let mut table = Table::default();
    let routes = &mut table;
    at(routes, "/", [get(console::page)]);
    at(routes, "/console.json", [get(console::known)]);
    at(routes, "/console/{asset}", [get(console::asset)]);
    at(routes, LIVEZ, [get(|| async { Empty::OK })]);
    at(routes, "/readyz", [get(readiness::readyz)]);
    openapi::routes(routes);
    at(routes, SEND, [post(api::send::send)]);
    at(routes, api::LOGIN, [post(api::login::log_in)]);
    at(routes, "/api/v1/quality", [post(api::directory::put_form)]);
    at(routes, "/api/v1/threads", [get(api::directory::threads)]);
    at(routes, "/api/v1/threads/{id}", [get(api::directory::thread)]);
    at(routes, "/api/v1/clients/short-info", [post(api::directory::short_info)]);
    at(routes, "/admin/settings", [get(admin::settings), patch(admin::change_settings)]);
    entries::<Channel>(routes, delete(admin::delete::<Channel>));
    entries::<Client>(routes, delete(admin::erasure::delete_client));
    entries::<Thread>(routes, delete(admin::delete::<Thread>));
    entries::<Form>(routes, delete(admin::delete::<Form>));
    at(routes, "/admin/forms/{id}/channels/{channelId}", [put(admin::enable), delete(admin::disable)]);
    at(routes, "/admin/channels/{id}/ping", [post(deliveries::ping)]);
    at(routes, "/admin/channels/{id}/retry", [post(deliveries::retry_all)]);
    at(routes, "/admin/channels/{id}/rotate", [post(deliveries::rotate)]);
    at(routes, "/admin/deliveries", [get(deliveries::list)]);
    at(routes, "/admin/deliveries/counts", [get(deliveries::counts)]);
    at(routes, "/admin/deliveries/{id}/retry", [post(deliveries::retry)]);
    at(routes, "/admin/sends", [get(history::sends)]);
    at(routes, "/admin/audit", [get(history::audit)]);
    at(routes, "/admin/tokens", [get(tokens::list), post(tokens::create)]);
    at(routes, "/admin/tokens/{id}", [delete(tokens::revoke)]);
    at(routes, "/admin/tokens/{id}/rotate", [post(tokens::rotate)]);
    at(routes, "/admin/attempts", [get(history::attempts)]);
    at(routes, "/admin/events", [get(events::events)]);
    at(routes, "/admin/explain", [post(history::explain)]);
    table
}

/// Every other path: a 404.
fn no_other(routes: &mut ServiceConfig) {
    routes.default_service(web::to(|| async { Err::<&str, _>(Failure::no_such_path()) }));
}

/// The routes of one kind of row.
fn entries<E: Entry>(routes: &mut Table, delete: (Method, Route)) {
    at(routes, &format!("/admin/{}", E::LIST), [get(admin::list::<E>)]);
    at(routes, &format!("/admin/{}/{{id}}", E::LIST), [get(admin::read::<E>), put(admin::put::<E>), delete]);
}

/// One path, and its methods.
pub(crate) fn at<const N: usize>(routes: &mut Table, path: &str, methods: [(Method, Route); N]) {
    routes.0.push((path.to_owned(), methods.into()));
}

/// Declares the methods of the table.
macro_rules! methods {
    ($($name:ident $method:ident),+) => {$(
        pub(crate) fn $name<F, Args>(handler: F) -> (Method, Route)
        where
            F: Handler<Args>,
            Args: FromRequest + 'static,
            F::Output: Responder + 'static,
        {
            (Method::$method, web::$name().to(handler))
        }
    )+};
}

methods!(get GET, post POST, put PUT, patch PATCH, delete DELETE);
