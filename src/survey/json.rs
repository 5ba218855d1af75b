//! Reading a document of the model, with the place of what is wrong in it.

use serde::de::DeserializeOwned;
use serde_json::error::Category;

/// Reads a whole document: a world file, or a row of one.
///
/// Errors: one sentence that begins with the place, `threads[3].status: unknown variant …`.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let place = error.path().to_string();
        let problem = error.into_inner();
        match problem.classify() {
            // The place says more than the line and column that serde_json adds.
            Category::Data if place != "." => {
                let problem = problem.to_string();
                let (problem, _) = problem.rsplit_once(" at line ").unwrap_or((&problem, ""));
                format!("{place}: {problem}")
            }
            Category::Data => problem.to_string(),
            Category::Syntax | Category::Eof | Category::Io => format!("not JSON: {problem}"),
        }
    })?;
    json.end().map_err(|error| format!("something stands behind the document: {error}"))?;
    Ok(value)
}
