//! One difference between a document and the published facts.

use std::fmt::{self, Display};

use serde::Serialize;

use super::facts::PATH;

#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(crate) struct Difference {
    /// Where in the document: `POST /api/v1/quality/send: response 409, example openThread`.
    pub(crate) location: String,
    /// What the vendor has published there; `nothing` if the document claims more.
    pub(crate) published: String,
    /// What the document has instead.
    pub(crate) document: String,
    /// The URL of the vendor's page.
    pub(crate) source: String,
}

impl Difference {
    /// The facts themselves could not be read.
    pub(super) fn of_facts_file(error: &serde_json::Error) -> Self {
        Self {
            location: PATH.to_owned(),
            published: "facts that this program can read".to_owned(),
            document: error.to_string(),
            source: PATH.to_owned(),
        }
    }
}

impl Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { location, published, document, source } = self;
        write!(f, "{location}: published: {published}; the document: {document} ({source})")
    }
}
