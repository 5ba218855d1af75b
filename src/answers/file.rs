//! The answers file: what differs from our answers, as `surveyd verify --save` writes it and `surveyd fake --answers` reads it.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};
use strsim::levenshtein;

use super::{
    Answers,
    case::Case,
    envelope::Layout,
    headers::HeaderChanges,
    outcome::{Answer, Content, Outcome},
    template::Template,
};
use crate::survey::json;

/// The version that this program writes, and the only one that it reads.
const VERSION: u32 = 1;

/// The file, as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswersFile {
    version: u32,
    #[serde(default)]
    layout: Layout,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, HeaderLines>,
    #[serde(default)]
    answers: BTreeMap<String, WrittenOutcome>,
    #[serde(default)]
    seen: Vec<String>,
}

/// `"accepted"`, or an answer.
enum WrittenOutcome {
    Accepted,
    Answer(WrittenAnswer),
}

/// What of an answer is written. What is left out is ours.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// The message in the envelope.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// The whole body, in place of the envelope.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, HeaderLines>,
}

/// The lines of a header: one, several, or null for none.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "a header is a string, a list of strings, or null")]
enum HeaderLines {
    None(()),
    One(String),
    Several(Vec<String>),
}

impl Answers {
    /// Reads an answers file.
    ///
    /// Errors: one sentence that names the case, the placeholder or the version, and what it must be.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Version {
            version: Option<serde_json::Value>,
        }
        let text = json::without_mark(text);
        if let Ok(Version { version }) = serde_json::from_str(text) {
            match version {
                None => return Err(format!("version is missing: it must be {VERSION}")),
                Some(version) if version.as_u64().is_some_and(|version| version > VERSION.into()) => {
                    return Err(format!(
                        "version: the file has version {version}, and this surveyd reads version {VERSION}; use a newer surveyd"
                    ));
                }
                Some(version) if version != VERSION => return Err(format!("version: must be {VERSION}")),
                Some(_) => {}
            }
        }
        let AnswersFile { layout, headers, answers, seen, .. } = json::parse(text)?;
        let mut read = Self {
            layout,
            headers: header_changes(headers).map_err(|error| format!("headers: {error}"))?,
            ..Self::default()
        };
        for (name, written) in answers {
            let case = case_named(&name).map_err(|error| format!("answers: {error}"))?;
            let outcome = written.read(case).map_err(|error| format!("answers.{name}: {error}"))?;
            if outcome != *case.standard() {
                read.changed.insert(case, outcome);
            }
        }
        read.seen = seen
            .iter()
            .map(|name| case_named(name))
            .collect::<Result<_, _>>()
            .map_err(|error| format!("seen: {error}"))?;
        Ok(read)
    }

    /// The file, as it is written: readable, and the same for the same answers.
    ///
    /// Errors: none that is known of.
    pub(crate) fn to_file(&self) -> Result<String, serde_json::Error> {
        let answers =
            self.changed.iter().map(|(case, outcome)| (case.name().to_owned(), WrittenOutcome::of(*case, outcome)));
        let file = AnswersFile {
            version: VERSION,
            layout: self.layout,
            headers: written_headers(&self.headers),
            answers: answers.collect(),
            seen: self.seen.iter().map(|case| case.name().to_owned()).collect(),
        };
        let mut text = serde_json::to_string_pretty(&file)?;
        text.push('\n');
        Ok(text)
    }
}

