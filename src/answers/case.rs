//! The cases: everything that a call of the vendor's API can come to, each with our answer.

use super::{
    outcome::{Outcome, accept, answer, answer_or_accept, empty},
    template::Placeholder::{
        self, Allow, Byte, Client, Expected, Form, GivenValue, Id, Key, Limit, Problem, Role, Roles, Thread,
    },
};

/// Where an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The vendor has published it.
    Documented,
    /// The vendor has published the status and no message.
    StatusDocumented,
    /// Nothing is published: it is our choice.
    Chosen,
}

impl Source {
    /// The name in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::StatusDocumented => "statusDocumented",
            Self::Chosen => "chosen",
        }
    }
}

/// Declares the cases and [`Case::ALL`], so that neither can lack one.
macro_rules! cases {
    ($($(#[doc = $doc:literal])+ $case:ident $name:literal $source:ident $outcome:expr, [$($placeholder:ident),*];)*) => {
        /// What a call came to. Its name is its key in an answers file.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Case {
            $($(#[doc = $doc])+ $case,)*
        }

        impl Case {
            /// Every case, in the order of the table.
            pub(crate) const ALL: [Self; [$(Self::$case),*].len()] = [$(Self::$case),*];

            /// The name in answers files and reports.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$case => $name,)* }
            }

            /// What happened, in one sentence.
            pub(crate) fn description(self) -> &'static str {
                match self { $(Self::$case => concat!($($doc),+).trim_ascii(),)* }
            }

            pub(crate) fn source(self) -> Source {
                match self { $(Self::$case => Source::$source,)* }
            }

            /// The answer of the contract.
            pub(crate) fn standard(self) -> &'static Outcome {
                static STANDARD: [Outcome; Case::ALL.len()] = [$($outcome),*];
                &STANDARD[self as usize]
            }

            /// The placeholders that its answer can have, besides those that every answer can have.
            pub(crate) fn placeholders(self) -> &'static [Placeholder] {
                match self { $(Self::$case => &[$($placeholder),*],)* }
            }
        }
    };
}

