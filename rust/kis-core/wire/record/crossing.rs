// SPDX-License-Identifier: GPL-2.0

//! A parameter above one of its lines. Floor 0, pure.

use crate::sense::traffic::Traffic;
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
    /// assert_eq!(Crossing::BYTES, 128);
    /// ```
    Crossing {
        /// Value of the parameter in this window so far, or what it adds up to over a stretch.
        observed: u64,
        /// The line that was crossed.
        threshold: u64,
        /// Learned mean, 16 fractional bits.
        mean: u64,
        /// Learned deviation, 16 fractional bits.
        deviation: u64,
        /// Windows learned, or stretches.
        windows: u32,
        /// Number of a [`Param`].
        param: u16,
        /// Over how many windows it is added up; 1 for one.
        stretch: u16,
        /// Smallest value learned.
        minimum: u64,
        /// Greatest value learned.
        peak: u64,
        /// About the value that half of those learned do not exceed.
        median: u64,
        /// About the value that 90 of 100 learned do not exceed.
        p90: u64,
        /// About the value that 99 of 100 learned do not exceed.
        p99: u64,
        /// Threshold one under the load of the window or stretch; all ones for none.
        one: u64,
        /// Threshold two under the load of the window or stretch; all ones for none.
        two: u64,
        /// Deliveries and accepted connections in the window or stretch so far.
        load: u64,
        /// How long the window or stretch is, ms.
        over_ms: u32,
        /// `AF_INET` or `AF_INET6`: it is what one peer was sent, `load` what all others were; else 0.
        family: u8,
        /// Zero.
        reserved: [u8; 3],
        /// The peer's address.
        address: [u8; 16],
    }
}

impl Crossing {
    /// The parameter, if it is known.
    pub const fn param(&self) -> Option<Param> {
        Param::from_u16(self.param)
    }

    /// Name of what was counted: the parameter, or a peer's part of it; `None` if it is not known.
    pub fn name(&self) -> Option<&'static str> {
        let param = self.param()?;
        let part = Traffic::of(param).filter(|_| self.family != 0);
        Some(part.map_or(param.name(), Traffic::name))
    }

    /// Whether it is what the parameter adds up to over many windows.
    pub const fn is_sum(&self) -> bool {
        self.stretch > 1
    }
}
