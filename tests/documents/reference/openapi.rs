//! docs/api.md and docs/admin-api.md, from the OpenAPI document.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::{Value, value::RawValue};

use super::{cell, check, wrap};
use crate::{links::anchor, markdown};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The tags of the vendor's calls. All others are in docs/admin-api.md.
const VENDOR_TAGS: [&str; 2] = ["Send Survey", "Related calls"];

/// An example of fewer characters is shown in one line.
const LINE_LENGTH: usize = 80;

struct Operation<'a> {
    method: String,
    path: &'a str,
    tag: &'a str,
    body: &'a Value,
}

/// The document, parsed and as its text, in which fields have their order.
struct Document {
    json: Value,
    text: String,
}

#[test]
fn the_vendor_s_calls_are_those_of_the_document() {
    let document = Document::read();
    check(
        "docs/api.md",
        &[("calls", document.marks(&VENDOR_TAGS)), ("fields", document.details("Related calls", &[]))],
    );
}

#[test]
fn the_admin_routes_are_those_of_the_document() {
    let document = Document::read();
    let tags: Vec<_> = document.tags().filter(|(tag, _)| !VENDOR_TAGS.contains(tag)).collect();
    let names: Vec<_> = tags.iter().map(|(tag, _)| *tag).collect();
    let of_all = document.common_answers(&names, |call| call.get("security").is_some());
    let mut of_bodies = document.common_answers(&names, |call| call.get("requestBody").is_some());
    of_bodies.retain(|answer| !of_all.contains(answer));
    let common = [of_all.as_slice(), &of_bodies].concat();
    let mut calls = String::new();
    for (tag, description) in tags {
        write!(
            calls,
            "## {tag}\n\n{}\n\n{}\n{}",
            wrap(description),
            document.index(tag),
            document.details(tag, &common)
        )
        .unwrap();
    }
    let mut answers = "| status | when | which calls |\n|---|---|---|\n".to_owned();
    for (common, calls) in [(of_all, "all that need a token"), (of_bodies, "all with a body")] {
        for (status, when) in common {
            writeln!(answers, "| {status} | {} | {calls} |", cell(&when)).unwrap();
        }
    }
    check("docs/admin-api.md", &[("answers", answers), ("calls", calls)]);
}

impl Document {
    fn read() -> Self {
        let text = markdown::read("src/http/pages/openapi/openapi.json");
        Self { json: serde_json::from_str(&text).unwrap(), text }
    }

