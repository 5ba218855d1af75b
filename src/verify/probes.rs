//! The requests that ask for each case.

use super::request::{Authorization, Base, NO_FORM, NO_ID, Probe, Request};
use crate::answers::{
    case::Case,
    template::Placeholder::{self, Client, Form, GivenValue, Id, Key},
};

/// Rows of the server that the caller has prepared.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PreparedRows {
    pub(crate) client_with_open_thread: Option<i64>,
    /// A client whose last closed thread is in a channel that the form is not enabled for.
    pub(crate) client_in_another_channel: Option<i64>,
    pub(crate) client_without_closed_thread: Option<i64>,
    pub(crate) closed_client: Option<i64>,
    /// The closed client and the form that are really sent.
    pub(crate) send: Option<(i64, i64)>,
    pub(crate) flag_is_off: bool,
}

/// What else the caller has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OtherTokens {
    pub(crate) wrong_role: bool,
    pub(crate) expired: bool,
}

/// The request that the others are compared with: as documented, to a client that exists nowhere.
pub(super) fn base(base: Base) -> Probe {
    match base {
        Base::InternalClient => {
            probe(Case::ClientNotFound, Request::send(send_to("internalClientId", NO_ID))).with(Id, NO_ID)
        }
        Base::ExternalClient => {
            let id = format!("\"{NO_ID}\"");
            probe(Case::ExternalClientNotFound, Request::send(send_to("externalClientId", id))).with(Id, NO_ID)
        }
    }
}

/// All other requests, in the order of the table of cases.
pub(super) fn others(rows: &PreparedRows, tokens: OtherTokens) -> Vec<Probe> {
    let mut probes = callers(tokens);
    probes.extend(routes());
    probes.extend(transport());
    probes.extend(client_ids());
    probes.extend(forms());
    probes.extend(prepared(rows));
    probes
}

fn callers(tokens: OtherTokens) -> Vec<Probe> {
    let with = |case, authorization| probe(case, Request { authorization, ..documented() });
    let mut probes = vec![
        with(Case::TokenMissing, Authorization::None),
        with(Case::OtherScheme, Authorization::Literal("Basic c3VydmV5ZDp2ZXJpZnk=")),
        with(Case::TokenInvalid, Authorization::Literal("Bearer verify-no-such-token")),
        with(Case::LowerCaseScheme, Authorization::LowerCase).like(Base::InternalClient),
        with(Case::DoubledBearer, Authorization::DoubledBearer).like(Base::InternalClient),
    ];
    if tokens.expired {
        probes.push(with(Case::TokenExpired, Authorization::Expired));
    }
    if tokens.wrong_role {
        probes.push(with(Case::WrongRole, Authorization::WrongRole));
    }
    probes
}

