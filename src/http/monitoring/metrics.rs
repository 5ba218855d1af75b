//! The metrics of a program: its requests, and what its database adds. A label is one of a few words, never a name or an id.

use std::{
    cell::RefCell,
    fmt,
    sync::{Arc, OnceLock},
};

use actix_web::http::StatusCode;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text::encode},
    metrics::{
        MetricType,
        counter::{ConstCounter, Counter},
        family::Family,
        info::Info,
    },
    registry::{Registry, Unit},
};

use crate::http::{connection::tls::Tls, failure::Failure};
use crate::{log_buffer, store::error::StoreError, survey::rules::Rule};

/// The label of requests that match no route.
pub(crate) const NO_ROUTE: &str = "none";

/// The counters of a program; shared by its workers.
pub(crate) struct Metrics {
    registry: Registry,
    certificate: Certificate,
    requests: Family<Answered, Counter>,
    /// In the order of [`Rule::ALL`].
    refusals: [Counter; Rule::ALL.len()],
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    /// The pattern of the path, never the path: a caller can make up paths.
    route: String,
    status: u16,
}

impl Metrics {
    /// `register` adds the metrics of the database.
    pub(crate) fn new(failed_authentications: &Counter, register: impl FnOnce(&mut Registry)) -> Self {
        let mut registry = Registry::with_prefix("surveyd");
        registry.register("build", "Which surveyd this is", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        let requests = Family::default();
        registry.register("requests", "Answers, by route and status", requests.clone());
        let by_rule = Family::<[(&str, &str); 1], Counter>::default();
        let refusals = Rule::ALL.map(|rule| by_rule.get_or_create_owned(&[("rule", rule.as_str())]));
        registry.register("refusals", "Calls to /api/** that a rule refused", by_rule);
        let help = "Invalid tokens, and logins that failed or were throttled";
        registry.register("failed_authentications", help, failed_authentications.clone());
        registry.register_collector(Box::new(DroppedLines));
        let certificate = Certificate::default();
        registry.register_collector(Box::new(certificate.clone()));
        register(&mut registry);
        Self { registry, certificate, requests, refusals }
    }

    /// Adds when the certificate expires. Only the first call counts.
    pub(crate) fn add_certificate(&self, tls: Arc<Tls>) {
        let _ = self.certificate.0.set(tls);
    }

    /// Counts a refusal by a rule.
    pub(crate) fn refused(&self, rule: Rule) {
        self.refusals[rule as usize].inc();
    }

    /// Everything, in the text format of OpenMetrics.
    pub(crate) fn text(&self) -> Result<String, Failure> {
        let mut text = String::new();
        encode(&mut text, &self.registry).map_err(|error| StoreError::Internal(error.to_string()))?;
        Ok(text)
    }
}

/// The certificate, if there is TLS. It may be read again later.
#[derive(Clone, Default)]
struct Certificate(Arc<OnceLock<Arc<Tls>>>);

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate")
    }
}

impl Collector for Certificate {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let (name, help) =
            ("certificate_not_after_timestamp", "When the certificate of TLS expires; absent without TLS.");
        let mut family = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)?;
        self.0.get().map_or(Ok(()), |tls| family.encode_gauge(&(tls.not_after().0 / 1000)))
    }
}

/// The log counts by itself: it is there before any metric.
#[derive(Debug)]
struct DroppedLines;

impl Collector for DroppedLines {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let help = "Lines of the log that were dropped, because stderr was not read.";
        let counter = ConstCounter::new(log_buffer::dropped());
        counter.encode(encoder.encode_descriptor("log_dropped_lines", help, None, counter.metric_type())?)
    }
}

/// One worker's counters of one route: found without a lock, and without formatting the route.
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