    /// The name and the description of each tag.
    fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        self.json["tags"].as_array().unwrap().iter().map(|tag| (text(&tag["name"]), text(&tag["description"])))
    }

    fn operations(&self) -> Vec<Operation<'_>> {
        let mut operations = Vec::new();
        for (path, item) in self.json["paths"].as_object().unwrap() {
            for method in METHODS.into_iter().filter(|method| item.get(method).is_some()) {
                let body = &item[method];
                operations.push(Operation { method: method.to_uppercase(), path, tag: text(&body["tags"][0]), body });
            }
        }
        operations
    }

    /// The answers that each of those operations gives, in the same words.
    fn common_answers(&self, tags: &[&str], is_one: impl Fn(&Value) -> bool) -> Vec<(String, String)> {
        let operations = self.operations();
        let of_tags: Vec<_> = operations.iter().filter(|call| tags.contains(&call.tag) && is_one(call.body)).collect();
        let first = of_tags[0].answers();
        first.into_iter().filter(|answer| of_tags.iter().all(|call| call.answers().contains(answer))).collect()
    }

    /// A table of the calls of a tag.
    fn index(&self, tag: &str) -> String {
        let mut table = "| call | what it does |\n|---|---|\n".to_owned();
        for call in self.operations().into_iter().filter(|call| call.tag == tag) {
            let heading = format!("`{} {}`", call.method, call.path);
            let summary = cell(text(&call.body["summary"]));
            writeln!(table, "| [{heading}](#{}) | {summary} |", anchor(&heading)).unwrap();
        }
        table
    }

    /// A table of calls, with the statuses that the vendor documents and those that are chosen.
    fn marks(&self, tags: &[&str]) -> String {
        let mut table = "| call | what it does | documented | chosen |\n|---|---|---|---|\n".to_owned();
        let operations = self.operations();
        for tag in tags {
            for call in operations.iter().filter(|call| call.tag == *tag) {
                let of_mark = |mark: bool| {
                    let answers = call.body["responses"].as_object().unwrap().iter();
                    let marked = answers.filter(|(_, answer)| answer["x-edna-documented"] == mark);
                    marked.map(|(status, _)| status.as_str()).collect::<Vec<_>>().join(", ")
                };
                let summary = cell(text(&call.body["summary"]));
                let (documented, chosen) = (of_mark(true), of_mark(false));
                writeln!(table, "| `{} {}` | {summary} | {documented} | {chosen} |", call.method, call.path).unwrap();
            }
        }
        table
    }

    /// Each call of a tag: its parameters, its body, and its answers but for the common ones.
    fn details(&self, tag: &str, common: &[(String, String)]) -> String {
        let mut details = String::new();
        for call in self.operations().into_iter().filter(|call| call.tag == tag) {
            let mut part = |part: String| write!(details, "{part}\n\n").unwrap();
            part(format!("### `{} {}`", call.method, call.path));
            let sentences = ["summary", "description"].iter().filter_map(|key| call.body[*key].as_str());
            let sentences: Vec<_> = sentences.map(|text| format!("{}.", text.trim_end_matches('.'))).collect();
            part(wrap(&sentences.join(" ")));
            let parameters = self.parameters(call.body);
            if !parameters.is_empty() {
                part(format!("| parameter | in | value | |\n|---|---|---|---|\n{}", parameters.trim_end()));
            }
            let request = &call.body["requestBody"]["content"]["application/json"];
            if !request.is_null() {
                let fields = self.fields(&request["schema"], "");
                if !fields.is_empty() {
                    part(format!("| field | value | |\n|---|---|---|\n{}", fields.trim_end()));
                }
                if let Some(example) = self.example(&call, &["requestBody"]) {
                    part(format!("Example of a body:\n\n{example}"));
                }
            }
            let is_vendor = VENDOR_TAGS.contains(&tag);
            let mut table =
                if is_vendor { "| status | when | mark |\n|---|---|---|\n" } else { "| status | when |\n|---|---|\n" }
                    .to_owned();
            for (status, when) in call.answers().into_iter().filter(|answer| !common.contains(answer)) {
                let is_documented = call.body["responses"][&status]["x-edna-documented"] == true;
                let mark = match (is_vendor, is_documented) {
                    (false, _) => "",
                    (true, true) => " documented |",
                    (true, false) => " chosen |",
                };
                writeln!(table, "| {status} | {} |{mark}", cell(&when)).unwrap();
            }
            part(table.trim_end().to_owned());
            let answers = call.body["responses"].as_object().unwrap();
            let success = answers.keys().find(|status| status.starts_with('2')).unwrap();
            if let Some(example) = self.example(&call, &["responses", success]) {
                part(format!("Example of an answer:\n\n{example}"));
            }
        }
        details
    }

    /// The rows of a table of parameters.
    fn parameters(&self, call: &Value) -> String {
        let mut rows = String::new();
        for parameter in call["parameters"].as_array().into_iter().flatten() {
            let parameter = self.resolve(parameter);
            let (name, location) = (text(&parameter["name"]), text(&parameter["in"]));
            let value = self.value(&parameter["schema"]);
            // What the id in a path means is clear from the path.
            let Some(about) = parameter["description"].as_str() else { continue };
            writeln!(rows, "| `{name}` | {location} | {} | {} |", cell(&value), cell(about)).unwrap();
        }
        rows
    }

    /// The rows of a table of fields. Those of an object inside are named by their path.
    fn fields(&self, schema: &Value, path: &str) -> String {
        let mut rows = String::new();
        let schema = self.resolve(schema);
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let is_required =
                schema["required"].as_array().is_some_and(|required| required.contains(&name.as_str().into()));
            let about = if is_required { "Required." } else { "" };
            let description = field["description"].as_str().unwrap_or_default();
            let about = [about, description].join(" ");
            writeln!(rows, "| `{path}{name}` | {} | {} |", cell(&self.value(field)), cell(about.trim())).unwrap();
            rows += &self.fields(without_null(field), &format!("{path}{name}."));
        }
        rows
    }

    /// The values that a schema allows, in words.
    fn value(&self, schema: &Value) -> String {
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            match name {
                "Id" => return "64-bit integer".to_owned(),
                "Time" => return "time in ISO-8601".to_owned(),
                "Duration" => return "duration, such as `90d`, `12h` or `PT2H`".to_owned(),
                _ => return self.value(self.resolve(schema)),
            }
        }
        let words = |values: &[Value]| {
            let values = values.iter().filter(|value| !value.is_null());
            values.map(|value| format!("`{}`", value.to_string().trim_matches('"'))).collect::<Vec<_>>().join(", ")
        };
        if let Some(variants) = schema["anyOf"].as_array() {
            let variants = variants.iter().filter(|variant| variant["type"] != "null");
            return variants.map(|variant| self.value(variant)).collect::<Vec<_>>().join(" or ");
        }
        if let Some(values) = schema["enum"].as_array() {
            return words(values);
        }
        if let Some(value) = schema.get("const") {
            return words(std::slice::from_ref(value));
        }
        let kinds = schema["type"].as_array().cloned().unwrap_or_else(|| vec![schema["type"].clone()]);
        let kind = kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or_default();
        let range = |least: &str, most: &str| match (schema[least].as_u64(), schema[most].as_u64()) {
            (Some(least), Some(most)) => Some(format!("{least} to {most}")),
            (None, Some(most)) => Some(format!("at most {most}")),
            _ => None,
        };
        let value = match (kind, range("minLength", "maxLength"), range("minimum", "maximum")) {
            ("string", Some(length), _) => format!("string of {length} characters"),
            ("integer", _, Some(range)) => format!("integer, {range}"),
            ("array", ..) => format!("array, each: {}", self.value(&schema["items"])),
            _ => kind.to_owned(),
        };
        schema.get("default").map_or(value.clone(), |default| format!("{value}, by default {default}"))
    }

    /// The first example of a body, in the order of its fields.
    fn example(&self, call: &Operation<'_>, path: &[&str]) -> Option<String> {
        let method = call.method.to_lowercase();
        let path = [&["paths", call.path, &method], path, &["content", "application/json", "examples", "1", "value"]];
        Some(format!("```json\n{}\n```", pretty(part_of(&self.text, &path.concat())?)))
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        value["$ref"].as_str().map_or(value, |path| self.json.pointer(path.trim_start_matches('#')).unwrap())
    }
}

