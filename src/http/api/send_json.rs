//! JSON as the body of a send can have it: with repeated keys, and with integers apart from other numbers.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

/// A JSON value, as far as a send can have it.
pub(super) enum JsonValue {
    Object(Vec<(String, JsonValue)>),
    String(String),
    /// A number without fraction and exponent, within 64 bits.
    Integer(i64),
    /// A number with a fraction or an exponent, without its fraction.
    Fraction(i64),
    /// A number that 64 bits cannot hold.
    OutOfRange,
    Null,
    /// true, false, or an array.
    Other,
}

impl<'de> Deserialize<'de> for JsonValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = JsonValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonValue, A::Error> {
        let mut entries = Vec::with_capacity(2);
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(JsonValue::Object(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<JsonValue, A::Error> {
        while seq.next_element::<JsonValue>()?.is_some() {}
        Ok(JsonValue::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<JsonValue, E> {
        Ok(JsonValue::String(text.to_owned()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<JsonValue, E> {
        Ok(JsonValue::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<JsonValue, E> {
        Ok(i64::try_from(number).map_or(JsonValue::OutOfRange, JsonValue::Integer))
    }

    fn visit_f64<E>(self, number: f64) -> Result<JsonValue, E> {
        // Its digits, not a cast: that would make every large number the largest integer.
        Ok(number.trunc().to_string().parse().map_or(JsonValue::OutOfRange, JsonValue::Fraction))
    }

    fn visit_bool<E>(self, _: bool) -> Result<JsonValue, E> {
        Ok(JsonValue::Other)
    }

    fn visit_unit<E>(self) -> Result<JsonValue, E> {
        Ok(JsonValue::Null)
    }
}
