// SPDX-License-Identifier: GPL-2.0

//! Any bytes between two things that a rule looks for.

/// Longest gap that is written out.
pub const MAX_GAP: u32 = 300;

/// Bytes between two things, or before the first: at least so many, and at most.
pub type Gap = (u32, Option<u32>);

/// Anywhere.
pub const ANYWHERE: Gap = (0, None);

/// Any bytes, so many.
pub fn any(gap: Gap) -> Result<String, String> {
    let far = |n: u32| format!("has a gap of more than {MAX_GAP} bytes ({n})");
    match gap {
        (0, Some(0)) => Ok(String::new()),
        (0, None) => Ok("(?s:.*)".to_owned()),
        (least, _) if least > MAX_GAP => Err(far(least)),
        (least, None) => Ok(format!("(?s:.{{{least},}})")),
        (_, Some(most)) if most > MAX_GAP => Err(far(most)),
        (least, Some(most)) if least == most => Ok(format!("(?s:.{{{least}}})")),
        (least, Some(most)) => Ok(format!("(?s:.{{{least},{most}}})")),
    }
}
