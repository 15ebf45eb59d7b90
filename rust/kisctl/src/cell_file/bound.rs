// SPDX-License-Identifier: GPL-2.0

//! The officer's bound on a parameter: exact, or about a value.

use crate::document::{
    Document,
    Fault, //
};
use kis_core::sense::stats::MAX_VALUE;
use serde::{
    Deserialize,
    Serialize, //
};

/// How far above its value a bound lies unless the file says otherwise, in percent.
const TOLERANCE: u32 = 50;

/// The officer's bound on a parameter: `max`, or `about` with a tolerance.
///
/// # Examples
///
/// ```
/// use kisctl::cell_file::Bound;
///
/// let bound = |text| serde_json::from_str::<Bound>(text).map(|bound| bound.limit());
/// assert_eq!(bound(r#"{"max": 3}"#)?, Some(3));
/// assert_eq!(bound(r#"{"about": 5}"#)?, Some(8));
/// assert_eq!(bound(r#"{"about": 5, "tolerance_percent": 20}"#)?, Some(6));
/// assert_eq!(bound("{}")?, None);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the schema documents the keys")]
pub struct Bound {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance_percent: Option<u32>,
}

impl Bound {
    /// The greatest value that is fine, rounded up; `None` when it says none.
    pub fn limit(&self) -> Option<u64> {
        let around = |about: u64| {
            let percent = u128::from(self.tolerance_percent.unwrap_or(TOLERANCE));
            let more = (u128::from(about) * percent).div_ceil(100);
            let limit = u64::try_from(u128::from(about) + more).unwrap_or(u64::MAX);
            // Greater values are cut there.
            limit.min(MAX_VALUE)
        };
        self.max.or_else(|| self.about.map(around))
    }

    /// What is wrong with it.
    pub(super) fn fault(&self, document: &Document, pointer: &str) -> Option<Fault> {
        let (message, next) = match (self.max, self.about, self.tolerance_percent) {
            (Some(_), Some(_), _) => ("the bound has max and about", "keep one of them"),
            (None, None, _) => (
                "the bound has no value",
                "write {\"max\": N}, or {\"about\": N, \"tolerance_percent\": P}",
            ),
            (Some(_), None, Some(_)) => (
                "the bound has a tolerance, and max is exact",
                "write about for max, or take tolerance_percent away",
            ),
            _ => return None,
        };
        Some(document.fault(pointer, message, next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_rounded_up_and_cut_where_values_are() {
        for (about, percent, want) in [
            (0, None, 0),
            (1, None, 2),
            (5, None, 8),
            (5, Some(0), 5),
            (100, Some(1), 101),
            (10, Some(1), 11),
            (MAX_VALUE, Some(10_000), MAX_VALUE),
            (u64::MAX, Some(u32::MAX), MAX_VALUE),
        ] {
            let bound = Bound {
                about: Some(about),
                tolerance_percent: percent,
                ..Bound::default()
            };
            assert_eq!(bound.limit(), Some(want), "{about} {percent:?}");
        }
    }
}
