// SPDX-License-Identifier: GPL-2.0

//! How often a signature has to match, as its file has it, in Suricata's words.

use kis_core::matching::threshold::{
    self,
    Kind,
    Track, //
};
use serde::{
    Deserialize,
    Serialize, //
};

/// How often a signature has to match, or is told.
///
/// # Examples
///
/// ```
/// use kisctl::signature_file::Threshold;
///
/// let text = r#"{"type": "both", "track": "by_src", "count": 5, "seconds": 60}"#;
/// let threshold: Threshold = serde_json::from_str(text)?;
/// assert_eq!(threshold.for_kernel().map(|own| own.count), Some(5));
/// assert_eq!(Threshold { count: 0, ..threshold }.for_kernel(), None);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the schema documents the keys")]
pub struct Threshold {
    #[serde(rename = "type")]
    pub kind: Type,
    pub track: By,
    pub count: u32,
    pub seconds: u32,
}

/// What the count decides; [`Kind`] says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the schema documents them")]
pub enum Type {
    Limit,
    Threshold,
    Both,
    DetectionFilter,
}

/// For whom it is counted; [`Track`] says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the schema documents them")]
pub enum By {
    BySrc,
    ByDst,
    ByBoth,
    ByRule,
}

impl Threshold {
    /// As the kernel has it; `None` where a number is out of its bounds.
    pub fn for_kernel(&self) -> Option<threshold::Threshold> {
        let threshold = threshold::Threshold {
            kind: match self.kind {
                Type::Limit => Kind::Limit,
                Type::Threshold => Kind::Threshold,
                Type::Both => Kind::Both,
                Type::DetectionFilter => Kind::DetectionFilter,
            },
            track: match self.track {
                By::BySrc => Track::Source,
                By::ByDst => Track::Destination,
                By::ByBoth => Track::Both,
                By::ByRule => Track::Rule,
            },
            count: self.count,
            seconds: self.seconds,
        };
        threshold.is_good().then_some(threshold)
    }
}
