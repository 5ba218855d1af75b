//! The contract, written a second time: each case with its status and its message. Values stand between `‹` and `›`, which no
//! message of a test has otherwise.

const MISSING: &str = "‹field› is missing: it must be ‹expected›";
const REPEATED: &str = "‹field› is given more than once";
const INVALID: &str = "‹field› must be ‹expected›";
const NO_TOKEN: &str = "Token is missing: send it as \"Authorization: Bearer <token>\"";
const METHOD: &str = "Method not allowed; this path takes ‹allow›";
const TYPE: &str = "Content-Type must be application/json";

/// The cases that are answered.
pub const CONTRACT: [(&str, u16, &str); 51] = [
    ("tokenMissing", 401, NO_TOKEN),
    ("otherScheme", 401, NO_TOKEN),
    ("tokenInvalid", 401, "Token is invalid"),
    ("tokenExpired", 401, "Token is expired"),
    ("wrongRole", 403, "Role ‹role› may not do this; it takes INTEGRATOR, OPERATOR or SUPERVISOR"),
    ("unknownPath", 404, "No such path"),
    ("wrongMethod", 405, METHOD),
    ("preflight", 405, METHOD),
    ("mediaType", 415, TYPE),
    ("mediaTypeMissing", 415, TYPE),
    ("contentEncoding", 415, "Content-Encoding must be identity"),
    ("bodyTooLarge", 413, "The body is too large: it may have ‹limit› bytes"),
    ("bodyNotUtf8", 400, "The body is not UTF-8: see its byte ‹byte›"),
    ("bodyEmpty", 400, "The body is not JSON: ‹problem›"),
    ("bodyNotJson", 400, "The body is not JSON: ‹problem›"),
    ("bodyNotObject", 400, "The body must be a JSON object"),
    ("clientId.missing", 400, MISSING),
    ("clientId.null", 400, INVALID),
    ("clientId.notObject", 400, INVALID),
    ("clientId.repeated", 400, REPEATED),
    ("clientId.type.missing", 400, MISSING),
    ("clientId.type.null", 400, INVALID),
    ("clientId.type.notString", 400, INVALID),
    ("clientId.type.unknown", 400, INVALID),
    ("clientId.type.repeated", 400, REPEATED),
    ("clientId.id.missing", 400, MISSING),
    ("clientId.id.null", 400, INVALID),
    ("clientId.id.quoted", 400, INVALID),
    ("clientId.id.text", 400, INVALID),
    ("clientId.id.fraction", 400, INVALID),
    ("clientId.id.outOfRange", 400, INVALID),
    ("clientId.id.otherType", 400, INVALID),
    ("clientId.id.repeated", 400, REPEATED),
    ("externalId.number", 400, INVALID),
    ("externalId.empty", 400, INVALID),
    ("externalId.tooLong", 400, INVALID),
    ("qualityFormId.missing", 400, MISSING),
    ("qualityFormId.null", 400, INVALID),
    ("qualityFormId.quoted", 400, INVALID),
    ("qualityFormId.text", 400, INVALID),
    ("qualityFormId.fraction", 400, INVALID),
    ("qualityFormId.outOfRange", 400, INVALID),
    ("qualityFormId.otherType", 400, INVALID),
    ("qualityFormId.repeated", 400, REPEATED),
    ("flagOff", 409, "Sending surveys via external api is disabled"),
    ("clientNotFound", 404, "Client ‹id› not found"),
    ("externalClientNotFound", 404, "Client \"‹id›\" not found"),
    ("threadNotFound", 404, "Thread ‹id› not found"),
    ("openThread", 409, "Client has open thread"),
    ("noClosedThread", 409, "Client has no closed thread"),
    ("formNotEnabled", 409, "Cannot send form ‹form› to thread ‹thread›"),
];

/// The cases that are accepted.
pub const ACCEPTED: [&str; 8] =
    ["lowerCaseScheme", "doubledBearer", "query", "charset", "chunkedBody", "byteOrderMark", "unknownKey", "keyOrder"];

/// The cases of [`CONTRACT`] that other servers may accept.
pub const OFTEN_ACCEPTED: [&str; 18] = [
    "mediaType",
    "mediaTypeMissing",
    "contentEncoding",
    "bodyTooLarge",
    "clientId.repeated",
    "clientId.type.missing",
    "clientId.type.null",
    "clientId.type.unknown",
    "clientId.type.repeated",
    "clientId.id.quoted",
    "clientId.id.fraction",
    "clientId.id.repeated",
    "externalId.number",
    "externalId.empty",
    "externalId.tooLong",
    "qualityFormId.quoted",
    "qualityFormId.fraction",
    "qualityFormId.repeated",
];

/// The status and the message of a case. An empty message is an answer without a body.
pub fn answer(case: &str) -> (u16, &'static str) {
    let row = CONTRACT.iter().find(|(name, ..)| *name == case);
    row.map_or((200, ""), |&(_, status, message)| (status, message))
}

pub fn is_case(name: &str) -> bool {
    name == "sent" || ACCEPTED.contains(&name) || CONTRACT.iter().any(|(case, ..)| *case == name)
}