impl Operation<'_> {
    /// The statuses of its answers, and when each is given.
    fn answers(&self) -> Vec<(String, String)> {
        let answers = self.body["responses"].as_object().unwrap().iter();
        answers.map(|(status, answer)| (status.clone(), text(&answer["description"]).to_owned())).collect()
    }
}

/// The schema without the alternative of a null.
fn without_null(schema: &Value) -> &Value {
    let variants = schema["anyOf"].as_array().into_iter().flatten();
    variants.into_iter().find(|variant| variant["type"] != "null").unwrap_or(schema)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

/// A part of a JSON document, as it is written there.
fn part_of<'a>(json: &'a str, path: &[&str]) -> Option<&'a str> {
    let Some((key, rest)) = path.split_first() else { return Some(json) };
    let object: BTreeMap<String, &RawValue> = serde_json::from_str(json).ok()?;
    part_of(object.get(*key)?.get(), rest)
}

/// JSON in the order of its fields, two levels of it in lines of their own.
fn pretty(json: &str) -> String {
    let (mut text, mut compact, mut depth) = (String::new(), String::new(), 0);
    let (mut in_string, mut escaped) = (false, false);
    for letter in json.chars() {
        if !in_string && letter.is_whitespace() {
            continue;
        }
        compact.push(letter);
        if !in_string && "}]".contains(letter) {
            if depth <= 2 && !text.ends_with(['{', '[']) {
                text += &new_line(depth - 1);
            }
            depth -= 1;
        }
        text.push(letter);
        if !in_string && "{[".contains(letter) {
            depth += 1;
            if depth <= 2 {
                text += &new_line(depth);
            }
        } else if !in_string && letter == ',' {
            text += &if depth <= 2 { new_line(depth) } else { " ".to_owned() };
        } else if !in_string && letter == ':' {
            text.push(' ');
        }
        if letter == '"' && !escaped {
            in_string = !in_string;
        }
        escaped = letter == '\\' && !escaped;
    }
    if compact.len() <= LINE_LENGTH { compact } else { text }
}

fn new_line(depth: usize) -> String {
    format!("\n{}", "  ".repeat(depth))
}

#[test]
fn json_keeps_its_order() {
    let json = "{ \"b\": [{\"c\": \"}, {\\\"\"}, {}],\n \"a\": {\"long\": \"0123456789012345678901234567890123456789\", \"d\": [1, 2]} }";
    assert_eq!(pretty("{ \"b\" : [1,\n2] }"), "{\"b\":[1,2]}");
    assert_eq!(
        pretty(json),
        "{\n  \"b\": [\n    {\"c\": \"}, {\\\"\"},\n    {}\n  ],\n  \"a\": {\n    \
         \"long\": \"0123456789012345678901234567890123456789\",\n    \"d\": [1, 2]\n  }\n}"
    );
}
