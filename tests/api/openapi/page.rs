//! Renders the document as an HTML page. Its script only adds a search.

use std::{
    collections::BTreeMap,
    fmt::{self, Write},
};

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// The address in the commands. The server replaces it by the `Host` of the request.
const URL: &str = "http://127.0.0.1:8080";

/// The parts of an OpenAPI document that the page shows.
#[derive(Deserialize)]
struct Document<'a> {
    info: Info,
    tags: Vec<Tag>,
    #[serde(borrow)]
    paths: BTreeMap<String, BTreeMap<String, Operation<'a>>>,
    components: Components,
}

#[derive(Deserialize)]
struct Info {
    title: String,
    version: String,
    description: String,
}

#[derive(Deserialize)]
struct Tag {
    name: String,
    description: String,
}

#[derive(Deserialize)]
struct Components {
    schemas: BTreeMap<String, Value>,
    parameters: BTreeMap<String, Parameter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Operation<'a> {
    #[serde(rename = "operationId")]
    id: String,
    tags: Vec<String>,
    summary: String,
    description: Option<String>,
    #[serde(default)]
    parameters: Vec<ParameterOrRef>,
    #[serde(borrow)]
    request_body: Option<RequestBody<'a>>,
    #[serde(default)]
    security: Vec<BTreeMap<String, Value>>,
    responses: BTreeMap<String, Response<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ParameterOrRef {
    Ref {
        #[serde(rename = "$ref")]
        reference: String,
    },
    Inline(Parameter),
}

#[derive(Deserialize)]
struct Parameter {
    name: String,
    r#in: String,
    description: Option<String>,
    example: Option<Value>,
}

#[derive(Deserialize)]
struct RequestBody<'a> {
    #[serde(borrow)]
    content: BTreeMap<String, Media<'a>>,
}

#[derive(Deserialize)]
struct Response<'a> {
    description: String,
    #[serde(rename = "x-edna-documented")]
    documented: bool,
    #[serde(borrow, default)]
    content: BTreeMap<String, Media<'a>>,
}

#[derive(Deserialize)]
struct Media<'a> {
    schema: Value,
    #[serde(borrow, default)]
    examples: BTreeMap<String, Example<'a>>,
}

/// The raw value keeps the layout and the line ends that the server sends.
#[derive(Deserialize)]
struct Example<'a> {
    summary: Option<String>,
    #[serde(borrow)]
    value: &'a RawValue,
}

/// Text escaped for an element or an attribute.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            c => f.write_char(c),
        })
    }
}

/// Escaped text with the `code` marks of Markdown.
struct Prose<'a>(&'a str);

impl fmt::Display for Prose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.split('`').enumerate().try_for_each(|(index, part)| {
            if index % 2 == 0 { write!(f, "{}", Escaped(part)) } else { write!(f, "<code>{}</code>", Escaped(part)) }
        })
    }
}

/// A path with a possible line break before each slash, for narrow screens.
struct Breakable<'a>(&'a str);

impl fmt::Display for Breakable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Escaped(self.0).to_string().replace('/', "<wbr>/"))
    }
}

pub fn render(document: &str) -> String {
    let document: Document<'_> = serde_json::from_str(document).unwrap();
    let mut page = String::new();
    document.write(&mut page).unwrap();
    page
}

impl Document<'_> {
    fn write(&self, page: &mut String) -> fmt::Result {
        let Info { title, version, description } = &self.info;
        let (title, version, description) = (Escaped(title), Escaped(version), Prose(description));
        write!(
            page,
            r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}: the API</title>
<link rel="stylesheet" href="docs.css">
<script type="module" src="docs.js"></script>
</head>
<body>
<header>
<p class="top"><b>{title} {version}</b> <a id="console" href="./" hidden>Console</a> <a href="openapi.json">openapi.json</a></p>
<h1>The API of {title}</h1>
<p>{description}</p>
<p>The commands work with a fake, which accepts the tokens <code>test-crm</code> and <code>test-admin</code>. For a
server, create a token with <code>surveyd token create</code>.</p>
</header>
<nav aria-label="Operations">
<label hidden>Search <input id="search" type="search" placeholder="Path, parameter, message" aria-keyshortcuts="/"></label>
"#
        )?;
        for tag in &self.tags {
            write!(page, "<h2>{}</h2>\n<ul>\n", Escaped(&tag.name))?;
            for (method, path, Operation { id, .. }) in self.operations(tag) {
                writeln!(page, "<li><a href=\"#{id}\"><b>{method}</b> {}</a></li>", Breakable(path))?;
            }
            page.push_str("</ul>\n");
        }
        page.push_str("<h2><a href=\"#schemas\">Schemas</a></h2>\n</nav>\n<main>\n<p id=\"nothing\" role=\"status\" hidden></p>\n");
        for tag in &self.tags {
            let (name, description) = (Escaped(&tag.name), Prose(&tag.description));
            write!(page, "<h2 data-tag=\"{name}\">{name}</h2>\n<p>{description}</p>\n")?;
            for (method, path, operation) in self.operations(tag) {
                writeln!(page, "<section id=\"{}\" data-tag=\"{name}\">", operation.id)?;
                operation.write(page, &method, path, &self.components)?;
            }
        }
        page.push_str("<h2 id=\"schemas\">Schemas</h2>\n");
        for (name, schema) in &self.components.schemas {
            let schema = format!("{schema:#}");
            write!(
                page,
                "<details id=\"{name}\"><summary>{name}</summary>\n<pre>{}</pre></details>\n",
                Escaped(&schema)
            )?;
        }
        page.push_str("</main>\n</body>\n</html>\n");
        Ok(())
    }

    /// The operations of a tag, each with its method in capitals and its path.
    fn operations(&self, tag: &Tag) -> impl Iterator<Item = (String, &str, &Operation<'_>)> {
        let all = self.paths.iter().flat_map(|(path, methods)| {
            methods.iter().map(|(method, operation)| (method.to_uppercase(), path.as_str(), operation))
        });
        all.filter(|(_, _, operation)| operation.tags.contains(&tag.name))
    }
}

