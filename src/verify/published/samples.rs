//! The bodies that the vendor has published whole, and the examples of a document.

use serde_json::Value;

use super::facts::Sample;

/// The mark of an example that we chose, in the summary.
pub(super) const CHOSEN: &str = "(chosen)";

/// An example of a document.
#[derive(Clone, Copy)]
pub(super) struct Example<'a> {
    pub(super) name: &'a str,
    pub(super) body: &'a Value,
    is_chosen: bool,
}

/// Which example stands for which sample.
pub(super) struct Pairs<'a> {
    /// For each sample, its example.
    pub(super) found: Vec<Option<Example<'a>>>,
    /// Examples that are neither published nor marked as chosen.
    pub(super) unpublished: Vec<Example<'a>>,
}

/// The examples of a media type of the document.
pub(super) fn examples(media: &Value) -> Vec<Example<'_>> {
    let all = media["examples"].as_object().into_iter().flatten();
    all.map(|(name, example)| Example::read(name, example)).collect()
}

impl<'a> Example<'a> {
    fn read(name: &'a str, example: &'a Value) -> Self {
        let is_chosen = example["summary"].as_str().is_some_and(|summary| summary.contains(CHOSEN));
        Self { name, body: &example["value"], is_chosen }
    }
}

/// Finds the example of each sample. A sample without one gets the first example that is left, as the one that was changed.
pub(super) fn pair<'a>(samples: &[Sample], examples: &[Example<'a>]) -> Pairs<'a> {
    let mut left = examples.to_vec();
    let mut take = |is_wanted: &dyn Fn(&Example<'a>) -> bool| left.iter().position(is_wanted).map(|at| left.remove(at));
    let mut found: Vec<_> =
        samples.iter().map(|sample| take(&|example| with_ids_of(sample, example.body) == sample.body)).collect();
    for missing in found.iter_mut().filter(|example| example.is_none()) {
        *missing = take(&|example| !example.is_chosen);
    }
    left.retain(|example| !example.is_chosen);
    Pairs { found, unpublished: left }
}

/// What the document has instead of a sample.
pub(super) fn instead(sample: &Sample, example: Option<Example<'_>>) -> Option<String> {
    let Some(Example { body, is_chosen, .. }) = example else { return Some("no such example".to_owned()) };
    let same = with_ids_of(sample, body);
    if same == sample.body && length(&same) == sample.content_length {
        return is_chosen.then(|| format!("this example, but {CHOSEN} in its summary"));
    }
    Some(in_words(body))
}

/// A body, with its length.
pub(super) fn in_words(body: &Value) -> String {
    format!("{body} of {} bytes", length(body))
}

/// A body with the message of the sample, if only the ids in the messages differ: the page has ids of its own example.
fn with_ids_of(sample: &Sample, body: &Value) -> Value {
    let mut body = body.clone();
    let (published, message) = (words_without_ids(&sample.body["message"]), words_without_ids(&body["message"]));
    if published.is_some() && published == message {
        body["message"] = sample.body["message"].clone();
    }
    body
}

fn words_without_ids(message: &Value) -> Option<Vec<&str>> {
    let words = message.as_str()?.split(' ');
    Some(words.map(|word| if word.parse::<i64>().is_ok() { "#" } else { word }).collect())
}

/// The length of a body in the layout that gives the published lengths: indented by two spaces, ` : `, CRLF.
///
/// `docs/fidelity.md` says how it was found.
pub(super) fn length(body: &Value) -> usize {
    // serde_json's own layout has LF and `: `: one byte less for each line and each key.
    let text = serde_json::to_string_pretty(body).unwrap_or_default();
    text.len() + text.matches('\n').count() + keys(body)
}

fn keys(value: &Value) -> usize {
    match value {
        Value::Object(fields) => fields.len() + fields.values().map(keys).sum::<usize>(),
        Value::Array(items) => items.iter().map(keys).sum(),
        _ => 0,
    }
}