fn routes() -> Vec<Probe> {
    const PREFLIGHT: &[(&str, &str)] = &[
        ("Origin", "https://verify.invalid"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization,content-type"),
    ];
    let without_body = |method| Request { method, body: None, content_type: None, ..documented() };
    let preflight = Request { authorization: Authorization::None, headers: PREFLIGHT, ..without_body("OPTIONS") };
    vec![
        probe(Case::UnknownPath, Request { target: "/api/v1/quality/send-to-nobody", ..documented() }),
        probe(Case::WrongMethod, without_body("GET")),
        probe(Case::Preflight, preflight),
        probe(Case::Query, Request { target: "/api/v1/quality/send?verify=1", ..documented() })
            .like(Base::InternalClient),
    ]
}

fn transport() -> Vec<Probe> {
    /// Larger than the limit of the contract.
    const PADDING: usize = 5000;
    let documented_body = send_to("internalClientId", NO_ID);
    let media = |content_type| Request { content_type, ..documented() };
    let gzip: &[(&str, &str)] = &[("Content-Encoding", "gzip")];
    let large = format!("{documented_body}{}", " ".repeat(PADDING));
    let unknown_key = documented_body.replacen('{', "{\"comment\":\"of verify\",", 1);
    let reversed = format!(r#"{{"qualityFormId":{NO_FORM},"clientId":{{"id":{NO_ID},"type":"internalClientId"}}}}"#);
    let like_base = |case, request| probe(case, request).like(Base::InternalClient);
    vec![
        like_base(Case::MediaType, media(Some("text/plain"))),
        like_base(Case::MediaTypeMissing, media(None)),
        like_base(Case::Charset, media(Some("application/json;charset=utf-8"))),
        like_base(Case::ContentEncoding, Request { headers: gzip, ..documented() }),
        like_base(Case::ChunkedBody, Request { is_chunked: true, ..documented() }),
        like_base(Case::BodyTooLarge, Request::send(large)),
        probe(Case::BodyNotUtf8, Request::send(b"{\"clientId\":\"\xff\"}".as_slice())),
        like_base(Case::ByteOrderMark, Request::send(format!("\u{feff}{documented_body}"))),
        probe(Case::BodyEmpty, Request::send("")),
        probe(Case::BodyNotJson, Request::send("{\"clientId\":")),
        probe(Case::BodyNotObject, Request::send("[]")),
        like_base(Case::UnknownKey, Request::send(unknown_key)).with(Key, "comment"),
        like_base(Case::KeyOrder, Request::send(reversed)),
    ]
}

fn client_ids() -> Vec<Probe> {
    /// Exact in a number with a fraction, too.
    const EVEN_ID: i64 = NO_ID + 1;
    let send = |client_id: &str| Request::send(format!(r#"{{"clientId":{client_id},"qualityFormId":{NO_FORM}}}"#));
    let usual = format!(r#"{{"type":"internalClientId","id":{NO_ID}}}"#);
    let with_type = |written: &str| send(&format!(r#"{{{written}"id":{NO_ID}}}"#));
    let with_id = |written: &str| send(&format!(r#"{{"type":"internalClientId"{written}}}"#));
    let external = |id: &str| send(&format!(r#"{{"type":"externalClientId","id":{id}}}"#));
    let twice = format!(r#"{{"clientId":{{"type":"threadId","id":1}},"clientId":{usual},"qualityFormId":{NO_FORM}}}"#);
    let long = "9".repeat(256);
    let like_base = |case, request| probe(case, request).like(Base::InternalClient);
    let like_external = |case, request| probe(case, request).like(Base::ExternalClient);
    vec![
        probe(Case::ClientIdMissing, Request::send(format!(r#"{{"qualityFormId":{NO_FORM}}}"#))),
        probe(Case::ClientIdNull, send("null")),
        probe(Case::ClientIdNotObject, send(&NO_ID.to_string())),
        like_base(Case::ClientIdRepeated, Request::send(twice)),
        like_base(Case::TypeMissing, with_type("")),
        like_base(Case::TypeNull, with_type("\"type\":null,")),
        probe(Case::TypeNotString, with_type("\"type\":1,")),
        like_base(Case::TypeUnknown, with_type("\"type\":\"telepathy\",")).with(GivenValue, "telepathy"),
        like_base(Case::TypeRepeated, with_type("\"type\":\"threadId\",\"type\":\"internalClientId\",")),
        probe(Case::IdMissing, with_id("")),
        probe(Case::IdNull, with_id(",\"id\":null")),
        like_base(Case::IdQuoted, with_id(&format!(",\"id\":\"{NO_ID}\""))).with(GivenValue, NO_ID),
        probe(Case::IdText, with_id(",\"id\":\"nobody\"")).with(GivenValue, "nobody"),
        like_base(Case::IdFraction, with_id(&format!(",\"id\":{EVEN_ID}.0"))).with(Id, EVEN_ID),
        probe(Case::IdOutOfRange, with_id(",\"id\":92233720368547758070")),
        probe(Case::IdOtherType, with_id(",\"id\":true")),
        like_base(Case::IdRepeated, with_id(&format!(",\"id\":{EVEN_ID},\"id\":{NO_ID}"))),
        like_external(Case::ExternalIdNumber, external(&NO_ID.to_string())).with(GivenValue, NO_ID),
        like_external(Case::ExternalIdEmpty, external("\"\"")).with(Id, ""),
        like_external(Case::ExternalIdTooLong, external(&format!("\"{long}\""))).with(Id, long),
    ]
}

fn forms() -> Vec<Probe> {
    const EVEN_FORM: i64 = NO_FORM + 1;
    let send =
        |form: &str| Request::send(format!(r#"{{"clientId":{{"type":"internalClientId","id":{NO_ID}}}{form}}}"#));
    let form = |form: &str| send(&format!(",\"qualityFormId\":{form}"));
    let twice = format!(",\"qualityFormId\":{EVEN_FORM},\"qualityFormId\":{NO_FORM}");
    let like_base = |case, request| probe(case, request).like(Base::InternalClient);
    vec![
        probe(Case::FormMissing, send("")),
        probe(Case::FormNull, form("null")),
        like_base(Case::FormQuoted, form(&format!("\"{NO_FORM}\""))).with(GivenValue, NO_FORM),
        probe(Case::FormText, form("\"none\"")).with(GivenValue, "none"),
        like_base(Case::FormFraction, form(&format!("{EVEN_FORM}.0"))),
        probe(Case::FormOutOfRange, form("92233720368547758070")),
        probe(Case::FormOtherType, form("true")),
        like_base(Case::FormRepeated, send(&twice)),
    ]
}

/// The rules: an unknown thread, and what the caller has prepared.
fn prepared(rows: &PreparedRows) -> Vec<Probe> {
    let thread = Request::send(send_to("threadId", NO_ID));
    let mut probes = vec![probe(Case::ThreadNotFound, thread).with(Id, NO_ID)];
    if rows.flag_is_off {
        // No rule about a row is reached.
        return Vec::new();
    }
    let about = |case, client: i64, form: i64| {
        let body = format!(r#"{{"clientId":{{"type":"internalClientId","id":{client}}},"qualityFormId":{form}}}"#);
        let probe = probe(case, Request::send(body)).with(Client, client).with(Form, form);
        Probe { is_about_a_row: true, ..probe }
    };
    // With a form that exists nowhere nothing can be sent, whatever the row.
    probes.extend(rows.client_with_open_thread.map(|client| about(Case::OpenThread, client, NO_FORM)));
    probes.extend(rows.client_without_closed_thread.map(|client| about(Case::NoClosedThread, client, NO_FORM)));
    match (rows.client_in_another_channel, rows.send) {
        (Some(client), Some((_, form))) => probes.push(Probe {
            sends: Some("sends a survey if the form is enabled for the client's channel after all"),
            ..about(Case::FormNotEnabled, client, form)
        }),
        (client, _) => {
            let client = client.or(rows.closed_client);
            probes.extend(client.map(|client| about(Case::FormNotEnabled, client, NO_FORM)));
        }
    }
    if let Some((client, form)) = rows.send {
        probes.push(Probe { sends: Some("sends a survey"), ..about(Case::Sent, client, form) });
    }
    probes
}

/// Why a case is not asked.
pub(super) fn why_not(case: Case, flag_is_off: bool) -> &'static str {
    match case {
        Case::WrongRole => "give --wrong-role-token-file",
        Case::TokenExpired => "give --expired-token-file",
        Case::FlagOff => "the flag is on; turn it off for a while, and give --flag-is-off",
        _ if flag_is_off => "surveys via the external API are off",
        Case::OpenThread => "give --client-with-open-thread",
        Case::NoClosedThread => "give --client-without-closed-thread",
        Case::FormNotEnabled => "give --closed-client or --client-in-another-channel",
        Case::Sent => "give --send, --closed-client and --form",
        _ => "it was not reached",
    }
}

fn probe(case: Case, request: Request) -> Probe {
    Probe { case, request, base: None, values: Vec::new(), is_about_a_row: false, sends: None }
}

/// The body of a send as it is documented.
fn send_to(kind: &str, id: impl std::fmt::Display) -> String {
    format!(r#"{{"clientId":{{"type":"{kind}","id":{id}}},"qualityFormId":{NO_FORM}}}"#)
}

fn documented() -> Request {
    Request::send(send_to("internalClientId", NO_ID))
}

impl Probe {
    fn with(mut self, placeholder: Placeholder, value: impl ToString) -> Self {
        self.values.retain(|(known, _)| *known != placeholder);
        self.values.push((placeholder, value.to_string()));
        self
    }

    /// Accepted if it is answered as that request.
    fn like(self, base: Base) -> Self {
        Self { base: Some(base), ..self }.with(Id, NO_ID)
    }
}
