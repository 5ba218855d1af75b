//! An OpenAPI document, compared with what the vendor has published.
//!
//! Both directions are compared: the document has each published fact, and marks nothing else as documented.

mod body;
mod claim;
mod claims;
mod difference;
mod facts;
mod fields;
mod samples;
mod schema;
#[cfg(test)]
mod tests;
mod unpublished;

use serde_json::Value;

pub(crate) use self::difference::Difference;
use self::facts::Facts;

/// Where a document differs from the published facts, in their order; first what the document lacks.
pub(crate) fn differences(document: &Value) -> Vec<Difference> {
    let facts = match Facts::read() {
        Ok(facts) => facts,
        // A unit test reads the file. Reported, so that facts which cannot be read do not look like a document without fault.
        Err(error) => return vec![Difference::of_facts_file(&error)],
    };
    let missing = claims::list(&facts).into_iter().filter_map(|claim| {
        let document = (claim.found_instead)(document)?;
        let (location, published, source) = (claim.location, claim.published, claim.source.to_owned());
        Some(Difference { location, published, document, source })
    });
    missing.chain(unpublished::differences(&facts, document)).collect()
}

/// How many facts [`differences`] looks for.
pub(crate) fn number_of_facts() -> usize {
    Facts::read().map_or(0, |facts| claims::list(&facts).len())
}
