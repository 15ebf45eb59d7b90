// SPDX-License-Identifier: GPL-2.0

//! The options `threshold` and `detection_filter` of rules (Suricata User Guide, "Thresholding Keywords").

use crate::signature_file::Threshold;
use serde_json::{
    json,
    Value, //
};

/// The threshold that an option of this name says; the error says why it is none.
///
/// # Errors
///
/// What cannot be counted so.
///
/// # Examples
///
/// ```
/// use kisctl::import::threshold::threshold;
///
/// let value = "type limit, track by_src, seconds 60, count 1";
/// assert_eq!(threshold("threshold", value).map(|own| own.seconds), Ok(60));
/// assert!(threshold("detection_filter", "track by_dst, count 5, seconds 10").is_ok());
/// assert!(threshold("threshold", "type limit, track by_flow, seconds 60, count 1").is_err());
/// ```
pub fn threshold(option: &str, value: &str) -> Result<Threshold, String> {
    let mut object = json!({});
    if option == "detection_filter" {
        object["type"] = option.into();
    }
    for pair in value.split(',') {
        let mut words = pair.split_whitespace();
        let (Some(key), Some(word), None) = (words.next(), words.next(), words.next()) else {
            return Err(format!("{option}: \"{}\"", pair.trim()));
        };
        let is_new = object.get(key).is_none();
        if !is_new || !matches!(key, "type" | "track" | "count" | "seconds") {
            return Err(format!("{option}: {key}"));
        }
        object[key] = word
            .parse::<u32>()
            .map_or_else(|_| word.into(), Value::from);
    }
    let threshold: Threshold =
        serde_json::from_value(object).map_err(|why| format!("{option}: {why}"))?;
    let is_good = threshold.for_kernel().is_some();
    is_good
        .then_some(threshold)
        .ok_or_else(|| format!("{option}: its numbers"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature_file::threshold::{
        By,
        Type, //
    };

    #[test]
    fn options_are_read_in_any_order() {
        let of = |text| threshold("threshold", text);
        let want = Threshold {
            kind: Type::Both,
            track: By::ByRule,
            count: 3,
            seconds: 9,
        };
        for text in [
            "type both, track by_rule, count 3, seconds 9",
            "seconds 9,count 3,  track by_rule,type both",
        ] {
            assert_eq!(of(text), Ok(want));
        }
    }

    #[test]
    fn what_cannot_be_counted_is_refused() {
        for (option, text) in [
            ("threshold", "track by_src, count 3, seconds 9"),
            (
                "threshold",
                "type both, type both, track by_src, count 3, seconds 9",
            ),
            (
                "threshold",
                "type backoff, track by_src, count 3, multiplier 10",
            ),
            ("threshold", "type limit, track by_src, count 0, seconds 9"),
            (
                "threshold",
                "type limit, track by_src, count 3, seconds 604801",
            ),
            ("threshold", "type limit, track by_src, count 3"),
            (
                "threshold",
                "type limit, track by_src, count three, seconds 9",
            ),
            (
                "threshold",
                "type limit, track by_src, count 3 or 4, seconds 9",
            ),
            ("threshold", ""),
            (
                "detection_filter",
                "type limit, track by_src, count 3, seconds 9",
            ),
        ] {
            assert!(threshold(option, text).is_err(), "{option}: {text}");
        }
    }
}