impl Operation<'_> {
    fn write(&self, page: &mut String, method: &str, path: &str, components: &Components) -> fmt::Result {
        writeln!(page, "<h3><b>{method}</b> {}</h3>", Breakable(path))?;
        for text in [Some(&self.summary), self.description.as_ref()].into_iter().flatten() {
            writeln!(page, "<p>{}</p>", Prose(text))?;
        }
        let parameters: Vec<_> = self.parameters.iter().map(|parameter| parameter.resolve(components)).collect();
        if !parameters.is_empty() {
            page.push_str("<dl>\n");
            for Parameter { name, r#in, description, .. } in &parameters {
                let description = Prose(description.as_deref().unwrap_or_default());
                writeln!(page, "<dt><code>{name}</code> <small>{in}</small></dt><dd>{description}</dd>")?;
            }
            page.push_str("</dl>\n");
        }
        let body = self.request_body.as_ref().and_then(|body| body.content.get("application/json"));
        let command = self.command(method, path, &parameters, body)?;
        let schema = body.and_then(|body| link(&body.schema)).map(|schema| format!(": {schema}")).unwrap_or_default();
        write!(page, "<div class=\"pair\">\n<div><h4>Request{schema}</h4>\n<pre>{}</pre></div>\n", Escaped(&command))?;
        if let Some((status, response)) = self.responses.first_key_value() {
            response.write_first(page, status)?;
        }
        page.push_str("</div>\n");
        self.responses.iter().try_for_each(|(status, response)| response.write(page, status))?;
        page.push_str("</section>\n");
        Ok(())
    }

    /// A `curl` command that the reader can copy.
    fn command(
        &self,
        method: &str,
        path: &str,
        parameters: &[&Parameter],
        body: Option<&Media<'_>>,
    ) -> Result<String, fmt::Error> {
        let path = parameters.iter().fold(path.to_owned(), |path, parameter| {
            let example = parameter.example.as_ref().map(Value::to_string);
            path.replace(&format!("{{{}}}", parameter.name), &example.unwrap_or_default())
        });
        let method = if method == "GET" { String::new() } else { format!(" -X {method}") };
        let mut command = format!("curl -i{method} {URL}{path}");
        if let Some(scheme) = self.security.iter().flat_map(BTreeMap::keys).next() {
            let token = if scheme == "sender" { "test-crm" } else { "test-admin" };
            write!(command, " \\\n  -H 'Authorization: Bearer {token}'")?;
        }
        if let Some(example) = body.and_then(|body| body.examples.values().next()) {
            write!(command, " \\\n  -H 'Content-Type: application/json' \\\n  -d '{}'", example.value)?;
        }
        Ok(command)
    }
}

impl ParameterOrRef {
    fn resolve<'a>(&'a self, components: &'a Components) -> &'a Parameter {
        match self {
            Self::Inline(parameter) => parameter,
            Self::Ref { reference } => &components.parameters[last_segment(reference)],
        }
    }
}

impl Response<'_> {
    /// The first example, which stands next to the request.
    fn write_first(&self, page: &mut String, status: &str) -> fmt::Result {
        let media = self.content.values().next();
        let schema =
            media.and_then(|media| link(&media.schema)).map(|schema| format!(": {schema}")).unwrap_or_default();
        writeln!(page, "<div><h4>Answer <b>{status}</b>{schema}</h4>")?;
        match media.and_then(|media| media.examples.values().next()) {
            Some(example) => writeln!(page, "<pre>{}</pre></div>", Escaped(example.value.get())),
            None if media.is_none() => writeln!(page, "<p>No body.</p></div>"),
            None => writeln!(page, "<p>{}</p></div>", Prose(&self.description)),
        }
    }

    fn write(&self, page: &mut String, status: &str) -> fmt::Result {
        let mark = if self.documented { "documented by the vendor" } else { "chosen" };
        let description = Prose(&self.description);
        writeln!(page, "<details><summary><b>{status}</b> {description} <small>{mark}</small></summary>")?;
        for (media_type, media) in &self.content {
            let schema = link(&media.schema).unwrap_or_default();
            writeln!(page, "<p>{schema} <small>{}</small></p>", Escaped(media_type))?;
            for Example { summary, value } in media.examples.values() {
                let summary = summary.as_deref().unwrap_or_default();
                write!(page, "<p>{}</p>\n<pre>{}</pre>\n", Prose(summary), Escaped(value.get()))?;
            }
        }
        if self.content.is_empty() {
            page.push_str("<p>No body.</p>\n");
        }
        page.push_str("</details>\n");
        Ok(())
    }
}

/// A link to a named schema, also for a list of its values.
fn link(schema: &Value) -> Option<String> {
    let (prefix, schema) = schema.get("items").map_or(("", schema), |items| ("a list of ", items));
    let name = last_segment(schema.get("$ref")?.as_str()?);
    Some(format!("{prefix}<a href=\"#{name}\">{name}</a>"))
}

fn last_segment(reference: &str) -> &str {
    reference.rsplit_once('/').map_or(reference, |(_, name)| name)
}
