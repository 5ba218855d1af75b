//! Reading a document of the model, with the place of what is wrong in it.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::error::Category;

/// Reads a whole document: a world file, or a row of one.
///
/// Errors: one sentence that begins with the place, `threads[3].status: unknown variant …`.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let mut json = serde_json::Deserializer::from_str(text);
    let Object(value) = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let place = error.path().to_string();
        let problem = error.into_inner();
        match problem.classify() {
            // The place says more than the line and column that serde_json adds.
            Category::Data => {
                let problem = problem.to_string();
                let (problem, _) = problem.rsplit_once(" at line ").unwrap_or((&problem, ""));
                if place == "." { problem.to_owned() } else { format!("{place}: {problem}") }
            }
            Category::Syntax | Category::Eof | Category::Io => format!("not JSON: {problem}"),
        }
    })?;
    json.end().map_err(|error| format!("something stands behind the document: {error}"))?;
    Ok(value)
}

/// A value that is written as a JSON object, and not as the array of its fields that serde takes for a struct as well.
#[derive(Debug)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapOnly<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for MapOnly<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_map(MapOnly(PhantomData)).map(Self)
    }
}
