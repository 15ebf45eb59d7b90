// SPDX-License-Identifier: GPL-2.0

//! A parameter above one of its lines. Floor 0, pure.

use crate::wire::abi::Param;

table! {
    /// A parameter above a threshold or bound; the cause says which.
    ///
    /// # Examples
    ///
    /// ```
    /// use kis_core::wire::abi::Param;
    /// use kis_core::wire::record::Crossing;
    ///
    /// let crossing = Crossing { param: Param::Execs as u16, observed: 9, ..Crossing::ZERO };
    /// assert_eq!(crossing.param(), Some(Param::Execs));
    /// assert_eq!(Crossing::BYTES, 40);
    /// ```
    Crossing {
        /// Value of the parameter in this window so far.
        observed: u64,
        /// The line that was crossed.
        threshold: u64,
        /// Learned mean, 16 fractional bits.
        mean: u64,
        /// Learned deviation, 16 fractional bits.
        deviation: u64,
        /// Windows learned.
        windows: u32,
        /// Number of a [`Param`].
        param: u16,
        /// Zero.
        reserved: u16,
    }
}

impl Crossing {
    /// The parameter, if it is known.
    pub const fn param(&self) -> Option<Param> {
        Param::from_u16(self.param)
    }
}
