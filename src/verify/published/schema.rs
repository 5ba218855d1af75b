//! Reads a schema of a document: references are followed, and alternatives are read together.

use std::collections::BTreeSet;

use serde_json::Value;

/// A schema, and the schemas of its `anyOf`, `oneOf` and `allOf`. Empty if the document has no such schema.
#[derive(Clone)]
pub(super) struct Schema<'a> {
    document: &'a Value,
    alternatives: Vec<&'a Value>,
}

/// Follows `$ref`, if the value has one. A reference that leads nowhere is null.
pub(super) fn resolve<'a>(document: &'a Value, mut value: &'a Value) -> &'a Value {
    // A document may contain a circle of references.
    for _ in 0..16 {
        let Some(reference) = value["$ref"].as_str() else { return value };
        value = document.pointer(reference.trim_start_matches('#')).unwrap_or(&Value::Null);
    }
    &Value::Null
}

impl<'a> Schema<'a> {
    pub(super) fn new(document: &'a Value, schema: &'a Value) -> Self {
        let mut read = Self { document, alternatives: Vec::new() };
        read.add(schema, 0);
        read
    }

    fn add(&mut self, schema: &'a Value, depth: usize) {
        let schema = resolve(self.document, schema);
        if schema.is_null() || depth > 16 {
            return;
        }
        self.alternatives.push(schema);
        for member in ["anyOf", "oneOf", "allOf"].iter().filter_map(|key| schema[key].as_array()).flatten() {
            self.add(member, depth + 1);
        }
    }

    pub(super) fn exists(&self) -> bool {
        !self.alternatives.is_empty()
    }

    fn merge(&self, parts: impl Iterator<Item = &'a Value>) -> Self {
        let alternatives = parts.flat_map(|part| Self::new(self.document, part).alternatives).collect();
        Self { document: self.document, alternatives }
    }

    /// The schema of a field, from all alternatives that have it.
    pub(super) fn field(&self, name: &str) -> Self {
        self.merge(self.alternatives.iter().map(|schema| &schema["properties"][name]))
    }

    /// The schema of the elements of an array.
    pub(super) fn items(&self) -> Self {
        self.merge(self.alternatives.iter().map(|schema| &schema["items"]))
    }

    /// Only those alternatives in which a field may have a value.
    pub(super) fn where_field(&self, name: &str, value: &str) -> Self {
        let mut only = self.clone();
        only.alternatives.retain(|schema| {
            let field = Self::new(self.document, &schema["properties"][name]);
            field.values().contains(value)
        });
        only
    }

    pub(super) fn fields(&self) -> BTreeSet<&'a str> {
        let properties = self.alternatives.iter().filter_map(|schema| schema["properties"].as_object());
        properties.flat_map(|properties| properties.keys().map(String::as_str)).collect()
    }

    /// Whether the schema itself, and not only one of its alternatives, requires a field.
    pub(super) fn requires(&self, name: &str) -> bool {
        let required = self.alternatives.first().and_then(|schema| schema["required"].as_array());
        required.is_some_and(|names| names.iter().any(|other| other == name))
    }

    /// The types, as JSON Schema calls them.
    pub(super) fn types(&self) -> BTreeSet<&'a str> {
        let mut types: BTreeSet<&'a str> = BTreeSet::new();
        for schema in &self.alternatives {
            match &schema["type"] {
                Value::String(name) => _ = types.insert(name.as_str()),
                Value::Array(names) => types.extend(names.iter().filter_map(Value::as_str)),
                _ => types.extend(Self::literals(schema).map(|value| -> &'a str { type_of(value) })),
            }
        }
        types
    }

    /// Whether each integer has 64 bits.
    pub(super) fn is_long(&self) -> bool {
        let mut integers = self.alternatives.iter().filter(|schema| schema["type"] == "integer");
        integers.all(|schema| schema["format"] == "int64")
    }

    /// The texts that are allowed, if they are listed.
    pub(super) fn values(&self) -> BTreeSet<&'a str> {
        self.alternatives.iter().flat_map(|schema| Self::literals(schema)).filter_map(Value::as_str).collect()
    }

    fn literals(schema: &'a Value) -> impl Iterator<Item = &'a Value> {
        schema["enum"].as_array().into_iter().flatten().chain(schema.get("const"))
    }

    pub(super) fn patterns(&self) -> BTreeSet<&'a str> {
        self.alternatives.iter().filter_map(|schema| schema["pattern"].as_str()).collect()
    }
}

/// The type of a value, as JSON Schema calls it.
pub(super) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
