//! Points in time: integer milliseconds in the file, ISO-8601 on the wire.

use std::{fmt, str::FromStr, time::Duration};

use jiff::{Span, SpanRelativeTo, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Milliseconds since 1970-01-01T00:00:00Z. `Display` is the form on the wire, `2026-03-01T10:15:00.000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub i64);

impl Time {
    /// Drops everything finer than a millisecond.
    pub(crate) fn from_timestamp(timestamp: Timestamp) -> Self {
        Self(timestamp.as_millisecond())
    }

    /// The time `ms` milliseconds later; `None` outside the years that can be written.
    pub(crate) fn plus(self, ms: i64) -> Option<Self> {
        let time = self.0.checked_add(ms)?;
        Timestamp::from_millisecond(time).is_ok().then_some(Self(time))
    }

    /// The form for HTTP headers, in whole seconds. Source: RFC 9110, section 5.6.7.
    pub(crate) fn http_date(self) -> String {
        Timestamp::from_millisecond(self.0).map_or_else(
            |_| self.0.to_string(),
            |timestamp| timestamp.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
        )
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_millisecond(self.0) {
            Ok(timestamp) => timestamp.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").fmt(f),
            // Only a file that was edited by hand holds such a number. It is shown as it is.
            Err(_) => self.0.fmt(f),
        }
    }
}

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = || {
            format!(
                "\"{text}\" is not an ISO-8601 time with at most milliseconds, such as \"2026-03-01T10:15:00.000Z\""
            )
        };
        let timestamp: Timestamp = text.parse().map_err(|_| expected())?;
        // If finer times were rounded, an export would differ from the file that was applied.
        if timestamp.subsec_nanosecond() % 1_000_000 == 0 {
            Ok(Self::from_timestamp(timestamp))
        } else {
            Err(expected())
        }
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A length of time: whole milliseconds, at least one. Written as `90d`, `12h` or `PT2H`; a day has 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeSpan(i64);

impl TimeSpan {
    pub(crate) const fn from_hours(hours: u32) -> Self {
        Self(hours as i64 * 3_600_000)
    }

    /// The end of a span that begins at `start`; `None` outside the years that can be written.
    pub(crate) fn end(self, start: Time) -> Option<Time> {
        start.plus(self.0)
    }

    pub(crate) fn to_std(self) -> Duration {
        Duration::from_millis(self.0.unsigned_abs())
    }
}

impl<'de> Deserialize<'de> for TimeSpan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl FromStr for TimeSpan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let span = text.parse::<Span>().ok();
        let duration = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
        let ms = duration.and_then(|duration| i64::try_from(duration.as_millis()).ok()).filter(|ms| *ms > 0);
        ms.map(Self).ok_or_else(|| "must be a duration above zero, such as 90d, 12h or PT2H".to_owned())
    }
}
