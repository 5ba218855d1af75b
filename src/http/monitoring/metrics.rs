//! What is counted of requests, and of the database behind them. No names and no ids of anybody: a label is one of a few
//! words. It is told by `exposition`.

use std::cell::RefCell;

use actix_web::http::StatusCode;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, info::Info},
    registry::Registry,
};

use crate::http::failure::Failure;
use crate::{store::error::StoreError, survey::rules::Rule};

/// The route of a request that meets none.
pub(crate) const NO_ROUTE: &str = "none";

/// What a program counts; shared by its workers.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    /// In the order of [`Rule::ALL`].
    refusals: [Counter; Rule::ALL.len()],
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    /// The pattern of the path, never the path: anybody can make up paths.
    route: String,
    status: u16,
}

impl Metrics {
    /// With nothing counted yet; `register` adds what others count.
    pub(crate) fn new(failed_authentications: &Counter, register: impl FnOnce(&mut Registry)) -> Self {
        let mut registry = Registry::with_prefix("surveyd");
        registry.register("build", "Which surveyd this is", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        let requests = Family::default();
        registry.register("requests", "Answers, by route and status", requests.clone());
        let by_rule = Family::<[(&str, String); 1], Counter>::default();
        let refusals = Rule::ALL.map(|rule| by_rule.get_or_create_owned(&[("rule", name(rule))]));
        registry.register("refusals", "Calls to /api/** that a rule refused", by_rule);
        let help = "Tokens that were not good, and logins that failed or were throttled";
        registry.register("failed_authentications", help, failed_authentications.clone());
        register(&mut registry);
        Self { registry, requests, refusals }
    }

    /// Counts what a rule refused.
    pub(crate) fn refused(&self, rule: Rule) {
        self.refusals[rule as usize].inc();
    }

    /// All of it, in OpenMetrics.
    pub(crate) fn text(&self) -> Result<String, Failure> {
        let mut text = String::new();
        encode(&mut text, &self.registry).map_err(|error| StoreError::Internal(error.to_string()))?;
        Ok(text)
    }
}

/// As in attempts.
fn name(rule: Rule) -> String {
    let json = serde_json::to_value(rule).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}

/// The counters of one route, as one worker holds them: found without a lock, and without making a text of the route.
pub(crate) struct Counts {
    route: String,
    by_status: RefCell<Vec<(StatusCode, Counter)>>,
}

impl Counts {
    pub(crate) fn of(route: &str) -> Self {
        Self { route: route.to_owned(), by_status: RefCell::default() }
    }

    pub(crate) fn route(&self) -> &str {
        &self.route
    }

    /// Counts an answer.
    pub(crate) fn count(&self, metrics: &Metrics, status: StatusCode) {
        let mut by_status = self.by_status.borrow_mut();
        if let Some((_, counter)) = by_status.iter().find(|(of, _)| *of == status) {
            counter.inc();
            return;
        }
        let answered = Answered { route: self.route.clone(), status: status.as_u16() };
        let counter = metrics.requests.get_or_create_owned(&answered);
        counter.inc();
        by_status.push((status, counter));
    }
}
