// SPDX-License-Identifier: GPL-2.0

//! Packets of a banned peer. Floor 0, pure.

table! {
    /// Packets of a banned peer that were dropped.
    BanDrop {
        /// How many under this ban.
        dropped: u64,
        /// The peer's address; IPv4 in the first four bytes.
        address: [u8; 16],
        /// Its family, `AF_*` of [`crate::wire::abi`].
        family: u8,
        /// Zero.
        reserved: [u8; 7],
    }
}
