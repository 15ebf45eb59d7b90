// SPDX-License-Identifier: GPL-2.0

//! From how many targets on it is a scan of the host, as the cell file has it.

use crate::document::{
    Document,
    Fault, //
};
use kis_core::matching::scans::limits::{
    Limits,
    LINE, //
};
use serde::{
    Deserialize,
    Serialize, //
};

/// Settings for scans. Where the file has none, nobody looks for scans.
///
/// # Examples
///
/// ```
/// use kis_core::matching::scans::limits::Limits;
/// use kisctl::cell_file::scans::Scans;
///
/// let usual: Scans = serde_json::from_str("{}")?;
/// assert_eq!(usual.limits(), Limits::USUAL);
/// let ban: Scans = serde_json::from_str(r#"{"within_6h": 0, "ban_s": 600}"#)?;
/// assert_eq!((ban.limits().lines, ban.limits().ban_s), ([16, 24, 0], 600));
/// assert_eq!(Scans::of(ban.limits()), ban);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the schema documents the keys")]
pub struct Scans {
    pub within_10s: u8,
    pub within_10min: u8,
    pub within_6h: u8,
    pub ban_s: u32,
}

impl Default for Scans {
    fn default() -> Self {
        Self::of(Limits::USUAL)
    }
}

impl Scans {
    /// As the file has what the kernel has.
    pub fn of(limits: Limits) -> Self {
        let [within_10s, within_10min, within_6h] = limits.lines;
        Self {
            within_10s,
            within_10min,
            within_6h,
            ban_s: limits.ban_s,
        }
    }

    /// As the kernel has it.
    pub fn limits(&self) -> Limits {
        Limits {
            lines: [self.within_10s, self.within_10min, self.within_6h],
            ban_s: self.ban_s,
        }
    }

    /// What is wrong with it, if anything.
    pub(super) fn fault(&self, document: &Document) -> Option<Fault> {
        let lines = [
            ("within_10s", self.within_10s),
            ("within_10min", self.within_10min),
            ("within_6h", self.within_6h),
        ];
        let (least, _) = LINE;
        if let Some((key, line)) = lines.iter().find(|(_, line)| (1..least).contains(line)) {
            return Some(document.fault(
                &format!("/scans/{key}"),
                format!("whoever means no harm has {line} targets as well"),
                "give 3 to 96, or 0 to leave it out",
            ));
        }
        lines.iter().all(|(_, line)| *line == 0).then(|| {
            document.fault(
                "/scans",
                "with no number of targets at all nothing is a scan",
                "give one of within_10s, within_10min and within_6h, or leave scans out",
            )
        })
    }
}
