//! `GET /readyz`, and `GET /metrics` in the text format of OpenMetrics.

use std::sync::{Arc, atomic::Ordering};

use actix_web::{
    HttpRequest,
    http::header::HeaderValue,
    web::{ServiceConfig, ThinData},
};
use serde::Serialize;

use super::{METRICS, metrics::Metrics};
use crate::{
    http::{
        auth,
        failure::Failure,
        responses::{Json, Text},
        route_table::{Table, at, get, no_other},
        state::State,
    },
    store::error::StoreError,
    threads,
};

#[derive(Serialize)]
pub(crate) struct Ready {
    schema: &'static str,
    writer: &'static str,
    stopping: bool,
}

/// `GET /readyz`.
///
/// Errors: 503 with the first problem.
pub(crate) async fn readyz(ThinData(app): State) -> Result<Json<Ready>, Failure> {
    let not_ready = |problem: &str| Failure::unavailable(format!("Not ready: {problem}"));
    let tenant = app.resolver.anonymous().ok_or_else(|| not_ready("there is no room for a database"))?;
    let problem = app.readiness.problem(&tenant.store).await;
    // Last: the stop may have begun meanwhile.
    if app.stopping.load(Ordering::Relaxed) {
        return Err(not_ready("the server is stopping"));
    }
    match problem {
        Some(problem) => Err(not_ready(problem)),
        None => Ok(Json::ok(Ready { schema: "current", writer: "answers", stopping: false })),
    }
}

/// Source: <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>, "Text Format".
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

type MetricsOf = ThinData<Arc<Metrics>>;

/// The sizes of the files are read for it, and a disk may not answer: so not on the worker's thread.
async fn text(metrics: Arc<Metrics>) -> Result<Text, Failure> {
    let text = threads::run("metrics", move || metrics.text()).await.map_err(StoreError::from)??;
    Ok(Text { content_type: OPEN_METRICS, text })
}

/// Adds the route for administrators to a server's routes.
pub(crate) fn guarded(routes: &mut ServiceConfig, metrics: Arc<Metrics>) {
    routes.app_data(ThinData(metrics));
    table().register(routes);
}

/// The routes that only a server has.
pub(crate) fn table() -> Table {
    let answer = async |request: HttpRequest, ThinData(app): State, ThinData(metrics): MetricsOf| {
        auth::admin(&request, &app).await?;
        text(metrics).await
    };
    let mut table = Table::default();
    at(&mut table, METRICS, [get(answer)]);
    table
}

/// The only route of the address `metrics.listen`, which needs no token.
pub(crate) fn open(routes: &mut ServiceConfig, metrics: Arc<Metrics>) {
    routes.app_data(ThinData(metrics));
    let mut table = Table::default();
    at(&mut table, METRICS, [get(async |ThinData(metrics): MetricsOf| text(metrics).await)]);
    table.register(routes);
    no_other(routes);
}
