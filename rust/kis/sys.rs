// SPDX-License-Identifier: GPL-2.0

//! Floor 1: the only kernel code with `unsafe`.
//!
//! Safe wrappers, shaped like those of `rust/kernel`, around what KIS needs and `kernel` does not
//! have: the attach points of the KIS LSM, sockets' receive queues, netfilter, generic netlink
//! requests, the mapped ring. They trust the kernel's own contracts and nothing that comes from
//! user space. No policy lives here.

pub(crate) mod address;
pub(crate) mod bindings;
pub(crate) mod clock;
pub(crate) mod device;
pub(crate) mod file;
pub(crate) mod heap;
pub(crate) mod hooks;
pub(crate) mod netfilter;
pub(crate) mod netlink;
pub(crate) mod packet;
pub(crate) mod pages;
pub(crate) mod published;
pub(crate) mod random;
pub(crate) mod served;
pub(crate) mod sock;
pub(crate) mod task;
pub(crate) mod ticker;
