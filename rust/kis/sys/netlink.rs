// SPDX-License-Identifier: GPL-2.0

//! Generic netlink requests of the family that `Documentation/netlink/specs/kis.yaml` describes.
//!
//! The tables in `generated/netlink.c` check attribute types and lengths; here each operation is
//! checked for privilege, handed to [`Control`], and a refusal becomes extended acknowledgement.

mod family;
pub(crate) mod number;
mod refusal;
mod reply;
mod request;

pub(crate) use family::Family;
pub(crate) use refusal::Refusal;
pub(crate) use reply::Reply;
pub(crate) use request::Request;

/// Who carries out requests. May sleep.
pub(crate) trait Control: Send + Sync + 'static {
    /// One request; fills the reply of operations that have one.
    fn request(&self, cmd: u32, request: &Request<'_>, reply: &Reply<'_>) -> Result<(), Refusal>;
    /// Puts object number `index` of a dump; false when there is no such object.
    fn dump(&self, cmd: u32, index: usize, reply: &Reply<'_>) -> bool;
    /// Whether the sender is one of those that this guards, and so may not command it.
    fn is_insider(&self) -> bool;
    /// Whether an operation needs no privilege.
    fn is_public(cmd: u32) -> bool;
    /// Whether an operation has a reply.
    fn has_reply(cmd: u32) -> bool;
    /// Whether an operation is refused outside of the initial network namespace.
    fn is_initial_net_only(cmd: u32) -> bool {
        !Self::is_public(cmd)
    }
}
