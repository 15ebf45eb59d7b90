// SPDX-License-Identifier: GPL-2.0

//! A scan of the host. Floor 0, pure.

use crate::wire::abi::ScanKind;

table! {
    /// Somebody scans the host. Data: the first ports, two bytes each.
    ///
    /// # Examples
    ///
    /// ```
    /// use kis_core::wire::abi::ScanKind;
    /// use kis_core::wire::record::Scanned;
    ///
    /// let scan = Scanned { kind: ScanKind::Udp as u16, ..Scanned::ZERO };
    /// assert_eq!(scan.kind(), Some(ScanKind::Udp));
    /// let ports = Scanned::data(&[53, 161]);
    /// assert_eq!(Scanned::ports(&ports).take(2).collect::<Vec<_>>(), [53, 161]);
    /// ```
    Scanned {
        /// When the first probe came, CLOCK_MONOTONIC.
        first_ns: u64,
        /// When the latest came.
        last_ns: u64,
        /// Sources with three targets or more that were forgotten for want of room, since the module was
        /// loaded.
        lost: u64,
        /// Probes so far; 0 if it is many sources.
        probes: u32,
        /// Different targets of them, at least.
        targets: u32,
        /// Sources, at least.
        sources: u32,
        /// Which scan found within five seconds it is.
        nth: u32,
        /// Over how many seconds targets were counted.
        seconds: u32,
        /// For how many seconds the source is banned, if the action says so.
        ban_s: u32,
        /// Number of a [`ScanKind`].
        kind: u16,
        /// The kinds of its probes, [`ScanKind::bit`] of each.
        kinds: u16,
        /// `AF_INET` or `AF_INET6`.
        family: u8,
        /// 1 if the source has not completed a handshake lately: it may be forged.
        spoofable: u8,
        /// 1 if it was told before and goes on.
        again: u8,
        /// Zero.
        reserved: u8,
        /// Where the latest probe said that it comes from; IPv4 in the first four bytes. Zero if it is
        /// many sources.
        source: [u8; 16],
        /// The address of this host that it went to.
        target: [u8; 16],
    }
}

impl Scanned {
    /// Bytes of so many ports.
    pub const DATA: usize = 2 * crate::matching::scans::PORTS;

    /// The kind, if it is known.
    pub const fn kind(&self) -> Option<ScanKind> {
        ScanKind::from_u16(self.kind)
    }

    /// Ports as data, with zeros behind them.
    pub fn data(ports: &[u16]) -> [u8; Self::DATA] {
        let mut data = [0; Self::DATA];
        for (to, port) in data.chunks_exact_mut(2).zip(ports) {
            to.copy_from_slice(&port.to_le_bytes());
        }
        data
    }

    /// Ports of data.
    pub fn ports(data: &[u8]) -> impl Iterator<Item = u16> + '_ {
        let words = data.chunks_exact(2);
        let ports = words.map(|word| {
            word.first_chunk()
                .map_or(0, |word| u16::from_le_bytes(*word))
        });
        ports.filter(|port| *port != 0)
    }
}
