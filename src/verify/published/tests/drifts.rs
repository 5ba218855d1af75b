//! Documents that drifted from the published facts, each by one change.

use serde_json::{Value, json};

use super::{inlined, remove};

/// Calls, as JSON pointers.
const SEND: &str = "/paths/~1api~1v1~1quality~1send/post";
const LOGIN: &str = "/paths/~1api~1auth~1login/post";
const QUALITY: &str = "/paths/~1api~1v1~1quality/post";
const THREAD: &str = "/paths/~1api~1v1~1threads~1{id}/get";
const THREADS: &str = "/paths/~1api~1v1~1threads/get";
const CLIENTS: &str = "/paths/~1api~1v1~1clients~1short-info/post";

/// Parts of a call.
const REQUEST: &str = "/requestBody/content/application~1json/schema";
const TARGET: &str = "/requestBody/content/application~1json/schema/properties/clientId/oneOf";
const OK: &str = "/responses/200/content/application~1json/schema";
const CONFLICT: &str = "/responses/409/content/application~1json";

/// What was changed, in words, and the document after it.
pub(super) fn all() -> Vec<(String, Value)> {
    let document = inlined();
    let without = REMOVED.iter().map(|(call, part)| {
        let mut changed = document.clone();
        remove(&mut changed, &format!("{call}{part}"));
        (format!("without {}", readable(&format!("{call}{part}"))), changed)
    });
    let with = changes().into_iter().map(|(call, part, value)| {
        let mut changed = document.clone();
        let text = format!("{} = {value}", readable(&format!("{call}{part}")));
        let (parent, name) = part.rsplit_once('/').expect("a pointer");
        changed.pointer_mut(&format!("{call}{parent}")).expect(&text)[name.replace("~1", "/")] = value;
        (text, changed)
    });
    without.chain(with).collect()
}

/// A JSON pointer without its escapes.
fn readable(pointer: &str) -> String {
    pointer.replace("~1", "/").replacen("/paths//", "/", 1)
}

const REMOVED: &[(&str, &str)] = &[
    ("/paths/~1api~1v1~1quality~1send", ""),
    (QUALITY, ""),
    (SEND, "/x-roles"),
    (SEND, "/x-roles/2"),
    (SEND, "/security"),
    (THREADS, "/parameters/0"),
    // Requests.
    (SEND, "/requestBody"),
    (CLIENTS, "/requestBody/content"),
    (SEND, "/requestBody/content/application~1json/examples/1"),
    (SEND, "/requestBody/content/application~1json/schema/properties/qualityFormId"),
    (SEND, "/requestBody/content/application~1json/schema/properties/clientId"),
    (QUALITY, "/requestBody/content/application~1json/schema/properties/question/properties/kpi"),
    (LOGIN, "/requestBody/content/application~1json/schema/required/1"),
    (LOGIN, "/requestBody/content/application~1json/schema/properties/locale"),
    // Responses.
    (SEND, "/responses/409"),
    (LOGIN, "/responses/200"),
    (THREAD, "/responses/401"),
    (SEND, "/responses/409/x-edna-documented"),
    (SEND, "/responses/409/headers/Vary"),
    (SEND, "/responses/409/headers/Vary/x-lines/1"),
    (QUALITY, "/responses/200/headers"),
    (LOGIN, "/responses/200/headers/Authorization"),
    (SEND, "/responses/409/content"),
    (SEND, "/responses/409/content/application~1json/examples/2"),
    (SEND, "/responses/409/content/application~1json/schema/properties/code"),
    (THREAD, "/responses/200/content/application~1json/schema/properties/threadUrl"),
    (THREADS, "/responses/200/content/application~1json/schema/items/properties/status/enum/2"),
    (THREADS, "/responses/200/content/application~1json/schema/items/properties/status/enum"),
    (CLIENTS, "/responses/200/content/application~1json/schema/type"),
    // An example that is ours.
    (SEND, "/responses/409/content/application~1json/examples/4/summary"),
];

