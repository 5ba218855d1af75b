//! A point in time as administrators name it: a time, a date, or how long ago.

use std::str::FromStr;

use jiff::{civil::Date, tz::Offset};

use crate::survey::time::{Time, TimeSpan};

/// A time, the midnight at which a date begins, or a span before now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    At(Time),
    On(Date),
    Ago(TimeSpan),
}

impl Moment {
    /// The time that it names; a date begins in UTC. `now` is that of the clock that the rows are written by.
    pub(crate) fn time(self, now: Time) -> Time {
        self.time_at(now, Offset::UTC)
    }

    /// The same, where a date begins at this offset from UTC.
    pub(crate) fn time_at(self, now: Time, offset: Offset) -> Time {
        match self {
            Self::At(time) => time,
            Self::On(date) => Time::from_civil(date.at(0, 0, 0, 0), offset),
            // Before the first year there is nothing.
            Self::Ago(span) => span.start(now).unwrap_or(Time(i64::MIN)),
        }
    }
}

/// The times of `since` and `until`.
///
/// Errors: no time is between them.
pub(crate) fn between(
    since: Option<Moment>,
    until: Option<Moment>,
    now: Time,
) -> Result<[Option<Time>; 2], &'static str> {
    let [since, until] = [since, until].map(|moment| moment.map(|moment| moment.time(now)));
    match (since, until) {
        (Some(since), Some(until)) if since >= until => Err("since must be earlier than until"),
        _ => Ok([since, until]),
    }
}

/// What a moment can be, for the sentences that refuse another text.
const EXPECTED: &str =
    "a time such as 2026-03-01T10:15:00Z, a date such as 2026-03-01, or a span before now such as 7d";

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let date = || text.parse::<Date>().ok().filter(|date| date.to_string() == text && date.year() >= 0);
        let span = || text.strip_suffix(" ago").unwrap_or(text).parse();
        let time = text.parse().ok().map(Self::At).or_else(|| date().map(Self::On));
        time.or_else(|| span().ok().map(Self::Ago)).ok_or_else(|| format!("must be {EXPECTED}"))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("2026-03-08T01:00:00.250+01:00", "2026-03-08T00:00:00.250Z")]
    #[case("2026-03-08", "2026-03-08T00:00:00.000Z")]
    #[case("7d", "2026-03-01T12:00:00.000Z")]
    #[case("7d ago", "2026-03-01T12:00:00.000Z")]
    #[case("2h 30m ago", "2026-03-08T09:30:00.000Z")]
    #[case("PT1H", "2026-03-08T11:00:00.000Z")]
    fn a_moment_is_a_time_a_date_or_a_span(#[case] text: &str, #[case] expected: &str) {
        let now = "2026-03-08T12:00:00Z".parse().expect("a time");
        let moment: Moment = text.parse().expect(text);
        assert_eq!(moment.time(now).to_string(), expected);
    }

    #[rstest]
    #[case("")]
    #[case("yesterday")]
    #[case("2026-02-30")]
    #[case("2026-03-01 10:15")]
    #[case("0d")]
    #[case("-7d")]
    #[case("20000y")]
    fn any_other_text_is_refused(#[case] text: &str) {
        assert_eq!(text.parse::<Moment>(), Err(format!("must be {EXPECTED}")));
    }

    #[test]
    fn a_span_may_begin_before_the_first_year() {
        assert_eq!("3000000d".parse::<Moment>().expect("a span").time(Time(0)), Time(i64::MIN));
    }
}
