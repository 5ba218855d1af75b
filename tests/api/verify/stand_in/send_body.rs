//! What a body asks for, read with serde_json.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

use super::{Behaviour, decide::Decision};

/// Whom a survey is for.
pub enum Target {
    Client(i64),
    External(String),
    Thread(i64),
}

/// The keys of an object with their texts, in their order, the repeated ones, too.
struct Entries(Vec<(String, Box<RawValue>)>);

/// A field, with what the contract says of it.
#[derive(Clone, Copy)]
struct Field {
    /// Its name in the names of cases.
    path: &'static str,
    key: &'static str,
    expected: &'static str,
}

const CLIENT_ID: Field = Field { path: "clientId", key: "clientId", expected: "an object with type and id" };
const TYPE: Field =
    Field { path: "clientId.type", key: "type", expected: "one of internalClientId, externalClientId, threadId" };
const ID: Field = Field { path: "clientId.id", key: "id", expected: "a 64-bit integer" };
const EXTERNAL_ID: Field = Field { expected: "a string of 1 to 255 characters", ..ID };
const FORM: Field = Field { path: "qualityFormId", key: "qualityFormId", expected: "a 64-bit integer" };

impl Field {
    /// The decision that something is wrong with this field.
    fn wrong(self, what: &str) -> Decision {
        self.wrong_case(&format!("{}.{what}", self.path))
    }

    fn wrong_case(self, case: &str) -> Decision {
        Decision::of(case).value("field", self.path).value("expected", self.expected)
    }
}

impl Behaviour {
    /// The target and the form that a text asks for.
    ///
    /// Errors: what is wrong with it.
    pub(super) fn parse(&self, text: &str) -> Result<(Target, i64), Decision> {
        if let Err(error) = serde_json::from_str::<Value>(text) {
            let case = if text.is_empty() { "bodyEmpty" } else { "bodyNotJson" };
            return Err(Decision::of(case).value("problem", error));
        }
        let body = object(text).ok_or_else(|| Decision::of("bodyNotObject"))?;
        self.check_keys(&body, [CLIENT_ID, FORM])?;
        let client_id = self.field(&body, CLIENT_ID)?;
        let Some(client_id) = object(&client_id) else {
            return Err(CLIENT_ID.wrong(if client_id == "null" { "null" } else { "notObject" }));
        };
        self.check_keys(&client_id, [TYPE, ID])?;
        let target = match &*self.kind(&client_id)? {
            "externalClientId" => Target::External(self.external_id(&client_id)?),
            "threadId" => Target::Thread(self.integer(&self.field(&client_id, ID)?, ID)?),
            _ => Target::Client(self.integer(&self.field(&client_id, ID)?, ID)?),
        };
        Ok((target, self.integer(&self.field(&body, FORM)?, FORM)?))
    }

    fn kind(&self, client_id: &Entries) -> Result<String, Decision> {
        let wrong = match self.field(client_id, TYPE) {
            Ok(text) if text == "null" => TYPE.wrong("null"),
            Ok(text) => match string(&text) {
                Some(kind) if ["internalClientId", "externalClientId", "threadId"].contains(&&*kind) => {
                    return Ok(kind);
                }
                Some(kind) => TYPE.wrong("unknown").value("value", kind),
                None => TYPE.wrong("notString"),
            },
            Err(wrong) => wrong,
        };
        if self.accepts(wrong.case) { Ok("internalClientId".to_owned()) } else { Err(wrong) }
    }

    fn external_id(&self, client_id: &Entries) -> Result<String, Decision> {
        let field = EXTERNAL_ID;
        let text = self.field(client_id, field)?;
        let (wrong, id) = match string(&text) {
            Some(id) if id.is_empty() => (field.wrong_case("externalId.empty"), id),
            Some(id) if id.chars().count() > 255 => (field.wrong_case("externalId.tooLong"), id),
            Some(id) => return Ok(id),
            None if text.parse::<i64>().is_ok() => (field.wrong_case("externalId.number").value("value", &text), text),
            None => return Err(field.wrong(if text == "null" { "null" } else { "otherType" })),
        };
        if self.accepts(wrong.case) { Ok(id) } else { Err(wrong) }
    }

    fn integer(&self, text: &str, field: Field) -> Result<i64, Decision> {
        let (wrong, number) = if let Some(quoted) = string(text) {
            let number = quoted.parse().ok();
            (field.wrong(if number.is_some() { "quoted" } else { "text" }).value("value", quoted), number)
        } else if text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
            if let Ok(number) = text.parse() {
                return Ok(number);
            }
            let whole = text.split_once('.').and_then(|(whole, _)| whole.parse().ok());
            (field.wrong(if whole.is_some() { "fraction" } else { "outOfRange" }), whole)
        } else {
            (field.wrong(if text == "null" { "null" } else { "otherType" }), None)
        };
        number.filter(|_| self.accepts(wrong.case)).ok_or(wrong)
    }

    /// The text of a field.
    fn field(&self, object: &Entries, field: Field) -> Result<String, Decision> {
        let mut texts = object.0.iter().filter(|(key, _)| key == field.key).map(|(_, text)| text.get());
        match (texts.next(), texts.next_back()) {
            (None, _) => Err(field.wrong("missing")),
            (Some(text), None) => Ok(text.to_owned()),
            (Some(_), Some(last)) => {
                let wrong = field.wrong("repeated");
                if self.accepts(wrong.case) { Ok(last.to_owned()) } else { Err(wrong) }
            }
        }
    }

    fn check_keys(&self, object: &Entries, known: [Field; 2]) -> Result<(), Decision> {
        let position = |key: &str| known.iter().position(|field| field.key == key);
        let unknown = object.0.iter().find(|(key, _)| position(key).is_none());
        if let Some((key, _)) = unknown.filter(|_| !self.accepts("unknownKey")) {
            return Err(Decision::of("unknownKey").value("key", key));
        }
        let order: Vec<_> = object.0.iter().filter_map(|(key, _)| position(key)).collect();
        if order == [1, 0] && !self.accepts("keyOrder") { Err(Decision::of("keyOrder")) } else { Ok(()) }
    }
}

fn object(text: &str) -> Option<Entries> {
    serde_json::from_str(text).ok()
}

fn string(text: &str) -> Option<String> {
    serde_json::from_str(text).ok()
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;

        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(EntriesVisitor)
    }
}
