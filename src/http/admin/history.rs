//! What was sent, what was changed, what was tried, and why a send would be refused.

use std::time::Duration;

use actix_web::{
    CustomizeResponder, Either, HttpRequest,
    http::StatusCode,
    web::{Payload, ThinData},
};

use crate::{
    answers::{case::Case, occurrence::Occurrence},
    http::{
        api::send_body,
        attempts::{
            log::{AttemptFilter, AttemptView},
            report::{Decision, DecisionReport},
            text,
        },
        auth, calibration,
        failure::Failure,
        page::Page,
        query::Query,
        request_body,
        responses::{Json, Text, is_text_wanted},
        state::State,
    },
    store::{
        audit::{AuditFilter, AuditRow},
        sends::SendFilter,
        write::notifier::WaitFor,
    },
    survey::{decide, ids::FormId, model::SentSurvey, rules::Rule, time::TimeSpan},
};

/// How long a list can be waited for.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// `GET /admin/sends`: at once, or with `wait` as soon as `count` of them match; with `before` the newest first.
pub(crate) async fn sends(request: HttpRequest, ThinData(app): State) -> Result<Page<SentSurvey>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let query = Query::of(&request, &["after", "before", "limit", "client", "thread", "form", "wait", "count"])?;
    let filter = SendFilter {
        after: query.integer("after")?,
        before: query.before()?,
        client: query.integer("client")?,
        thread: query.integer("thread")?,
        form: query.integer("form")?,
    };
    let limit = query.limit()?;
    let rows = admin.store().wait_for_sends(filter, limit + 1, wait(&query, limit)?).await?;
    Ok(Page::of(&query, limit, rows, |sent| sent.sending_id.0))
}

/// How long a list of at most `limit` rows is waited for. `HEAD` does not wait: it asks whether the route answers.
pub(crate) fn wait(query: &Query, limit: usize) -> Result<WaitFor, Failure> {
    if query.text("wait").and(query.text("before")).is_some() {
        return Err(Failure::bad_request("wait goes with after, not with before: nothing new comes there"));
    }
    match (query.duration("wait", LONGEST_WAIT)?.map(TimeSpan::to_std), query.count("count")?) {
        (None, Some(_)) => Err(Failure::bad_request("count goes with wait, such as wait=5s&count=2")),
        (None, None) => Ok(WaitFor { time: Duration::ZERO, count: 0 }),
        (Some(_), Some(count)) if count > limit => {
            Err(Failure::bad_request(format!("count must not be above limit, which is {limit}")))
        }
        (Some(_), _) if query.is_head() => Ok(WaitFor { time: Duration::ZERO, count: 0 }),
        (Some(time), count) => Ok(WaitFor { time, count: count.unwrap_or(1) }),
    }
}

/// `GET /admin/audit`: who changed what; with `before` the newest first.
pub(crate) async fn audit(request: HttpRequest, ThinData(app): State) -> Result<Page<AuditRow>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let query = Query::of(&request, &["after", "before", "limit", "since", "until", "who", "object"])?;
    let (since, until) = (query.moment("since")?, query.moment("until")?);
    let filter = AuditFilter {
        after: query.integer("after")?,
        before: query.before()?,
        who: query.search("who")?.map(str::to_owned),
        object: query.search("object")?.map(str::to_owned),
        ..AuditFilter::between(since, until, admin.store().now()).map_err(Failure::bad_request)?
    };
    let limit = query.limit()?;
    Ok(Page::of(&query, limit, admin.store().audit(filter, limit + 1).await?, |row| row.id))
}

/// `GET /admin/attempts`: the last calls to `/api/**`, and what the rules said; with `Accept: text/plain` as a report. Without a
/// cursor these are the newest, the oldest of them first, and the next page has older ones.
pub(crate) async fn attempts(
    request: HttpRequest,
    ThinData(app): State,
) -> Result<Either<Page<AttemptView>, CustomizeResponder<Text>>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let query = Query::of(&request, &["after", "before", "limit", "status", "client", "thread", "requestId"])?;
    let (after, before, limit) = (query.integer("after")?, query.before()?, query.limit()?);
    let is_newest = after.or(before).is_none();
    let filter = AttemptFilter {
        after,
        before: if is_newest { Some(i64::MAX) } else { before },
        status: query.integer("status")?,
        client: query.integer("client")?,
        thread: query.integer("thread")?,
        request_id: query.text("requestId").map(str::to_owned),
    };
    let found = admin.tenant().attempts.list(&filter, limit + 1)?;
    let cursor = if filter.before.is_some() { "before" } else { "after" };
    let mut page = Page::cut(&query, cursor, limit, found, |attempt| attempt.id);
    if is_newest {
        page.rows.reverse();
    }
    if !is_text_wanted(&request) {
        return Ok(Either::Left(page));
    }
    let report = Text::plain(text::report(&page.rows, admin.store()).await?);
    Ok(Either::Right(page.link(report)))
}

/// `POST /admin/explain`: what a send with this body would be answered, and why; nothing is sent.
pub(crate) async fn explain(
    request: HttpRequest,
    payload: Payload,
    ThinData(app): State,
) -> Result<Json<DecisionReport>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let body = request_body::read(&request, payload, request_body::SEND_LIMIT, &app).await?;
    let answer = |occurrence: &Occurrence| {
        let (status, message) = calibration::status_and_message(&app.answers, occurrence, admin.store().now());
        (status, Some(message).filter(|message| !message.is_empty()))
    };
    let survey = match send_body::parse(&body, &app.answers) {
        Ok(survey) => survey,
        // Not a failure of this call: it is what the send would be answered.
        Err(failure) => {
            let (status, message) = failure.occurrence().as_ref().map_or((failure.status(), None), answer);
            return Ok(Json::ok(report(status, message, None, &Decision::BadBody)));
        }
    };
    let form = Some(survey.form);
    let facts = admin.store().facts(survey.clone()).await?;
    Ok(Json::ok(match decide(&survey, &facts) {
        Ok(sending) => {
            let (status, message) = answer(&Occurrence::new(Case::Sent));
            report(status, message, form, &Decision::Allowed(sending.client, sending.thread, None))
        }
        Err(refusal) => {
            let (status, message) = answer(&Occurrence::from(&refusal));
            report(status, message, form, &Decision::Refused(refusal))
        }
    }))
}

fn report(status: StatusCode, message: Option<String>, form: Option<FormId>, decision: &Decision) -> DecisionReport {
    let from_body_on: Vec<Rule> = Rule::ALL.into_iter().filter(|rule| *rule >= Rule::Body).collect();
    DecisionReport::new(&from_body_on, Some(status), message, form, decision)
}