fn changes() -> Vec<(&'static str, String, Value)> {
    let path = |part: &str, rest: &str| format!("{part}{rest}");
    let refusal = |uri: &str, message: &str| {
        let value = json!({ "method": "POST", "uri": uri, "code": null, "message": message });
        json!({ "summary": "A refusal", "value": value })
    };
    let send = "/api/v1/quality/send";
    let mut longer = refusal(send, "Client has open thread");
    longer["value"]["path"] = json!(send);
    let mut chosen = refusal(send, "Client has open thread");
    chosen["summary"] = json!("An open thread (chosen)");
    vec![
        (SEND, path("", "/x-roles"), json!(["INTEGRATOR", "OPERATOR", "ADMIN"])),
        (QUALITY, path("", "/x-roles"), json!(["INTEGRATOR", "OPERATOR"])),
        (LOGIN, path("", "/security"), json!([{ "sender": [] }])),
        // Requests.
        (SEND, path("/requestBody/content", "/application~1xml"), json!({})),
        (SEND, path("/requestBody", "/content"), json!({ "text/plain": {} })),
        (SEND, path("/requestBody/content/application~1json/examples/1/value", "/qualityFormId"), json!(2)),
        (SEND, path(REQUEST, "/properties/qualityFormId/type"), json!("string")),
        (SEND, path(REQUEST, "/properties/qualityFormId/type"), json!(["integer", "string"])),
        (SEND, path(REQUEST, "/properties/qualityFormId/format"), json!("int32")),
        (SEND, path(REQUEST, "/properties/clientId"), json!({ "type": "string" })),
        (SEND, path(TARGET, "/0/properties/type/enum"), json!(["internalClientId", "threadId", "phone"])),
        (SEND, path(TARGET, "/0/properties/id/type"), json!("string")),
        (SEND, path(TARGET, "/1/properties/id/type"), json!("integer")),
        (QUALITY, path(REQUEST, "/properties/question/properties/kpi/type"), json!("integer")),
        (QUALITY, path(REQUEST, "/properties/binaryQuestion/type"), json!("string")),
        (LOGIN, path(REQUEST, "/required"), json!(["login", "password", "locale"])),
        (CLIENTS, path(REQUEST, "/properties/externalIds/type"), json!("array")),
        // Responses.
        (SEND, path("/responses/409", "/x-edna-documented"), json!(false)),
        (SEND, path("/responses/404", "/x-edna-documented"), json!(true)),
        (THREAD, path("/responses", "/410"), json!({ "x-edna-documented": true })),
        ("/paths/~1admin~1settings/get", path("/responses/200", "/x-edna-documented"), json!(true)),
        (SEND, path("/responses/409/headers/Vary", "/x-lines"), json!(["Access-Control-Request-Method", "Origin"])),
        (LOGIN, path("/responses/200/headers/Authorization/schema", "/pattern"), json!("^Bearer [^ ]+$")),
        (SEND, path("/responses/200", "/content"), json!({ "application/json": {} })),
        (SEND, path("/responses/409/content", "/application~1json; charset=utf-8"), json!({})),
        // Examples of refusals.
        (SEND, path(CONFLICT, "/examples/1"), refusal(send, "Sending surveys via external API is disabled")),
        (SEND, path(CONFLICT, "/examples/3"), refusal(send, "Cannot send form 1 to client 4")),
        (SEND, path(CONFLICT, "/examples/2"), refusal("/api/v1/quality/send?x", "Client has open thread")),
        (SEND, path(CONFLICT, "/examples/2"), longer),
        (SEND, path(CONFLICT, "/examples/2"), chosen),
        (SEND, path(CONFLICT, "/examples/5"), refusal(send, "Client is closed")),
        (SEND, path(CONFLICT, "/schema/properties/code/type"), json!("string")),
        (SEND, path(CONFLICT, "/schema/properties/path"), json!({ "type": "string" })),
        // Fields of answers.
        (LOGIN, path(OK, "/properties/login/type"), json!("string")),
        (LOGIN, path(OK, "/properties/token/pattern"), json!("^surveyd_")),
        (LOGIN, path(OK, "/properties/role/enum"), json!(["INTEGRATOR", "ADMIN"])),
        (THREAD, path(OK, "/properties/status/enum"), json!(["NEW", "CLOSED"])),
        (THREAD, path(OK, "/properties/channel/type"), json!("object")),
        (THREAD, path(OK, "/properties/agent"), json!({ "type": "string" })),
        (THREADS, path(OK, "/type"), json!("object")),
        (CLIENTS, path(OK, "/items/properties/id/type"), json!("string")),
        (CLIENTS, path(OK, "/items/properties/hasActiveThread/type"), json!("integer")),
    ]
}
