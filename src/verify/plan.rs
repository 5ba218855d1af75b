//! What will be asked, and what every case comes to, before anything is sent.

use serde::Serialize;

use super::{
    probes::{OtherTokens, PreparedRows, base, others, why_not},
    report::ShownOutcome,
    request::{Base, Probe},
};
use crate::answers::{Answers, case::Case};

/// A request, before it is sent.
pub(crate) struct PlannedRequest {
    pub(crate) case: Case,
    pub(crate) request: String,
    /// What it sends, if it can.
    pub(crate) sends: Option<&'static str>,
}

/// A case of the table, and the request that asks for it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlannedCase {
    case: &'static str,
    description: &'static str,
    source: &'static str,
    expected: ShownOutcome,
    /// Whether an answers file may say that the request is accepted.
    can_be_accepted: bool,
    /// Those that its answer can have, without those that every answer can have.
    placeholders: Vec<&'static str>,
    /// None if it is not asked.
    request: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sends: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why_not_asked: Option<&'static str>,
}

/// The requests that [`super::verify`] makes, in their order.
pub(crate) fn plan(rows: &PreparedRows, tokens: OtherTokens) -> Vec<PlannedRequest> {
    let planned =
        |probe: Probe| PlannedRequest { case: probe.case, request: probe.request.summary(), sends: probe.sends };
    bases(rows).into_iter().chain(others(rows, tokens)).map(planned).collect()
}

/// Every case, in the order of the table.
pub(crate) fn cases(plan: &[PlannedRequest], rows: &PreparedRows, expected: &Answers) -> Vec<PlannedCase> {
    let planned = |case: Case| {
        let asked = plan.iter().find(|planned| planned.case == case);
        PlannedCase {
            case: case.name(),
            description: case.description(),
            source: case.source().name(),
            expected: ShownOutcome::of(expected, case, &[]),
            can_be_accepted: case.can_be_accepted(),
            placeholders: case.placeholders().iter().map(|placeholder| placeholder.name()).collect(),
            request: asked.map(|planned| planned.request.clone()),
            sends: asked.and_then(|planned| planned.sends),
            why_not_asked: asked.is_none().then(|| why_not(case, rows.flag_is_off)),
        }
    };
    Case::ALL.into_iter().map(planned).collect()
}

/// The first requests. With the flag off, the first asks for its refusal.
pub(super) fn bases(rows: &PreparedRows) -> Vec<Probe> {
    if rows.flag_is_off {
        return vec![Probe { case: Case::FlagOff, ..base(Base::InternalClient) }];
    }
    vec![base(Base::InternalClient), base(Base::ExternalClient)]
}
