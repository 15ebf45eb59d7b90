// SPDX-License-Identifier: GPL-2.0

//! The family: its operations, their privilege, and its registration.

use super::{refusal::explain, Control, Refusal, Reply, Request};
use crate::sys::{
    bindings,
    served::{Lease, Served},
};
use kernel::{error::to_result, ffi, prelude::*, sync::Arc};

const NO_PRIVILEGE: &CStr = c"needs CAP_MAC_ADMIN in the initial user namespace";
const WRONG_NET: &CStr = c"only from the initial network namespace";

/// Room for one object's attributes.
const REPLY_BYTES: usize = 8192;

static SERVED: Served = Served::new();

type Doit = fn(u32, u32, *mut bindings::sk_buff, *mut bindings::genl_info) -> ffi::c_int;
type Dumpit = fn(u32, *mut bindings::sk_buff, *mut bindings::netlink_callback) -> ffi::c_int;

/// The instances of `doit()` and `dumpit()` for the type that is served.
struct Entries {
    doit: Doit,
    dumpit: Dumpit,
}

static ENTRIES: kernel::sync::SetOnce<Entries> = kernel::sync::SetOnce::new();

fn is_privileged(skb: *const bindings::sk_buff) -> bool {
    // SAFETY: netlink passes the request's buffer. The check counts for the opener of the socket
    // and for the sender, in the initial user namespace.
    unsafe { bindings::netlink_capable(skb, bindings::CAP_MAC_ADMIN as ffi::c_int) }
}

fn is_initial_net(net: *const bindings::net) -> bool {
    core::ptr::eq(net, &raw const bindings::init_net)
}

fn doit<T: Control>(
    cmd: u32,
    max: u32,
    skb: *mut bindings::sk_buff,
    info: *mut bindings::genl_info,
) -> ffi::c_int {
    // SAFETY: netlink operations run only while the family is registered, within the lease.
    let Some(object) = (unsafe { SERVED.get::<T>() }) else {
        return ENODEV.to_errno();
    };
    if !T::is_public(cmd) && !is_privileged(skb) {
        return explain(info, max, &Refusal::new(EPERM, NO_PRIVILEGE));
    }
    // SAFETY: `info` is the request's.
    let net = unsafe { bindings::kis_helper_genl_info_net(info) };
    if T::is_initial_net_only(cmd) && !is_initial_net(net) {
        return explain(info, max, &Refusal::new(EPERM, WRONG_NET));
    }
    if !T::is_public(cmd) && object.is_insider() {
        return explain(
            info,
            max,
            &Refusal::new(EPERM, c"a process of a cell cannot command KIS"),
        );
    }
    // SAFETY: netlink has parsed the request by the operation's policy.
    let Some(request) = (unsafe { Request::from_raw(info, max) }) else {
        return EINVAL.to_errno();
    };
    // SAFETY: no requirements.
    let out = unsafe { bindings::kis_helper_genlmsg_new(REPLY_BYTES) };
    // SAFETY: a new buffer, which nobody else has.
    let Some(reply) = (unsafe { Reply::from_raw(out) }) else {
        return ENOMEM.to_errno();
    };
    // SAFETY: a new buffer and the request's info.
    let header = unsafe { bindings::kis_helper_genlmsg_put_reply(out, info, cmd as u8) };
    let result = object.request(cmd, &request, &reply);
    let is_full = reply.is_full() || header.is_null();
    match result {
        Ok(()) if T::has_reply(cmd) && !is_full => {
            // SAFETY: `header` came from this buffer.
            unsafe { bindings::kis_helper_genlmsg_end(out, header) };
            // SAFETY: the buffer is passed on, and not used any more.
            unsafe { bindings::kis_helper_genlmsg_reply(out, info) }
        }
        other => {
            // SAFETY: the buffer is ours and not used any more.
            unsafe { bindings::kis_helper_nlmsg_free(out) };
            match other {
                Err(refusal) => explain(info, max, &refusal),
                Ok(()) if T::has_reply(cmd) => EMSGSIZE.to_errno(),
                Ok(()) => 0,
            }
        }
    }
}

fn dumpit<T: Control>(
    cmd: u32,
    skb: *mut bindings::sk_buff,
    cb: *mut bindings::netlink_callback,
) -> ffi::c_int {
    // SAFETY: as in `doit()`.
    let Some(object) = (unsafe { SERVED.get::<T>() }) else {
        return ENODEV.to_errno();
    };
    // SAFETY: `cb->skb` is the request that started the dump.
    let asked = unsafe { (*cb).skb };
    // SAFETY: as above.
    let net = unsafe { bindings::kis_helper_skb_sk_net(asked) };
    let refused = if !is_privileged(asked) {
        Some(NO_PRIVILEGE)
    } else if !is_initial_net(net) {
        Some(WRONG_NET)
    } else {
        None
    };
    if let Some(text) = refused {
        // SAFETY: netlink sets `extack` of the dump while it calls this, or leaves it null.
        if let Some(extack) = unsafe { (*cb).extack.as_mut() } {
            extack._msg = text.as_char_ptr();
        }
        return EPERM.to_errno();
    }
    loop {
        // SAFETY: `args` is the dump's own memory between calls.
        let index = unsafe { (*cb).__bindgen_anon_1.args[0] };
        // SAFETY: the dump's buffer and callback.
        let header = unsafe { bindings::kis_helper_genlmsg_put_dump(skb, cb, cmd as u8) };
        if header.is_null() {
            break;
        }
        // SAFETY: the dump's buffer, under construction.
        let reply = unsafe { Reply::from_raw(skb) };
        let is_put =
            reply.is_some_and(|reply| object.dump(cmd, index as usize, &reply) && !reply.is_full());
        if !is_put {
            // SAFETY: `header` came from this buffer.
            unsafe { bindings::kis_helper_genlmsg_cancel(skb, header) };
            break;
        }
        // SAFETY: `header` came from this buffer.
        unsafe { bindings::kis_helper_genlmsg_end(skb, header) };
        // SAFETY: as above.
        unsafe { (*cb).__bindgen_anon_1.args[0] = index + 1 };
    }
    // SAFETY: the dump's buffer. A length of 0 ends the dump.
    unsafe { bindings::kis_helper_skb_len(skb) as ffi::c_int }
}

