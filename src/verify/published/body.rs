//! Claims about whole bodies: media type, samples, and their length.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    claim::{Claims, existing, join, operation},
    facts::{Call, Sample},
    samples,
    schema::Schema,
};

const JSON: &str = "application/json";

/// The request of a call, or one of its responses.
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) call: &'a Call,
    /// Nothing for the request.
    pub(super) status: Option<&'a str>,
    pub(super) is_array: bool,
}

impl Message<'_> {
    /// Its name in the location of a difference.
    pub(super) fn name(self) -> String {
        self.status.map_or_else(|| "request".to_owned(), |status| format!("response {status}"))
    }

    /// What the document has for it.
    pub(super) fn find(self, document: &Value) -> Option<&Value> {
        let operation = operation(document, self.call);
        existing(self.status.map_or(&operation["requestBody"], |status| &operation["responses"][status]))
    }

    fn body(self, document: &Value) -> Option<&Value> {
        existing(&self.find(document)?["content"][JSON])
    }

    /// The schema of the object, or of an element of the array.
    pub(super) fn schema(self, document: &Value) -> Schema<'_> {
        let schema = Schema::new(document, self.body(document).map_or(&Value::Null, |body| &body["schema"]));
        if self.is_array { schema.items() } else { schema }
    }
}

impl<'a> Claims<'a> {
    /// A body of JSON, and no other if the media type is published.
    pub(super) fn add_body(&mut self, message: Message<'a>, content_type: Option<&'a str>) {
        let kind = if message.is_array { "an array of objects" } else { "an object" };
        let (name, is_only) = (content_type.unwrap_or(JSON), content_type.is_some());
        self.add(&format!("{}, body", message.name()), format!("{name} with {kind}"), move |document| {
            let found = match message.find(document) {
                Some(found) => &found["content"],
                None if message.status.is_some() => return None,
                None => existing(operation(document, message.call)).map(|_| &Value::Null)?,
            };
            let media_types: Vec<_> = found.as_object().into_iter().flat_map(|all| all.keys()).collect();
            if media_types.is_empty() {
                return Some("no body".to_owned());
            } else if found.get(name).is_none() || (is_only && media_types.len() > 1) {
                return Some(join(media_types));
            }
            let schema = Schema::new(document, &found[name]["schema"]);
            let (types, items) = (schema.types(), schema.items().types());
            let is_only = |types: &BTreeSet<&str>, name| types.len() == 1 && types.contains(name);
            if message.is_array && is_only(&types, "array") {
                (!is_only(&items, "object")).then(|| format!("an array of {}", or_no_type(items)))
            } else {
                (message.is_array || !is_only(&types, "object")).then(|| or_no_type(types))
            }
        });
    }

    /// Every sample is an example of the document.
    pub(super) fn add_samples(&mut self, message: Message<'a>, published: &'a [Sample]) {
        for (index, sample) in published.iter().enumerate() {
            let part = format!("{}, example {}", message.name(), sample.name);
            self.add(&part, samples::in_words(&sample.body), move |document| {
                let examples = samples::examples(message.body(document)?);
                samples::instead(sample, samples::pair(published, &examples).found[index])
            });
        }
    }
}

fn or_no_type(types: BTreeSet<&str>) -> String {
    if types.is_empty() { "no type".to_owned() } else { join(types) }
}
