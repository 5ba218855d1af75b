//! Texts with placeholders, such as `Client {id} not found`.

use std::borrow::Cow;

/// Declares the placeholders and their names.
macro_rules! placeholders {
    ($($(#[$doc:meta])* $placeholder:ident = $name:literal,)*) => {
        /// What a template leaves open.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Placeholder {
            $($(#[$doc])* $placeholder,)*
        }

        impl Placeholder {
            const ALL: [Self; [$(Self::$placeholder),*].len()] = [$(Self::$placeholder),*];

            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$placeholder => $name,)* }
            }
        }
    };
}

placeholders! {
    /// The id that was asked for.
    Id = "id",
    Form = "form",
    Thread = "thread",
    /// The internal id of the client.
    Client = "client",
    /// What a field must be, if that depends on another one.
    Expected = "expected",
    /// What the field was, for a text or an integer.
    GivenValue = "value",
    /// What the JSON parser says.
    Problem = "problem",
    /// The first byte that is no UTF-8, from 1.
    Byte = "byte",
    /// The greatest size of a body, in bytes.
    Limit = "limit",
    /// The role of the token.
    Role = "role",
    /// The roles that may make the call.
    Roles = "roles",
    /// The methods of the path, as in the header `Allow`.
    Allow = "allow",
    /// An unknown key of the body.
    Key = "key",
    /// The method of the call. Every answer can have it.
    Method = "method",
    /// The path of the call, without its query. Every answer can have it.
    Uri = "uri",
    /// The time of the answer. Every answer can have it.
    Time = "time",
    /// The time of the answer, in milliseconds since 1970. Every answer can have it.
    EpochMs = "epochMs",
    /// A new UUID. Every answer can have it.
    Uuid = "uuid",
}

impl Placeholder {
    /// Those that every answer can have.
    pub(crate) const COMMON: [Self; 5] = [Self::Method, Self::Uri, Self::Time, Self::EpochMs, Self::Uuid];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|placeholder| placeholder.name() == name)
    }
}

/// A text with placeholders. `{{` stands for one `{`. A `{` that begins no placeholder stands for itself, as in JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Template(Cow<'static, str>);

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    Text(&'a str),
    Open(Placeholder),
}

/// A part of a template, before its placeholder is looked up.
#[derive(Debug, PartialEq, Eq)]
enum WrittenPart<'a> {
    Text(&'a str),
    /// The name between braces.
    Name(&'a str),
}

impl Template {
    /// A template of our own table. A test reads all of them.
    pub(super) const fn standard(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// Reads a template that may have the placeholders `allowed`, and those that every answer can have.
    ///
    /// Errors: the placeholder that it may not have, and those that it may.
    pub(crate) fn parse(text: String, allowed: &[Placeholder]) -> Result<Self, String> {
        let is_allowed = |name| {
            Placeholder::named(name).is_some_and(|one| allowed.contains(&one) || Placeholder::COMMON.contains(&one))
        };
        let unknown = written_parts(&text).find_map(|part| match part {
            WrittenPart::Name(name) if !is_allowed(name) => Some(name),
            _ => None,
        });
        match unknown {
            None => Ok(Self(text.into())),
            Some(name) => {
                let names: Vec<_> =
                    allowed.iter().chain(&Placeholder::COMMON).map(|one| format!("{{{}}}", one.name())).collect();
                Err(format!(
                    "no such placeholder: {{{name}}}; it can have {}, and {{{{ stands for a brace",
                    names.join(", ")
                ))
            }
        }
    }

    /// The parts, in order.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        written_parts(&self.0).filter_map(|part| match part {
            WrittenPart::Text(text) => Some(Part::Text(text)),
            // A template has no other names.
            WrittenPart::Name(name) => Placeholder::named(name).map(Part::Open),
        })
    }

    /// A template from parts. Texts that stand next to each other must be one part.
    pub(crate) fn of_parts<'a>(parts: impl IntoIterator<Item = Part<'a>>) -> Self {
        let mut text = String::new();
        for part in parts {
            match part {
                Part::Text(literal) => push_literal(&mut text, literal),
                Part::Open(placeholder) => text.extend(["{", placeholder.name(), "}"]),
            }
        }
        Self(text.into())
    }

    /// Whether it is JSON, so that a value inside it must be escaped.
    pub(crate) fn is_json(&self) -> bool {
        self.0.starts_with(['{', '['])
    }

    /// The text, with `{id}` and so on.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The text with its placeholders replaced. `write` writes the value of one.
    pub(crate) fn render(&self, mut write: impl FnMut(Placeholder, &mut String)) -> Cow<'_, str> {
        if !self.0.contains('{') {
            return Cow::Borrowed(&self.0);
        }
        let mut rendered = String::with_capacity(self.0.len() + 24);
        for part in self.parts() {
            match part {
                Part::Text(text) => rendered.push_str(text),
                Part::Open(placeholder) => write(placeholder, &mut rendered),
            }
        }
        Cow::Owned(rendered)
    }
}

