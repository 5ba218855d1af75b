//! `GET /admin/events`: what happens, as it happens, as server-sent events.
//!
//! Rows are not sent one by one: a few times a second, all new rows go out as one event of each kind, with the
//! last rows and with how many there were. So a console costs the same whether ten sends a minute are made or a million.
//! Source of the form: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

use std::{convert::Infallible, fmt::Write, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    body::{BodyStream, BoxBody},
    http::{
        StatusCode,
        header::{CONTENT_TYPE, HeaderName, HeaderValue},
    },
    web::{Bytes, ThinData},
};
use futures_util::stream;
use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use crate::{
    http::{
        auth::{self, Admin},
        failure::Failure,
        query::Query,
        state::State,
    },
    store::{
        read::changes::{Changes, Cursor},
        write::notifier::CommitListener,
    },
};

/// Asks a proxy to pass the events on as they come. nginx would gather them until its buffer is full.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// How long events are gathered.
const TICK: Duration = Duration::from_millis(250);

/// How often the token is checked again, and the file for what a command has changed, when nothing else happens. A closed
/// connection is found then, too.
const BEAT: Duration = Duration::from_secs(2);

/// How many rows of each kind come at the beginning …
const AT_FIRST: usize = 50;

/// … and with each event after it.
const AT_ONCE: usize = 100;

/// An answer that does not end before the caller or the server leaves, or the caller's token becomes invalid.
pub(crate) struct Events(Watch);

/// `GET /admin/events`: begins with the last sends, refused attempts and rows of the audit.
pub(crate) async fn events(request: HttpRequest, ThinData(app): State) -> Result<Events, Failure> {
    let admin = auth::admin(&request, &app).await?;
    Query::of(&request, &[])?;
    let listener = admin.store().listen();
    Ok(Events(Watch {
        admin,
        listener,
        cursor: Cursor::default(),
        last_attempt: 0,
        next: Instant::now(),
        looked: None,
    }))
}

impl Responder for Events {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let events = stream::unfold(self.0, async |mut watch| {
            let text = watch.next().await?;
            Some((Ok::<_, Infallible>(Bytes::from(text)), watch))
        });
        let mut response = HttpResponse::new(StatusCode::OK).set_body(BoxBody::new(BodyStream::new(events)));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
        response
    }
}

/// The state of one event stream.
struct Watch {
    admin: Admin,
    listener: CommitListener,
    cursor: Cursor,
    /// The last attempt that was looked at.
    last_attempt: i64,
    next: Instant,
    /// When the file was last looked at; None at the beginning.
    looked: Option<Instant>,
}

/// Rows, and how many there were.
#[derive(Serialize)]
struct EventRows<T> {
    count: u64,
    rows: Vec<T>,
}

impl Watch {
    /// The next events, as text; none when there will be no more.
    async fn next(&mut self) -> Option<String> {
        loop {
            let mut committed = false;
            let ended = async {
                while self.listener.changed().await {
                    committed = true;
                }
            };
            if timeout_at(self.next, ended).await.is_ok() {
                return None;
            }
            self.next = Instant::now() + TICK;
            let limit = if self.looked.is_some() { AT_ONCE } else { AT_FIRST };
            let mut text = String::new();
            self.add_refused(&mut text, limit);
            if committed || self.looked.is_none_or(|looked| looked.elapsed() >= BEAT) {
                self.add_changes(&mut text, limit, committed).await?;
                self.looked = Some(Instant::now());
            }
            if !text.is_empty() {
                return self.admin.store().check().await.ok().map(|()| text);
            }
        }
    }

    fn add_refused(&mut self, text: &mut String, limit: usize) {
        let refused = self.admin.tenant().attempts.refused_since(self.last_attempt, limit);
        self.last_attempt = refused.cursor;
        add(text, "refusals", u64::try_from(refused.count).unwrap_or(u64::MAX), refused.attempts);
    }

    async fn add_changes(&mut self, text: &mut String, limit: usize, committed: bool) -> Option<()> {
        let Changes { sends, audit, cursor } = self.admin.store().changes(self.cursor, limit).await.ok()?;
        // Ids have no gaps but those of lost transactions, hence their difference counts what is not shown. At the beginning
        // nothing is counted: what was there may be a million.
        let sent = if self.looked.is_some() { cursor.sent.abs_diff(self.cursor.sent) } else { 0 };
        add(text, "sends", sent.max(sends.len() as u64), sends);
        add(text, "audit", audit.len() as u64, audit);
        self.cursor = cursor;
        // Without a commit, a comment: writing it shows whether the connection is closed.
        text.push_str(if committed { "event: committed\ndata: null\n\n" } else { ":\n\n" });
        Some(())
    }
}

/// Adds an event, unless there are no rows.
fn add<T: Serialize>(text: &mut String, event: &str, count: u64, rows: Vec<T>) {
    if rows.is_empty() {
        return;
    }
    // Rows of ours have a JSON form, without line ends; writing into a string cannot fail.
    let Ok(data) = serde_json::to_string(&EventRows { count, rows }) else { return };
    let _ = write!(text, "event: {event}\ndata: {data}\n\n");
}
