// SPDX-License-Identifier: GPL-2.0

//! What the officer changed. Floor 0, pure.

table! {
    /// A request that was carried out; the command says which of the other fields are set.
    Control {
        /// The netlink command (`KIS_CMD_*`).
        command: u32,
        /// Of image-commit: the kind of image (`KIS_IMAGE_KIND_*`). Of profile-accept: what the item
        /// is, as `kind` of [`Operation`](super::Operation); its name is the data.
        image: u32,
        /// Of image-commit: how many cells or signatures are loaded.
        count: u32,
        /// Of mode-set: the mode (`KIS_MODE_*`).
        mode: u32,
        /// Of ban-add: how long the ban lasts, ms.
        ttl_ms: u32,
        /// Of a ban: family of the address, `AF_*` of [`crate::wire::abi`].
        family: u8,
        /// Zero.
        reserved: [u8; 3],
        /// Of a ban: the address; IPv4 in the first four bytes.
        address: [u8; 16],
    }
}
