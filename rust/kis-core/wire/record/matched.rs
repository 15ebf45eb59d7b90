// SPDX-License-Identifier: GPL-2.0

//! A signature that matched. Floor 0, pure.

table! {
    /// A match in what a cell receives. Data: the excerpt, which ends where the match ends.
    Match {
        /// Signature.
        sig_id: u32,
        /// Its revision.
        sig_rev: u32,
        /// Bytes of the stream up to and with the last byte of the match.
        offset: u64,
        /// When the process started that accepted the connection, CLOCK_BOOTTIME.
        owner_start_ns: u64,
        /// That process; 0 where it is not known.
        owner_pid: u32,
        /// Which match of its type in the window it is, from 1.
        nth: u32,
        /// Local address; IPv4 in the first four bytes.
        laddr: [u8; 16],
        /// The peer's.
        raddr: [u8; 16],
        /// Local port.
        lport: u16,
        /// The peer's.
        rport: u16,
        /// `AF_*` of [`crate::wire::abi`], or 0. Without an IP family there is no address.
        family: u8,
        /// Protocol, or 0.
        proto: u8,
        /// Zero.
        reserved: u16,
    }
}
