// SPDX-License-Identifier: GPL-2.0

//! Which signatures were told already. Floor 0, pure; context: any.

/// So many are remembered; behind them one may be told again.
pub const TOLD: usize = 8;

/// Signatures that were told.
///
/// # Examples
///
/// ```
/// use kis_core::matching::told::Told;
///
/// let mut told = Told::new();
/// assert!(told.is_first(7) && told.is_first(9) && !told.is_first(7));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Told {
    sigs: [u32; TOLD],
    len: usize,
}

impl Default for Told {
    fn default() -> Self {
        Self::new()
    }
}

impl Told {
    /// None.
    pub const fn new() -> Self {
        Self {
            sigs: [0; TOLD],
            len: 0,
        }
    }

    /// Whether a signature was not told yet, as far as this remembers; it is now.
    pub fn is_first(&mut self, sig: usize) -> bool {
        // CAST: there are at most MAX_SIGNATURES.
        let sig = sig as u32;
        if self.sigs.iter().take(self.len).any(|told| *told == sig) {
            return false;
        }
        if let Some(place) = self.sigs.get_mut(self.len) {
            *place = sig;
            self.len = self.len.saturating_add(1);
        }
        true
    }
}
