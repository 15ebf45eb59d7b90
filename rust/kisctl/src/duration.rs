// SPDX-License-Identifier: GPL-2.0

//! Times that a person gives: `90`, `90s`, `10m`, `2h`, `3d`.

/// Seconds of each unit; without one a number is seconds.
const UNITS: [(&str, u64); 5] = [("", 1), ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];

/// The seconds of a time.
///
/// # Errors
///
/// A text for what is none.
///
/// # Examples
///
/// ```
/// use kisctl::duration::seconds;
///
/// assert_eq!(seconds("10m"), Ok(600));
/// assert_eq!(seconds("90"), Ok(90));
/// assert!(seconds("soon").is_err());
/// ```
pub fn seconds(text: &str) -> Result<u64, String> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = UNITS.iter().find(|(name, _)| *name == unit);
    let number: Option<u64> = number.parse().ok();
    number
        .zip(factor)
        .and_then(|(number, (_, factor))| number.checked_mul(*factor))
        .ok_or_else(|| "no time like 90, 90s, 10m, 2h or 3d".to_owned())
}

/// Reads a time of at least `least` and at most `most` seconds.
///
/// # Examples
///
/// ```
/// let parse = kisctl::duration::within(1, 3600);
/// assert_eq!(parse("1h"), Ok(3600));
/// assert_eq!(parse("2h"), Err("7200 s is not between 1 and 3600 s".to_owned()));
/// ```
pub fn within(least: u32, most: u32) -> impl Fn(&str) -> Result<u32, String> + Clone {
    move |text| {
        let time = seconds(text)?;
        let fits = u32::try_from(time)
            .ok()
            .filter(|time| (least..=most).contains(time));
        fits.ok_or_else(|| format!("{time} s is not between {least} and {most} s"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_people() {
        for (text, want) in [("0", 0), ("5s", 5), ("2h", 7200), ("3d", 259_200)] {
            assert_eq!(seconds(text), Ok(want));
        }
        for bad in [
            "",
            "m",
            "-1",
            "1.5h",
            "10 m",
            "10min",
            "99999999999999999999",
            "999999999999999999d",
        ] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
