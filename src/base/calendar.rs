//! The Gregorian calendar in UTC (`nxt_gmtime`, `nxt_time_parse`).

/// Seconds of a day.
const DAY: i64 = 86_400;
/// Days of 400 years, after which the calendar repeats.
const ERA: i64 = 146_097;
/// Days from 1 March of year 0 to 1 January 1970.
const EPOCH: i64 = 719_468;

/// A moment in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The year, as 1970.
    pub year: i64,
    /// 0 for January.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 for Sunday.
    pub weekday: u8,
    /// 0 for 1 January.
    pub day_of_year: u16,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

/// Whether a year has a 29 February.
pub fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// How many days a month has; 0 is January.
pub fn days_of_month(year: i64, month: u8) -> u8 {
    match month {
        1 if is_leap(year) => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

/// The moment `seconds` after the epoch.
pub fn moment(seconds: i64) -> Moment {
    let (days, time) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    // Years are counted from 1 March, so that the day that leap years add is their last.
    let day = days.saturating_add(EPOCH);
    let (era, day_of_era) = (day.div_euclid(ERA), day.rem_euclid(ERA));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let march_day = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * march_day + 2) / 153;
    let after_new_year = march_month >= 10;
    let year = year_of_era + era * 400 + i64::from(after_new_year);
    let month = if after_new_year {
        march_month - 10
    } else {
        march_month + 2
    };
    let day_of_year = if after_new_year {
        march_day - 306
    } else {
        march_day + 59 + i64::from(is_leap(year))
    };
    // Each number is in the range that its field names.
    Moment {
        year,
        month: month as u8,
        day: (march_day - (153 * march_month + 2) / 5 + 1) as u8,
        weekday: (days + 4).rem_euclid(7) as u8,
        day_of_year: day_of_year as u16,
        hour: (time / 3600) as u8,
        minute: (time / 60 % 60) as u8,
        second: (time % 60) as u8,
    }
}

/// Seconds from the epoch to a date and time, which must exist.
pub fn seconds(year: i64, month: u8, day: u8, [hour, minute, second]: [u8; 3]) -> i64 {
    let (march_year, march_month) = if month >= 2 {
        (year, i64::from(month) - 2)
    } else {
        (year - 1, i64::from(month) + 10)
    };
    let (era, year_of_era) = (march_year.div_euclid(400), march_year.rem_euclid(400));
    let march_day = (153 * march_month + 2) / 5 + i64::from(day) - 1;
    let days =
        era * ERA + 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + march_day - EPOCH;
    days * DAY + i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_four_centuries_there_and_back() {
        let mut days = 0;
        for year in 1970..2400 {
            let mut day_of_year = 0;
            for month in 0..12 {
                for day in 1..=days_of_month(year, month) {
                    let expected = Moment {
                        year,
                        month,
                        day,
                        weekday: ((days + 4) % 7) as u8,
                        day_of_year,
                        hour: 23,
                        minute: 5,
                        second: 59,
                    };
                    let at = seconds(year, month, day, [23, 5, 59]);
                    assert_eq!(at, days * DAY + 23 * 3600 + 5 * 60 + 59);
                    assert_eq!(moment(at), expected);
                    days += 1;
                    day_of_year += 1;
                }
            }
        }
    }

    #[test]
    fn before_the_epoch_and_far_away() {
        assert_eq!(moment(-1).year, 1969);
        assert_eq!(moment(-1).day_of_year, 364);
        assert_eq!(moment(-1).weekday, 3);
        moment(i64::MAX);
        moment(i64::MIN);
    }
}