impl WrittenOutcome {
    fn read(self, case: Case) -> Result<Outcome, String> {
        let WrittenAnswer { status, message, body, headers } = match self {
            Self::Accepted if case.can_be_accepted() => return Ok(Outcome::Accepted),
            Self::Accepted => {
                return Err("cannot be \"accepted\", because it is not clear what the request would mean".to_owned());
            }
            Self::Answer(written) => written,
        };
        let template = |text| Template::parse(text, case.placeholders());
        let written = match (message, body) {
            (Some(_), Some(_)) => {
                return Err(
                    "message or body, not both: body is the whole body, message is what the envelope has".to_owned()
                );
            }
            (Some(message), None) => {
                Some(Content::Message(template(message).map_err(|error| format!("message: {error}"))?))
            }
            (None, Some(body)) => Some(Content::Body(template(body).map_err(|error| format!("body: {error}"))?)),
            (None, None) => None,
        };
        let status = match status {
            Some(status) if !(200..=999).contains(&status) => {
                return Err(format!("status: {status} must be 200 to 999"));
            }
            status => status,
        };
        let headers = header_changes(headers).map_err(|error| format!("headers: {error}"))?;
        let answer = match (case.standard(), status, written) {
            (Outcome::Answer(ours), status, written) => Answer {
                status: status.unwrap_or(ours.status),
                content: written.unwrap_or_else(|| ours.content.clone()),
                headers,
                can_be_accepted: ours.can_be_accepted,
            },
            (Outcome::Accepted, Some(status), Some(content)) => {
                Answer { status, content, headers, can_be_accepted: true }
            }
            (Outcome::Accepted, ..) => {
                return Err("needs a status, and a message or a body: we accept such a request".to_owned());
            }
        };
        Ok(Outcome::Answer(answer))
    }

    /// What of an outcome differs from ours.
    fn of(case: Case, outcome: &Outcome) -> Self {
        let Outcome::Answer(answer) = outcome else { return Self::Accepted };
        let ours = if let Outcome::Answer(ours) = case.standard() { Some(ours) } else { None };
        let text = Some(answer.content.template().as_str().to_owned());
        let (message, body) = match &answer.content {
            content if ours.is_some_and(|ours| ours.content == *content) => (None, None),
            Content::Message(_) => (text, None),
            Content::Body(_) => (None, text),
        };
        let status = Some(answer.status).filter(|status| ours.is_none_or(|ours| ours.status != *status));
        Self::Answer(WrittenAnswer { status, message, body, headers: written_headers(&answer.headers) })
    }
}

fn case_named(name: &str) -> Result<Case, String> {
    Case::named(name).ok_or_else(|| {
        let nearest = Case::ALL.into_iter().min_by_key(|case| levenshtein(case.name(), name));
        let meant = nearest.map_or(String::new(), |case| format!("; did you mean {}?", case.name()));
        format!("no such case: {name:?}{meant} docs/calibrating.md lists them")
    })
}

fn header_changes(written: BTreeMap<String, HeaderLines>) -> Result<HeaderChanges, String> {
    let mut changes = HeaderChanges::default();
    for (name, lines) in written {
        let lines = match lines {
            HeaderLines::None(()) => Vec::new(),
            HeaderLines::One(line) => vec![line],
            HeaderLines::Several(lines) => lines,
        };
        changes.set(&name, lines)?;
    }
    Ok(changes)
}

fn written_headers(changes: &HeaderChanges) -> BTreeMap<String, HeaderLines> {
    let written = |lines: &[String]| match lines {
        [] => HeaderLines::None(()),
        [line] => HeaderLines::One(line.clone()),
        lines => HeaderLines::Several(lines.to_vec()),
    };
    changes.iter().map(|(name, lines)| (name.to_owned(), written(lines))).collect()
}

impl Serialize for WrittenOutcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Accepted => serializer.serialize_str("accepted"),
            Self::Answer(answer) => answer.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for WrittenOutcome {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OutcomeVisitor)
    }
}

struct OutcomeVisitor;

impl<'de> Visitor<'de> for OutcomeVisitor {
    type Value = WrittenOutcome;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"accepted\", or an object with status, message, body and headers")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<WrittenOutcome, E> {
        if text == "accepted" {
            Ok(WrittenOutcome::Accepted)
        } else {
            Err(E::invalid_value(de::Unexpected::Str(text), &self))
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WrittenOutcome, A::Error> {
        WrittenAnswer::deserialize(MapAccessDeserializer::new(map)).map(WrittenOutcome::Answer)
    }
}
