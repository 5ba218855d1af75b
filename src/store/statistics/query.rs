//! What is asked of the statistics: which time, and what is counted together. The route and the command ask with the same words.

use std::str::FromStr;

use jiff::{
    civil::{Date, DateTime},
    tz::Offset,
};

use crate::store::statistics::MINUTE_MS;
use crate::survey::{moment::Moment, time::Time};

/// How long a time the statistics show where nothing else is asked for, in days.
const DEFAULT_DAYS: i64 = 30;

/// The parts of time that are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TimeUnit {
    Minute,
    Hour,
    Day,
    Month,
}

/// What is counted together: any of a unit of time, the form and the channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Grouping {
    unit: Option<TimeUnit>,
    pub(super) by_form: bool,
    pub(super) by_channel: bool,
}

impl FromStr for Grouping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut grouping = Self::default();
        for name in text.split(',').map(str::trim) {
            let unit = match name {
                "minute" => TimeUnit::Minute,
                "hour" => TimeUnit::Hour,
                "day" => TimeUnit::Day,
                "month" => TimeUnit::Month,
                "form" if !grouping.by_form => {
                    grouping.by_form = true;
                    continue;
                }
                "channel" if !grouping.by_channel => {
                    grouping.by_channel = true;
                    continue;
                }
                _ => return Err(format!("must be {}", Self::EXPECTED)),
            };
            if grouping.unit.replace(unit).is_some() {
                return Err(format!("must be {}", Self::EXPECTED));
            }
        }
        Ok(grouping)
    }
}

impl Grouping {
    const EXPECTED: &str = "minute, hour, day or month, with form, channel or both, such as day,form";
}

/// The offset of a time zone from UTC, such as `+03:00`; it decides where days and months begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Zone(Offset);

impl Zone {
    const EXPECTED: &str = "an offset from UTC such as +03:00, or Z";
    pub(crate) const UTC: Self = Self(Offset::UTC);
}

impl FromStr for Zone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || format!("must be {}", Self::EXPECTED);
        if text == "Z" {
            return Ok(Self::UTC);
        }
        // Only as an offset is written, and not as all that jiff reads.
        let [sign @ (b'+' | b'-'), b'0'..=b'9', b'0'..=b'9', b':', b'0'..=b'5', b'0'..=b'9'] = text.as_bytes() else {
            return Err(error());
        };
        let number = |range: std::ops::Range<usize>| text.get(range).and_then(|digits| digits.parse::<i32>().ok());
        let (Some(hours), Some(minutes)) = (number(1..3), number(4..6)) else { return Err(error()) };
        let seconds = (hours * 60 + minutes) * 60 * if *sign == b'-' { -1 } else { 1 };
        // No zone is further from UTC.
        Offset::from_seconds(seconds).ok().filter(|_| hours <= 14).map(Self).ok_or_else(error)
    }
}

impl std::fmt::Display for Zone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let minutes = self.0.seconds() / 60;
        if minutes == 0 {
            return f.write_str("Z");
        }
        let sign = if minutes < 0 { '-' } else { '+' };
        write!(f, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StatisticsQuery {
    pub(crate) from: Time,
    /// What is at this time and later is not counted.
    pub(crate) to: Time,
    pub(crate) grouping: Grouping,
    pub(crate) zone: Zone,
}

impl StatisticsQuery {
    /// Each is as the caller has written it, if they have. Without them: the last thirty days, by day.
    ///
    /// Errors: one sentence: the time ends before it begins.
    pub(crate) fn new(
        (from, to): (Option<Moment>, Option<Moment>),
        grouping: Option<Grouping>,
        zone: Option<Zone>,
        now: Time,
    ) -> Result<Self, String> {
        let zone = zone.unwrap_or(Zone::UTC);
        let time = |moment: Moment| moment.time_at(now, zone.0);
        // The present minute is not over, and counts.
        let to = to.map_or_else(|| now.plus(MINUTE_MS).unwrap_or(now), time);
        let from = from.map_or_else(|| now.plus(DEFAULT_DAYS * -24 * 60 * MINUTE_MS).unwrap_or(now), time);
        if from > to {
            return Err(format!("from must be before to, and {from} is after {to}"));
        }
        let grouping = grouping.unwrap_or(Grouping { unit: Some(TimeUnit::Day), ..Grouping::default() });
        Ok(Self { from, to, grouping, zone })
    }

    /// The beginning of the unit of time that a minute is counted in; none without a unit.
    pub(super) fn start(&self, minute: i64) -> Option<Time> {
        let time = Time(minute.saturating_mul(MINUTE_MS));
        let unit = self.grouping.unit?;
        let offset = self.zone.0;
        Some(time.civil_at(offset).map_or(time, |local| Time::from_civil(unit.start(local), offset)))
    }
}

impl TimeUnit {
    fn start(self, local: DateTime) -> DateTime {
        let date: Date = local.date();
        match self {
            Self::Minute => date.at(local.hour(), local.minute(), 0, 0),
            Self::Hour => date.at(local.hour(), 0, 0, 0),
            Self::Day => date.at(0, 0, 0, 0),
            Self::Month => date.first_of_month().at(0, 0, 0, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn query(by: &str, zone: &str) -> StatisticsQuery {
        let grouping = by.parse().expect("a grouping");
        let zone = zone.parse().expect("a zone");
        StatisticsQuery::new((None, None), Some(grouping), Some(zone), Time(0)).expect("a query")
    }

    #[rstest]
    #[case("minute", "Z", "2026-11-26T23:45:00.000Z")]
    #[case("hour", "+05:30", "2026-11-26T23:30:00.000Z")]
    #[case("day", "Z", "2026-11-26T00:00:00.000Z")]
    #[case("day", "+03:00", "2026-11-26T21:00:00.000Z")]
    #[case("form,day", "-03:30", "2026-11-26T03:30:00.000Z")]
    #[case("month", "Z", "2026-11-01T00:00:00.000Z")]
    #[case("month, channel", "+14:00", "2026-10-31T10:00:00.000Z")]
    fn a_minute_is_counted_in_its_unit(#[case] by: &str, #[case] zone: &str, #[case] expected: &str) {
        let time: Time = "2026-11-26T23:45:59.999Z".parse().expect("a time");
        let start = query(by, zone).start(time.0.div_euclid(MINUTE_MS));
        assert_eq!(start.map(|start| start.to_string()), Some(expected.to_owned()));
    }

    #[test]
    fn without_a_unit_all_minutes_are_counted_together() {
        assert_eq!(query("form,channel", "Z").start(7), None);
    }

    #[rstest]
    #[case("")]
    #[case("week")]
    #[case("day,hour")]
    #[case("form,form")]
    #[case("day,")]
    fn any_other_grouping_is_refused(#[case] text: &str) {
        assert_eq!(text.parse::<Grouping>(), Err(format!("must be {}", Grouping::EXPECTED)));
    }

    #[rstest]
    #[case("")]
    #[case("3")]
    #[case("+3:00")]
    #[case("+15:00")]
    #[case("+03:60")]
    #[case("Europe/Moscow")]
    fn any_other_zone_is_refused(#[case] text: &str) {
        assert_eq!(text.parse::<Zone>(), Err(format!("must be {}", Zone::EXPECTED)));
    }

    #[rstest]
    #[case("Z")]
    #[case("+03:00")]
    #[case("-09:30")]
    fn a_zone_is_shown_as_it_was_given(#[case] text: &str) {
        assert_eq!(text.parse::<Zone>().expect("a zone").to_string(), text);
    }
}