/// A text as it is inside a JSON string.
pub(crate) fn json_text(text: &str) -> Cow<'_, str> {
    let quoted = serde_json::to_string(text).unwrap_or_default();
    match quoted.strip_prefix('"').and_then(|quoted| quoted.strip_suffix('"')) {
        Some(inner) if inner != text => inner.to_owned().into(),
        _ => text.into(),
    }
}

/// Appends a text so that a template reads it as it is. A last `{` is doubled, too: a placeholder may follow it.
fn push_literal(template: &mut String, text: &str) {
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        template.push(character);
        let begins = |next: Option<&char>| next.is_none_or(|next| *next == '{' || next.is_ascii_alphabetic());
        if character == '{' && begins(characters.peek()) {
            template.push('{');
        }
    }
}

/// The parts of a text, in order.
fn written_parts(text: &str) -> impl Iterator<Item = WrittenPart<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (part, after) = first_part(rest)?;
        rest = after;
        Some(part)
    })
}

fn first_part(text: &str) -> Option<(WrittenPart<'_>, &str)> {
    if text.is_empty() {
        return None;
    }
    let Some(inside) = text.strip_prefix('{') else {
        let end = text.find('{').unwrap_or(text.len());
        return Some((WrittenPart::Text(&text[..end]), &text[end..]));
    };
    if let Some(after) = inside.strip_prefix('{') {
        return Some((WrittenPart::Text("{"), after));
    }
    let end = inside.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(inside.len());
    match inside[end..].strip_prefix('}') {
        Some(after) if end > 0 => Some((WrittenPart::Name(&inside[..end]), after)),
        _ => Some((WrittenPart::Text("{"), inside)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn render(text: &str) -> String {
        let template = Template::parse(text.to_owned(), &[Placeholder::Id]).expect("a template");
        template.render(|placeholder, out| out.push_str(&placeholder.name().to_uppercase())).into_owned()
    }

    #[test]
    fn placeholders_are_replaced() {
        assert_eq!(render("Client {id} not found"), "Client ID not found");
        assert_eq!(
            render("{{id} {{{id}} {} {1} { {\"a\":{\"b\":\"{uri}\"}}"),
            "{id} {ID} {} {1} { {\"a\":{\"b\":\"URI\"}}"
        );
        assert_eq!(render("{id"), "{id");
    }

    #[test]
    fn an_unknown_placeholder_is_named() {
        let read =
            |text: &str| Template::parse(text.to_owned(), &[Placeholder::Id]).map(|template| template.0.into_owned());
        let may = "it can have {id}, {method}, {uri}, {time}, {epochMs}, {uuid}, and {{ stands for a brace";
        assert_eq!(read("a {name}"), Err(format!("no such placeholder: {{name}}; {may}")));
        assert_eq!(read("a {form}"), Err(format!("no such placeholder: {{form}}; {may}")));
    }

    proptest! {
        #[test]
        fn a_literal_is_rendered_as_it_is(text in "[{}a-z\"0-9 é]{0,12}", tail in "[{}a-z]{0,4}") {
            prop_assert_eq!(render(Template::of_parts([Part::Text(&text)]).as_str()), text.clone());
            let joined = Template::of_parts([Part::Text(&text), Part::Open(Placeholder::Id), Part::Text(&tail)]);
            prop_assert_eq!(render(joined.as_str()), format!("{text}ID{tail}"));
        }
    }
}
