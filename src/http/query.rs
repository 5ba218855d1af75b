//! The query of a list: known names, each once, each an integer.

use actix_web::{HttpRequest, web::Query};

use super::failure::Failure;

/// How many rows a list has where `limit` does not say.
const DEFAULT_LIMIT: i64 = 100;

/// How many rows a list can have.
const GREATEST_LIMIT: i64 = 1000;

/// The parameters of a list.
pub(super) struct ListQuery(Vec<(String, i64)>);

impl ListQuery {
    /// Reads them; besides `after` and `limit` a list may know others.
    ///
    /// Errors: 400 that names the parameter, and what it must be.
    pub(super) fn of(request: &HttpRequest, others: &[&str]) -> Result<Self, Failure> {
        let pairs = Query::<Vec<(String, String)>>::from_query(request.query_string())
            .map_err(|error| Failure::bad_request(format!("The query cannot be read: {error}")))?
            .into_inner();
        let mut known = vec!["after", "limit"];
        known.extend(others);
        let mut parameters: Vec<(String, i64)> = Vec::new();
        for (name, value) in pairs {
            if !known.contains(&name.as_str()) {
                let known = known.join(", ");
                return Err(Failure::bad_request(format!(
                    "The query has an unknown parameter {name:?}; it may have {known}"
                )));
            }
            if parameters.iter().any(|(before, _)| *before == name) {
                return Err(Failure::bad_request(format!("{name} stands more than once in the query")));
            }
            let number = value.parse().ok().filter(|number| name != "limit" || (1..=GREATEST_LIMIT).contains(number));
            let number = number.ok_or_else(|| {
                let range = if name == "limit" { "an integer from 1 to 1000" } else { "a 64-bit integer" };
                Failure::bad_request(format!("{name} must be {range}"))
            })?;
            parameters.push((name, number));
        }
        Ok(Self(parameters))
    }

    /// The value of a parameter, if it is there.
    pub(super) fn get(&self, name: &str) -> Option<i64> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// How many rows are wanted.
    pub(super) fn limit(&self) -> i64 {
        self.get("limit").unwrap_or(DEFAULT_LIMIT)
    }
}
