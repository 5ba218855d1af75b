//! The document as a page: read once, written as HTML without a script.

use std::{
    collections::BTreeMap,
    fmt::{self, Write},
};

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::http::pages::openapi::URL;

/// As much of an OpenAPI document as the page shows. Examples stay as they are written, for they are what the server sends.
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
    Here(Parameter),
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

#[derive(Deserialize)]
struct Example<'a> {
    summary: Option<String>,
    #[serde(borrow)]
    value: &'a RawValue,
}

/// Text between tags, or in an attribute.
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

/// Text in which `code` is marked as in Markdown.
struct Prose<'a>(&'a str);

impl fmt::Display for Prose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.split('`').enumerate().try_for_each(|(index, part)| {
            if index % 2 == 0 { write!(f, "{}", Escaped(part)) } else { write!(f, "<code>{}</code>", Escaped(part)) }
        })
    }
}

/// Writes the page of a document.
///
/// Errors: it is not one of ours.
pub(crate) fn render(document: &str) -> anyhow::Result<String> {
    let document: Document<'_> = serde_json::from_str(document)?;
    let mut page = String::with_capacity(256 * 1024);
    let Info { title, version, description } = &document.info;
    let (title, description) = (Escaped(title), Prose(description));
    write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}: the API</title>\n\
         <link rel=\"stylesheet\" href=\"/docs.css\">\n</head>\n<body>\n<header>\n<h1>{title} <small>{}</small></h1>\n\
         <p>{description}</p>\n<p>The commands are for a fake, whose tokens are <code>test-crm</code> and \
         <code>test-admin</code>; a server wants one of its own, made by <code>surveyd token create</code>. For machines: \
         <a href=\"/openapi.json\">openapi.json</a>.</p>\n</header>\n<nav aria-label=\"Operations\">\n",
        Escaped(version)
    )?;
    let of = |tag: &Tag| {
        let operations = document.paths.iter().flat_map(|(path, methods)| {
            methods.iter().map(move |(method, operation)| (method.to_uppercase(), path, operation))
        });
        let name = tag.name.clone();
        operations.filter(move |(_, _, operation)| operation.tags.contains(&name))
    };
    for tag in &document.tags {
        write!(page, "<h2>{}</h2>\n<ul>\n", Escaped(&tag.name))?;
        for (method, path, Operation { id, .. }) in of(tag) {
            writeln!(page, "<li><a href=\"#{id}\"><b>{method}</b> {}</a></li>", Breakable(path))?;
        }
        page.push_str("</ul>\n");
    }
    page.push_str("<h2><a href=\"#shapes\">Shapes</a></h2>\n</nav>\n<main>\n");
    for tag in &document.tags {
        write!(page, "<h2>{}</h2>\n<p>{}</p>\n", Escaped(&tag.name), Prose(&tag.description))?;
        for (method, path, operation) in of(tag) {
            operation.write(&mut page, &method, path, &document.components)?;
        }
    }
    page.push_str("<h2 id=\"shapes\">Shapes</h2>\n");
    for (name, schema) in &document.components.schemas {
        let schema = serde_json::to_string_pretty(schema)?;
        write!(page, "<details id=\"{name}\"><summary>{name}</summary>\n<pre>{}</pre></details>\n", Escaped(&schema))?;
    }
    page.push_str("</main>\n</body>\n</html>\n");
    Ok(page)
}

/// A path that a narrow screen may break before each slash.
struct Breakable<'a>(&'a str);

impl fmt::Display for Breakable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Escaped(self.0).to_string().replace('/', "<wbr>/"))
    }
}

impl Operation<'_> {
    fn write(&self, page: &mut String, method: &str, path: &str, components: &Components) -> fmt::Result {
        let id = &self.id;
        write!(page, "<section id=\"{id}\">\n<h3><b>{method}</b> {}</h3>\n", Breakable(path))?;
        writeln!(page, "<p>{}</p>", Prose(&self.summary))?;
        if let Some(description) = &self.description {
            writeln!(page, "<p>{}</p>", Prose(description))?;
        }
        let parameters: Vec<_> = self.parameters.iter().filter_map(|parameter| parameter.find(components)).collect();
        if !parameters.is_empty() {
            page.push_str("<dl>\n");
            for Parameter { name, r#in, description, .. } in &parameters {
                let description = Prose(description.as_deref().unwrap_or_default());
                writeln!(page, "<dt><code>{name}</code> <small>{in}</small></dt><dd>{description}</dd>")?;
            }
            page.push_str("</dl>\n");
        }
        let body = self.request_body.as_ref().and_then(|body| body.content.get("application/json"));
        writeln!(page, "<pre>{}</pre>", Escaped(&self.command(method, path, &parameters, body)?))?;
        if let Some(shape) = body.and_then(|body| link(&body.schema)) {
            writeln!(page, "<p>Body: {shape}</p>")?;
        }
        self.responses.iter().try_for_each(|(status, response)| response.write(page, status))?;
        page.push_str("</section>\n");
        Ok(())
    }

    /// The command to try.
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
    fn find<'a>(&'a self, components: &'a Components) -> Option<&'a Parameter> {
        match self {
            Self::Here(parameter) => Some(parameter),
            Self::Ref { reference } => components.parameters.get(reference.rsplit('/').next()?),
        }
    }
}

impl Response<'_> {
    fn write(&self, page: &mut String, status: &str) -> fmt::Result {
        let mark = if self.documented { "documented by the vendor" } else { "chosen" };
        writeln!(
            page,
            "<details><summary><b>{status}</b> {} <small>{mark}</small></summary>",
            Prose(&self.description)
        )?;
        for (media_type, media) in &self.content {
            let shape = link(&media.schema).unwrap_or_default();
            writeln!(page, "<p>{shape} <small>{}</small></p>", Escaped(media_type))?;
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

/// The name of a shape, or of those in a list.
fn link(schema: &Value) -> Option<String> {
    let (what, schema) = schema.get("items").map_or(("", schema), |items| ("a list of ", items));
    let name = schema.get("$ref")?.as_str()?.rsplit('/').next()?;
    Some(format!("{what}<a href=\"#{name}\">{name}</a>"))
}
