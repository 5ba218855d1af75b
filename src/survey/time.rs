//! Points in time: integer milliseconds in the file, ISO-8601 on the wire.

use std::{fmt, str::FromStr, time::Duration};

use jiff::{
    SignedDuration, Span, SpanRelativeTo, Timestamp,
    civil::{self, DateTime},
    fmt::temporal::Pieces,
    tz::Offset,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

const EPOCH: DateTime = civil::date(1970, 1, 1).at(0, 0, 0, 0);

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
        Self(time).civil().map(|_| Self(time))
    }

    /// Date and time of day in UTC; `None` outside the years that can be written. A `Timestamp` of jiff ends a day earlier.
    fn civil(self) -> Option<DateTime> {
        self.civil_at(Offset::UTC)
    }

    /// The same at an offset from UTC.
    pub(crate) fn civil_at(self, offset: Offset) -> Option<DateTime> {
        let local = SignedDuration::from_millis(self.0).checked_add(SignedDuration::from_secs(offset.seconds().into()));
        EPOCH.checked_add(local?).ok().filter(|time| time.year() >= 0)
    }

    /// The time of a date and time of day at an offset from UTC.
    pub(crate) fn from_civil(local: DateTime, offset: Offset) -> Self {
        // Every date of jiff is within these.
        let ms = i64::try_from(local.duration_since(EPOCH).as_millis()).unwrap_or(i64::MAX);
        Self(ms.saturating_sub(1000 * i64::from(offset.seconds())))
    }

    /// The form for HTTP headers, in whole seconds. Source: RFC 9110, section 5.6.7.
    pub(crate) fn http_date(self) -> String {
        self.civil().map_or_else(|| self.0.to_string(), |time| time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.civil() {
            Some(time) => time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").fmt(f),
            // Only a file that was edited by hand holds such a number. It is shown as it is.
            None => self.0.fmt(f),
        }
    }
}

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let format = || {
            format!(
                "\"{text}\" is not an ISO-8601 time with at most milliseconds, such as \"2026-03-01T10:15:00.000Z\""
            )
        };
        let range = || {
            format!(
                "\"{text}\" is out of range: it must be a day and a time that exist, from 0000-01-01T00:00:00.000Z to 9999-12-31T23:59:59.999Z"
            )
        };
        let pieces =
            Pieces::parse(text).map_err(|error| if is_out_of_range(&error, text) { range() } else { format() })?;
        let (Some(time), Some(offset)) = (pieces.time(), pieces.to_numeric_offset()) else { return Err(format()) };
        // If finer times were rounded, an export would differ from the file that was applied.
        if time.subsec_nanosecond() % 1_000_000 != 0 {
            return Err(format());
        }
        let local = pieces.date().to_datetime(time).duration_since(EPOCH);
        let utc = local.checked_sub(SignedDuration::from_secs(offset.seconds().into()));
        let ms = utc.and_then(|utc| i64::try_from(utc.as_millis()).ok());
        let utc = ms.map(Self).filter(|time| time.civil().is_some());
        utc.ok_or_else(range)
    }
}

/// Whether a text has the form of a time, with a number that is too great or a day that does not exist.
fn is_out_of_range(error: &jiff::Error, text: &str) -> bool {
    // jiff reads four digits of a year, or a sign and six.
    let year = text.trim_start_matches(['+', '-']).split('-').next().unwrap_or_default();
    error.is_range() || (year.len() > 4 && text.contains('T') && year.bytes().all(|byte| byte.is_ascii_digit()))
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

/// The digits of the greatest number of nanoseconds that jiff reads.
const LONGEST_NUMBER: usize = 19;

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

    /// The start of a span that ends at `end`; `None` outside the years that can be written.
    pub(crate) fn start(self, end: Time) -> Option<Time> {
        end.plus(-self.0)
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
        let format = "must be a duration such as 90d, 12h or PT2H";
        let range = "is too long; it must be less than 10000 years, such as 90d, 12h or PT2H";
        let number =
            text.trim_start_matches(['P', 'T']).split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        let span = match text.parse::<Span>() {
            Ok(span) => span,
            // A number that fits no unit: what follows it is not looked at.
            Err(error) => {
                return Err(if error.is_range() || number.len() > LONGEST_NUMBER { range } else { format }.to_owned());
            }
        };
        let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| format.to_owned())?;
        match i64::try_from(duration.as_millis()) {
            Err(_) => Err(range.to_owned()),
            Ok(ms) if ms <= 0 => Err("must be a duration above zero, such as 90d, 12h or PT2H".to_owned()),
            Ok(ms) => Ok(Self(ms)),
        }
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

    #[rstest]
    #[case("9999-12-31T23:59:59.999Z")]
    #[case("0000-01-01T00:00:00.000Z")]
    fn the_first_and_the_last_time_are_written_as_they_are_read(#[case] text: &str) {
        assert_eq!(text.parse::<Time>().map(|time| time.to_string()), Ok(text.to_owned()));
    }

    #[rstest]
    #[case("9999-12-31T23:59:59.999-00:01")]
    #[case("0000-01-01T00:00:00.000+00:01")]
    #[case("10000-01-01T00:00:00.000Z")]
    #[case("-000001-12-31T00:00:00.000Z")]
    #[case("2026-02-30T00:00:00.000Z")]
    #[case("2026-13-01T00:00:00.000Z")]
    #[case("2026-03-01T25:00:00.000Z")]
    fn a_time_out_of_range_is_called_so(#[case] text: &str) {
        let error = text.parse::<Time>().expect_err("it must be refused");
        assert!(error.starts_with(&format!("\"{text}\" is out of range: ")), "{error}");
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
        assert_eq!(span.start(Time(3)), Some(Time(3 - ms)));
        assert_eq!(serde_json::from_value::<TimeSpan>(text.into()).expect("a span"), span);
        assert_eq!(TimeSpan::from_hours(2).to_std(), Duration::from_hours(2));
    }

    #[rstest]
    #[case("0s")]
    #[case("-1s")]
    #[case("1us")]
    fn a_span_is_above_zero(#[case] text: &str) {
        let error = text.parse::<TimeSpan>().expect_err("it must be refused");
        assert_eq!(error, "must be a duration above zero, such as 90d, 12h or PT2H");
    }

    #[rstest]
    #[case("5", "must be a duration such as 90d, 12h or PT2H")]
    #[case("soon", "must be a duration such as 90d, 12h or PT2H")]
    #[case("20000y", "is too long; it must be less than 10000 years, such as 90d, 12h or PT2H")]
    #[case("99999999999999999999d", "is too long; it must be less than 10000 years, such as 90d, 12h or PT2H")]
    fn a_span_out_of_range_is_called_so(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(text.parse::<TimeSpan>().expect_err("it must be refused"), expected);
    }
}