cases! {
    /// The call has no token.
    TokenMissing "tokenMissing" Chosen answer(401, "Token is missing: send it as \"Authorization: Bearer <token>\""), [];
    /// The call has credentials of another scheme than Bearer.
    OtherScheme "otherScheme" Chosen answer(401, "Token is missing: send it as \"Authorization: Bearer <token>\""), [];
    /// The token is malformed, unknown or revoked.
    TokenInvalid "tokenInvalid" Chosen answer(401, "Token is invalid"), [];
    /// The token has expired.
    TokenExpired "tokenExpired" StatusDocumented answer(401, "Token is expired"), [];
    /// The role of the token may not make this call.
    WrongRole "wrongRole" Chosen answer(403, "Role {role} may not do this; it takes {roles}"), [Role, Roles];
    /// The scheme is written `bearer`.
    LowerCaseScheme "lowerCaseScheme" Chosen accept(), [];
    /// The scheme comes twice, as the vendor's login returns it.
    DoubledBearer "doubledBearer" Documented accept(), [];

    /// No call has this path.
    UnknownPath "unknownPath" Chosen answer(404, "No such path"), [];
    /// The path takes other methods.
    WrongMethod "wrongMethod" Chosen answer(405, "Method not allowed; this path takes {allow}"), [Allow];
    /// A browser asks whether a page of another origin may make the call.
    Preflight "preflight" Chosen answer(405, "Method not allowed; this path takes {allow}"), [Allow];
    /// The address has a query.
    Query "query" Chosen accept(), [];

    /// The body is of another media type than application/json.
    MediaType "mediaType" Chosen answer_or_accept(415, "Content-Type must be application/json"), [];
    /// The body has no media type.
    MediaTypeMissing "mediaTypeMissing" Chosen answer_or_accept(415, "Content-Type must be application/json"), [];
    /// The media type names a charset.
    Charset "charset" Chosen accept(), [];
    /// The body has a Content-Encoding.
    ContentEncoding "contentEncoding" Chosen answer_or_accept(415, "Content-Encoding must be identity"), [];
    /// The body comes in chunks.
    ChunkedBody "chunkedBody" Chosen accept(), [];
    /// The body is larger than 4 KiB.
    BodyTooLarge "bodyTooLarge" Chosen answer_or_accept(413, "The body is too large: it may have {limit} bytes"), [Limit];
    /// The body is not UTF-8.
    BodyNotUtf8 "bodyNotUtf8" Chosen answer(400, "The body is not UTF-8: see its byte {byte}"), [Byte];
    /// The body begins with a byte-order mark.
    ByteOrderMark "byteOrderMark" Chosen accept(), [];
    /// The body is empty.
    BodyEmpty "bodyEmpty" Chosen answer(400, "The body is not JSON: {problem}"), [Problem];
    /// The body is not JSON.
    BodyNotJson "bodyNotJson" Chosen answer(400, "The body is not JSON: {problem}"), [Problem];
    /// The body is JSON and no object.
    BodyNotObject "bodyNotObject" Chosen answer(400, "The body must be a JSON object"), [];
    /// The body has a key that is not documented.
    UnknownKey "unknownKey" Chosen accept(), [Key];
    /// The keys have another order than in the vendor's example.
    KeyOrder "keyOrder" Chosen accept(), [];

    /// clientId is missing.
    ClientIdMissing "clientId.missing" Chosen answer(400, "clientId is missing: it must be an object with type and id"), [];
    /// clientId is null.
    ClientIdNull "clientId.null" Chosen answer(400, "clientId must be an object with type and id"), [];
    /// clientId is no object.
    ClientIdNotObject "clientId.notObject" Chosen answer(400, "clientId must be an object with type and id"), [];
    /// clientId is given twice. Accepted means that the last one counts.
    ClientIdRepeated "clientId.repeated" Chosen answer_or_accept(400, "clientId is given more than once"), [];
    /// clientId.type is missing. Accepted means that the id is that of an internal client.
    TypeMissing "clientId.type.missing" Chosen answer_or_accept(400, "clientId.type is missing: it must be one of internalClientId, externalClientId, threadId"), [];
    /// clientId.type is null. Accepted means that the id is that of an internal client.
    TypeNull "clientId.type.null" Chosen answer_or_accept(400, "clientId.type must be one of internalClientId, externalClientId, threadId"), [];
    /// clientId.type is no string.
    TypeNotString "clientId.type.notString" Chosen answer(400, "clientId.type must be one of internalClientId, externalClientId, threadId"), [];
    /// clientId.type is none of the three. Accepted means that the id is that of an internal client.
    TypeUnknown "clientId.type.unknown" Chosen answer_or_accept(400, "clientId.type must be one of internalClientId, externalClientId, threadId"), [GivenValue];
    /// clientId.type is given twice. Accepted means that the last one counts.
    TypeRepeated "clientId.type.repeated" Chosen answer_or_accept(400, "clientId.type is given more than once"), [];
    /// clientId.id is missing.
    IdMissing "clientId.id.missing" Chosen answer(400, "clientId.id is missing: it must be {expected}"), [Expected];
    /// clientId.id is null.
    IdNull "clientId.id.null" Chosen answer(400, "clientId.id must be {expected}"), [Expected];
    /// clientId.id is an integer in quotes.
    IdQuoted "clientId.id.quoted" Chosen answer_or_accept(400, "clientId.id must be a 64-bit integer"), [GivenValue];
    /// clientId.id is a text that is no integer.
    IdText "clientId.id.text" Chosen answer(400, "clientId.id must be a 64-bit integer"), [GivenValue];
    /// clientId.id is a number with a fraction. Accepted means that the fraction is cut off.
    IdFraction "clientId.id.fraction" Chosen answer_or_accept(400, "clientId.id must be a 64-bit integer"), [];
    /// clientId.id is an integer of more than 64 bits.
    IdOutOfRange "clientId.id.outOfRange" Chosen answer(400, "clientId.id must be a 64-bit integer"), [];
    /// clientId.id is neither a number nor a text.
    IdOtherType "clientId.id.otherType" Chosen answer(400, "clientId.id must be {expected}"), [Expected];
    /// clientId.id is given twice. Accepted means that the last one counts.
    IdRepeated "clientId.id.repeated" Chosen answer_or_accept(400, "clientId.id is given more than once"), [];
    /// The id of an external client is an integer. Accepted means that it is read as its digits.
    ExternalIdNumber "externalId.number" Chosen answer_or_accept(400, "clientId.id must be a string of 1 to 255 characters"), [GivenValue];
    /// The id of an external client is empty. Accepted means that no client has it.
    ExternalIdEmpty "externalId.empty" Chosen answer_or_accept(400, "clientId.id must be a string of 1 to 255 characters"), [];
    /// The id of an external client is longer than 255 characters. Accepted means that no client has it.
    ExternalIdTooLong "externalId.tooLong" Chosen answer_or_accept(400, "clientId.id must be a string of 1 to 255 characters"), [];
    /// qualityFormId is missing.
    FormMissing "qualityFormId.missing" Chosen answer(400, "qualityFormId is missing: it must be a 64-bit integer"), [];
    /// qualityFormId is null.
    FormNull "qualityFormId.null" Chosen answer(400, "qualityFormId must be a 64-bit integer"), [];
    /// qualityFormId is an integer in quotes.
    FormQuoted "qualityFormId.quoted" Chosen answer_or_accept(400, "qualityFormId must be a 64-bit integer"), [GivenValue];
    /// qualityFormId is a text that is no integer.
    FormText "qualityFormId.text" Chosen answer(400, "qualityFormId must be a 64-bit integer"), [GivenValue];
    /// qualityFormId is a number with a fraction. Accepted means that the fraction is cut off.
    FormFraction "qualityFormId.fraction" Chosen answer_or_accept(400, "qualityFormId must be a 64-bit integer"), [];
    /// qualityFormId is an integer of more than 64 bits.
    FormOutOfRange "qualityFormId.outOfRange" Chosen answer(400, "qualityFormId must be a 64-bit integer"), [];
    /// qualityFormId is neither a number nor a text.
    FormOtherType "qualityFormId.otherType" Chosen answer(400, "qualityFormId must be a 64-bit integer"), [];
    /// qualityFormId is given twice. Accepted means that the last one counts.
    FormRepeated "qualityFormId.repeated" Chosen answer_or_accept(400, "qualityFormId is given more than once"), [];

    /// Surveys via the external API are off.
    FlagOff "flagOff" Documented answer(409, "Sending surveys via external api is disabled"), [];
    /// No client has this internal id.
    ClientNotFound "clientNotFound" Chosen answer(404, "Client {id} not found"), [Id];
    /// No client has this external id.
    ExternalClientNotFound "externalClientNotFound" Chosen answer(404, "Client \"{id}\" not found"), [Id];
    /// No thread has this id.
    ThreadNotFound "threadNotFound" Chosen answer(404, "Thread {id} not found"), [Id];
    /// The client has a thread that is not CLOSED.
    OpenThread "openThread" Documented answer(409, "Client has open thread"), [Client];
    /// The client has no closed thread.
    NoClosedThread "noClosedThread" Chosen answer(409, "Client has no closed thread"), [Client];
    /// The form is not enabled for the channel of the thread.
    FormNotEnabled "formNotEnabled" Documented answer(409, "Cannot send form {form} to thread {thread}"), [Form, Thread, Client];
    /// The survey is sent.
    Sent "sent" Documented empty(200), [];
}

impl Case {
    /// The case of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|case| case.name() == name)
    }

    /// The status of the contract; 200 for what is accepted.
    pub(crate) fn status(self) -> u16 {
        if let Outcome::Answer(answer) = self.standard() { answer.status } else { 200 }
    }

    /// The value of `WWW-Authenticate`. Source: RFC 6750, section 3.1: no `error` if no token came, or another scheme.
    pub(crate) fn challenge(self) -> Option<&'static str> {
        match self {
            Self::TokenMissing | Self::OtherScheme => Some("Bearer"),
            Self::TokenInvalid | Self::TokenExpired => Some("Bearer error=\"invalid_token\""),
            Self::WrongRole => Some("Bearer error=\"insufficient_scope\""),
            _ => None,
        }
    }

    /// Whether an answers file may say that the request is accepted.
    pub(crate) fn can_be_accepted(self) -> bool {
        match self.standard() {
            Outcome::Accepted => true,
            Outcome::Answer(answer) => answer.can_be_accepted,
        }
    }
}