macro_rules! operations {
    ($($kind:ident $name:ident = $cmd:ident $(max $max:ident)?;)*) => {
        $(operations!(@$kind $name $cmd $($max)?);)*
    };
    (@doit $name:ident $cmd:ident $($max:ident)?) => {
        /// An operation of the family.
        ///
        /// # Safety
        ///
        /// Only netlink calls this, as `generated/netlink.c` says.
        #[no_mangle]
        unsafe extern "C" fn $name(
            skb: *mut bindings::sk_buff,
            info: *mut bindings::genl_info,
        ) -> ffi::c_int {
            let max = 0 $(+ bindings::$max)?;
            ENTRIES.as_ref().map_or(ENODEV.to_errno(), |e| {
                (e.doit)(bindings::$cmd, max, skb, info)
            })
        }
    };
    (@dumpit $name:ident $cmd:ident) => {
        /// An operation of the family.
        ///
        /// # Safety
        ///
        /// Only netlink calls this, as `generated/netlink.c` says.
        #[no_mangle]
        unsafe extern "C" fn $name(
            skb: *mut bindings::sk_buff,
            cb: *mut bindings::netlink_callback,
        ) -> ffi::c_int {
            ENTRIES.as_ref().map_or(ENODEV.to_errno(), |e| (e.dumpit)(bindings::$cmd, skb, cb))
        }
    };
}

// `max` is the last attribute of the operation's policy in generated/netlink.c.
operations! {
    doit kis_nl_status_get_doit = KIS_CMD_STATUS_GET;
    dumpit kis_nl_cell_get_dumpit = KIS_CMD_CELL_GET;
    dumpit kis_nl_param_get_dumpit = KIS_CMD_PARAM_GET;
    dumpit kis_nl_signature_get_dumpit = KIS_CMD_SIGNATURE_GET;
    dumpit kis_nl_ban_get_dumpit = KIS_CMD_BAN_GET;
    doit kis_nl_ban_add_doit = KIS_CMD_BAN_ADD max KIS_A_BAN_TTL_MS;
    doit kis_nl_ban_del_doit = KIS_CMD_BAN_DEL max KIS_A_BAN_ADDRESS;
    doit kis_nl_mode_set_doit = KIS_CMD_MODE_SET max KIS_A_TARGET_MODE;
    doit kis_nl_profile_get_doit = KIS_CMD_PROFILE_GET max KIS_A_TARGET_OFFSET;
    doit kis_nl_profile_accept_doit = KIS_CMD_PROFILE_ACCEPT max KIS_A_TARGET_NAME;
    doit kis_nl_profile_reset_doit = KIS_CMD_PROFILE_RESET max KIS_A_TARGET_CELL;
    doit kis_nl_cell_unload_doit = KIS_CMD_CELL_UNLOAD;
    doit kis_nl_signature_unload_doit = KIS_CMD_SIGNATURE_UNLOAD;
    doit kis_nl_image_begin_doit = KIS_CMD_IMAGE_BEGIN max KIS_A_IMAGE_FORCE;
    doit kis_nl_image_data_doit = KIS_CMD_IMAGE_DATA max KIS_A_IMAGE_DATA;
    doit kis_nl_image_commit_doit = KIS_CMD_IMAGE_COMMIT max KIS_A_IMAGE_TOKEN;
    doit kis_nl_image_get_doit = KIS_CMD_IMAGE_GET max KIS_A_IMAGE_OFFSET;
}

/// The family exists while this lives.
pub(crate) struct Family<T: Control> {
    _lease: Lease<T>,
}

impl<T: Control> Family<T> {
    /// Registers the family. May sleep.
    pub(crate) fn new(object: Arc<T>) -> Result<Self> {
        let lease = SERVED.lend(object)?;
        ENTRIES.populate(Entries {
            doit: doit::<T>,
            dumpit: dumpit::<T>,
        });
        // SAFETY: the family is static in generated/netlink.c and unregistered in `drop()`.
        to_result(unsafe { bindings::genl_register_family(&raw mut bindings::kis_nl_family) })?;
        Ok(Self { _lease: lease })
    }
}

impl<T: Control> Drop for Family<T> {
    fn drop(&mut self) {
        // SAFETY: registered in `new()`; this waits for operations that run.
        unsafe { bindings::genl_unregister_family(&raw const bindings::kis_nl_family) };
    }
}
