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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_time_has_one_form_on_the_wire_and_one_in_headers() {
        let time: Time = "2026-03-01T11:15:00.250+01:00".parse().expect("a time");
        assert_eq!(time, Time(1_772_360_100_250));
        assert_eq!(time.to_string(), "2026-03-01T10:15:00.250Z");
        assert_eq!(time.http_date(), "Sun, 01 Mar 2026 10:15:00 GMT");
        let json = serde_json::to_string(&time).expect("JSON");
        assert_eq!(json, "\"2026-03-01T10:15:00.250Z\"");
        assert_eq!(serde_json::from_str::<Time>(&json).expect("a time"), time);
        assert_eq!(
            (Time(i64::MAX).to_string(), Time(i64::MAX).http_date()),
            (i64::MAX.to_string(), i64::MAX.to_string())
        );
    }

    #[rstest]
    #[case("2026-03-01T10:15:00.0001Z")]
    #[case("2026-03-01T10:15:00.001000001Z")]
    #[case("2026-03-01")]
    fn a_time_has_at_most_milliseconds(#[case] text: &str) {
        let error = text.parse::<Time>().expect_err("it must be refused");
        assert!(error.starts_with(&format!("\"{text}\" is not an ISO-8601 time with at most milliseconds")), "{error}");
    }

    #[test]
    fn a_sum_of_times_can_be_written() {
        assert_eq!(Time(5).plus(7), Some(Time(12)));
        assert_eq!(Time(5).plus(i64::MAX), None);
        assert_eq!(Time(5).plus(i64::MAX - 5), None);
    }

    #[rstest]
    #[case("90d", 90 * 86_400_000)]
    #[case("PT2H", 7_200_000)]
    #[case("1ms", 1)]
    fn a_span_is_in_milliseconds(#[case] text: &str, #[case] ms: i64) {
        let span: TimeSpan = text.parse().expect("a span");
        assert_eq!(span.to_std().as_millis(), u128::from(ms.unsigned_abs()));
        assert_eq!(span.end(Time(3)), Some(Time(3 + ms)));
        assert_eq!(serde_json::from_value::<TimeSpan>(text.into()).expect("a span"), span);
        assert_eq!(TimeSpan::from_hours(2).to_std(), Duration::from_hours(2));
    }

    #[rstest]
    #[case("0s")]
    #[case("-1s")]
    #[case("1us")]
    #[case("5")]
    fn a_span_is_above_zero(#[case] text: &str) {
        let error = text.parse::<TimeSpan>().expect_err("it must be refused");
        assert_eq!(error, "must be a duration above zero, such as 90d, 12h or PT2H");
    }
}
