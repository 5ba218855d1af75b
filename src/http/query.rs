//! The parameters of a request: those of its query, known names and each once, and the ids in its path.

use std::{str::FromStr, time::Duration};

use actix_web::{HttpRequest, http::Method, web::Query as Pairs};

use crate::http::failure::Failure;
use crate::survey::{moment::Moment, time::TimeSpan};

/// How many rows a list has where `limit` does not say.
const DEFAULT_LIMIT: usize = 100;

/// How many rows a list can have.
const GREATEST_LIMIT: usize = 1000;

/// How many characters a text to search for can have: no stored one has more.
const LONGEST_TEXT: usize = 255;

/// An id in the path.
///
/// Errors: 400 that names it.
pub(crate) fn parse_id(name: &str, text: &str) -> Result<i64, Failure> {
    text.parse().map_err(|_| Failure::bad_request(format!("{name} in the path must be a 64-bit integer")))
}

/// The parameters of a list, as written.
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    is_head: bool,
}

impl Query {
    /// Reads them; which there may be is for the caller to say.
    ///
    /// Errors: 400 that names a parameter that is unknown or repeated.
    pub(crate) fn of(request: &HttpRequest, known: &[&str]) -> Result<Self, Failure> {
        let pairs = Pairs::<Vec<(String, String)>>::from_query(request.query_string())
            .map_err(|error| Failure::bad_request(format!("The query cannot be read: {error}")))?
            .into_inner();
        for (index, (name, _)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let known = known.join(", ");
                return Err(Failure::bad_request(format!(
                    "The query has an unknown parameter {name:?}; it may have {known}"
                )));
            }
            if pairs[..index].iter().any(|(before, _)| before == name) {
                return Err(Failure::bad_request(format!("{name} is given more than once in the query")));
            }
        }
        Ok(Self { pairs, is_head: request.method() == Method::HEAD })
    }

    /// Whether only the head of the answer is asked for.
    pub(crate) fn is_head(&self) -> bool {
        self.is_head
    }

    /// The text of a parameter, if it is there.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All parameters, in the order of the request.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether something is asked for.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Failure> {
        Ok(self.parse(name, "true or false", |_| true)?.unwrap_or(false))
    }

    /// A 64-bit integer, if it is there.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, Failure> {
        self.parse(name, "a 64-bit integer", |_| true)
    }

    /// The cursor of a list that is read from its end: an id, or `end` itself, which no id reaches.
    pub(crate) fn before(&self) -> Result<Option<i64>, Failure> {
        match self.text("before") {
            Some("end") => Ok(Some(i64::MAX)),
            _ => self.parse("before", "a 64-bit integer, or end", |_| true),
        }
    }

    /// How many rows are wanted.
    pub(crate) fn limit(&self) -> Result<usize, Failure> {
        Ok(self.count("limit")?.unwrap_or(DEFAULT_LIMIT))
    }

    /// A number of rows.
    pub(crate) fn count(&self, name: &str) -> Result<Option<usize>, Failure> {
        self.parse(name, &format!("an integer from 1 to {GREATEST_LIMIT}"), |count| {
            (1..=GREATEST_LIMIT).contains(count)
        })
    }

    /// A text to search for, if it is there.
    pub(crate) fn search(&self, name: &str) -> Result<Option<&str>, Failure> {
        let Some(text) = self.text(name) else { return Ok(None) };
        if (1..=LONGEST_TEXT).contains(&text.chars().count()) {
            return Ok(Some(text));
        }
        Err(Failure::bad_request(format!("{name} must be 1 to {LONGEST_TEXT} characters")))
    }

    /// A length of time up to `most`, such as `5s`.
    pub(crate) fn duration(&self, name: &str, most: Duration) -> Result<Option<TimeSpan>, Failure> {
        let expected = format!("a duration up to {}s, such as 5s or 500ms", most.as_secs());
        self.parse(name, &expected, |span: &TimeSpan| span.to_std() <= most)
    }

    /// A point in time: a time, a date or how long ago.
    pub(crate) fn moment(&self, name: &str) -> Result<Option<Moment>, Failure> {
        self.value(name)
    }

    /// A value of a type whose errors say what it must be.
    pub(crate) fn value<T: FromStr<Err = String>>(&self, name: &str) -> Result<Option<T>, Failure> {
        let value = self.text(name).map(str::parse).transpose();
        value.map_err(|error| Failure::bad_request(format!("{name} {error}")))
    }

    fn parse<T: FromStr>(&self, name: &str, expected: &str, is_fit: impl Fn(&T) -> bool) -> Result<Option<T>, Failure> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let value = text.parse().ok().filter(is_fit);
        value.map(Some).ok_or_else(|| Failure::bad_request(format!("{name} must be {expected}")))
    }
}
