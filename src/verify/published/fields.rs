//! Claims about the fields of a body.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    body::Message,
    claim::{Claims, join},
    facts::{Field, Fields, Kind},
    schema::{Schema, type_of},
};

impl<'a> Claims<'a> {
    /// The claims about each field of a request or a response.
    pub(super) fn add_fields(&mut self, message: Message<'a>, fields: &'a Fields) {
        for (path, field) in fields {
            let (parents, name) = path.rsplit_once('.').map_or((None, path.as_str()), |(all, last)| (Some(all), last));
            self.add(&format!("{}, field {path}", message.name()), published(field), move |document| {
                let parents = parents.into_iter().flat_map(|names| names.split('.'));
                let parent = parents.fold(message.schema(document), |schema, name| schema.field(name));
                // Another claim is about the object.
                if !parent.types().contains("object") {
                    return None;
                }
                let schema = parent.field(name);
                if schema.exists() { instead(&parent, name, field) } else { Some("no such field".to_owned()) }
            });
        }
    }

    /// The sample of the page is the whole body.
    pub(super) fn add_no_other_fields(&mut self, message: Message<'a>, fields: &'a Fields) {
        self.add(&format!("{}, fields", message.name()), format!("only {}", join(fields.keys())), move |document| {
            let schema = message.schema(document);
            let others: Vec<_> = schema.fields().into_iter().filter(|name| !fields.contains_key(*name)).collect();
            (!others.is_empty()).then(|| format!("{}, too", join(others)))
        });
    }
}

/// What is published of a field, in words.
fn published(field: &Field) -> String {
    let mut words = Vec::new();
    words.extend(field.kind.map(|kind| format!("a field of type {}", kind.name())));
    words.extend(field.sample.as_ref().map(|sample| format!("a field with {sample} in a sample")));
    words.extend(field.prefix.as_ref().map(|prefix| format!("\"{prefix}…\"")));
    words.extend(field.required.map(|is_required| if is_required { "required" } else { "optional" }.to_owned()));
    words.extend(field.type_by.as_ref().map(|by| {
        let types = by.types.iter().map(|(value, kind)| format!("{} with {value}", kind.name()));
        format!("the type {}", join(types))
    }));
    if !field.values.is_empty() {
        words.push(format!("one of {}", join(&field.values)));
    }
    if words.is_empty() { "this field".to_owned() } else { words.join(", ") }
}

/// What the document has instead of a published field.
fn instead(parent: &Schema<'_>, name: &str, field: &Field) -> Option<String> {
    let schema = parent.field(name);
    if let Some(kind) = field.kind.filter(|kind| !is_of(&schema, *kind)) {
        return Some(describe_for(&schema, kind));
    }
    if let Some(by) = &field.type_by {
        for (value, kind) in &by.types {
            let alternatives = parent.where_field(&by.field, value);
            let schema = alternatives.field(name);
            // That the value is allowed is a claim about the other field.
            if alternatives.exists() && !is_of(&schema, *kind) {
                return Some(format!("{} with {value}", describe_for(&schema, *kind)));
            }
        }
    }
    if let Some(sample) = field.sample.as_ref().filter(|sample| !takes(&schema, sample)) {
        return Some(format!("{}, which {sample} is not", describe(&schema)));
    }
    if let Some(found) = values_instead(&schema, &field.values) {
        return Some(found);
    }
    let is_required = parent.requires(name);
    if field.required.is_some_and(|required| required != is_required) {
        return Some(if is_required { "a required field" } else { "an optional field" }.to_owned());
    }
    field.prefix.as_ref().and_then(|prefix| prefix_instead(&schema, prefix))
}

/// The allowed values that differ from the published ones.
fn values_instead(schema: &Schema<'_>, published: &[String]) -> Option<String> {
    let (found, published) = (schema.values(), published.iter().map(String::as_str).collect::<BTreeSet<_>>());
    if published.is_empty() || found == published {
        return None;
    }
    let words = |before, names: Vec<&str>| (!names.is_empty()).then(|| format!("{before} {}", join(names)));
    let missing = words("not", published.difference(&found).copied().collect());
    let more = words("also", found.difference(&published).copied().collect());
    Some(if found.is_empty() { "no list of values".to_owned() } else { join(missing.into_iter().chain(more)) })
}

/// What stands instead of a pattern that demands a prefix.
pub(super) fn prefix_instead(schema: &Schema<'_>, prefix: &str) -> Option<String> {
    let patterns = schema.patterns();
    let has_prefix =
        patterns.iter().any(|pattern| pattern.strip_prefix('^').is_some_and(|rest| rest.starts_with(prefix)));
    (!has_prefix).then(|| if patterns.is_empty() { "no pattern".to_owned() } else { join(patterns) })
}

/// Whether a schema has a published type and no other. Null is left out: the pages do not say where it is allowed.
fn is_of(schema: &Schema<'_>, kind: Kind) -> bool {
    let mut types = schema.types();
    types.remove("null");
    let name = if kind == Kind::Long { "integer" } else { kind.name() };
    types.len() == 1 && types.contains(name) && (kind != Kind::Long || schema.is_long())
}

/// Whether a schema describes a value like a sample.
fn takes(schema: &Schema<'_>, sample: &Value) -> bool {
    let mut types = schema.types();
    if sample.is_null() {
        return types.contains("null");
    }
    types.remove("null");
    let name = type_of(sample);
    // A whole number in a sample may be one of a field with fractions.
    let is_type = |other: &&str| *other == name || (name == "integer" && *other == "number");
    let values = schema.values();
    let is_listed = sample.as_str().is_none_or(|text| values.is_empty() || values.contains(text));
    !types.is_empty() && types.iter().all(is_type) && is_listed
}

/// The types of a schema, in words.
fn describe(schema: &Schema<'_>) -> String {
    let (types, values) = (schema.types(), schema.values());
    if types.is_empty() {
        "no type".to_owned()
    } else if values.is_empty() {
        join(types)
    } else {
        format!("{} of {}", join(types), join(values))
    }
}

/// The types instead of a published one.
fn describe_for(schema: &Schema<'_>, kind: Kind) -> String {
    let is_short = kind == Kind::Long && !schema.is_long();
    format!("{}{}", describe(schema), if is_short { " without format int64" } else { "" })
}
