//! What a program gives to the server: the difference between `surveyd serve` and `surveyd fake`, as a plain struct.

use std::{rc::Rc, sync::Arc};

use actix_web::{
    Error,
    body::BoxBody,
    dev::{Extensions, ServiceRequest, ServiceResponse},
    middleware::Next,
    rt::net::TcpStream,
    web::ServiceConfig,
};
use futures_util::future::LocalBoxFuture;

use crate::{
    answers::Answers,
    http::{middleware::throttle::Throttles, monitoring::metrics::Metrics, state::ConsoleInfo, tenant::TenantResolver},
};

/// Answers a request; `Next` is the router.
pub(crate) type Middleware =
    fn(ServiceRequest, Next<BoxBody>) -> LocalBoxFuture<'static, Result<ServiceResponse<BoxBody>, Error>>;

/// A program; a clone is the same program.
#[derive(Clone)]
pub(crate) struct Program {
    /// Makes what one HTTP worker has of the program. Called on the worker's own thread, inside its `LocalSet`; again for a
    /// worker that replaces a dead one.
    pub(crate) worker: Arc<dyn Fn() -> Worker + Send + Sync>,
    /// Answers every request.
    pub(crate) middleware: Middleware,
    /// Keeps something of each new connection.
    pub(crate) on_connect: fn(&TcpStream, &mut Extensions),
    /// None where nothing is counted.
    pub(crate) metrics: Option<Arc<Metrics>>,
    /// None where callers may fail to authenticate as often as they like.
    pub(crate) throttles: Option<Arc<Throttles>>,
    pub(crate) console: ConsoleInfo,
    /// The answers of `/api`.
    pub(crate) answers: Arc<Answers>,
    /// Answers the calls that wait for something: the server is about to stop.
    pub(crate) end_waits: Arc<dyn Fn() + Send + Sync>,
    /// Whether no request waits for a database.
    pub(crate) is_idle: Arc<dyn Fn() -> LocalBoxFuture<'static, bool> + Send + Sync>,
    /// Waits until everything that was submitted is committed and answered.
    pub(crate) close: Arc<dyn Fn() + Send + Sync>,
}

/// What one HTTP worker has of a program.
pub(crate) struct Worker {
    pub(crate) resolver: Rc<dyn TenantResolver>,
    /// Adds the routes that only this program has.
    pub(crate) routes: Box<dyn FnOnce(&mut ServiceConfig)>,
}
