// SPDX-License-Identifier: GPL-2.0

//! Generic netlink requests of the family that `Documentation/netlink/specs/kis.yaml` describes.
//!
//! The tables in `generated/netlink.c` check attribute types and lengths; here each operation is
//! checked for privilege, handed to [`Control`], and a refusal becomes extended acknowledgement.

use super::{
    bindings,
    served::{Lease, Served},
};
use core::{cell::Cell, ffi::c_void, marker::PhantomData, ptr::NonNull};
use kernel::{error::to_result, ffi, prelude::*, sync::Arc};

/// The numbers of the family (`include/uapi/linux/kis_netlink.h`).
pub(crate) mod number {
    pub(crate) use super::bindings::{
        kis_image_kind_KIS_IMAGE_KIND_CELLS as KIS_IMAGE_KIND_CELLS,
        kis_image_kind_KIS_IMAGE_KIND_PROFILE as KIS_IMAGE_KIND_PROFILE,
        kis_image_kind_KIS_IMAGE_KIND_SIGNATURES as KIS_IMAGE_KIND_SIGNATURES, //
        KIS_A_BAN_ADDRESS,
        KIS_A_BAN_DROPPED,
        KIS_A_BAN_PAD,
        KIS_A_BAN_TTL_MS,
        KIS_A_CELL_ARGUMENTS,
        KIS_A_CELL_DANGER_ONE_MS,
        KIS_A_CELL_DANGER_TWO_MS,
        KIS_A_CELL_DENIED,
        KIS_A_CELL_HARD,
        KIS_A_CELL_ID,
        KIS_A_CELL_KILLED,
        KIS_A_CELL_MATCHES,
        KIS_A_CELL_MODE,
        KIS_A_CELL_NAME,
        KIS_A_CELL_PAD,
        KIS_A_CELL_PHASE,
        KIS_A_CELL_PROCESSES,
        KIS_A_CELL_PROGRAM,
        KIS_A_CELL_WINDOWS,
        KIS_A_CELL_WINDOWS_NEEDED,
        KIS_A_CELL_WINDOW_MS,
        KIS_A_CELL_WOULD_DENY,
        KIS_A_CELL_WOULD_KILL,
        KIS_A_IMAGE_CELL,
        KIS_A_IMAGE_DATA,
        KIS_A_IMAGE_GENERATION,
        KIS_A_IMAGE_KIND,
        KIS_A_IMAGE_OFFSET,
        KIS_A_IMAGE_SIZE,
        KIS_A_IMAGE_TOKEN,
        KIS_A_PARAM_BOUND,
        KIS_A_PARAM_CELL,
        KIS_A_PARAM_DEVIATION,
        KIS_A_PARAM_MEAN,
        KIS_A_PARAM_N,
        KIS_A_PARAM_OBSERVED,
        KIS_A_PARAM_PAD,
        KIS_A_PARAM_PARAM,
        KIS_A_PARAM_PEAK,
        KIS_A_PARAM_THRESHOLD_ONE,
        KIS_A_PARAM_THRESHOLD_TWO,
        KIS_A_SIGNATURE_CELL,
        KIS_A_SIGNATURE_HITS,
        KIS_A_SIGNATURE_ID,
        KIS_A_SIGNATURE_MESSAGE,
        KIS_A_SIGNATURE_PAD,
        KIS_A_SIGNATURE_REVISION,
        KIS_A_SIGNATURE_TYPE,
        KIS_A_STATUS_ABI,
        KIS_A_STATUS_BANS,
        KIS_A_STATUS_CELLS,
        KIS_A_STATUS_DENIED,
        KIS_A_STATUS_DROPPED,
        KIS_A_STATUS_GENERATION,
        KIS_A_STATUS_KILLED,
        KIS_A_STATUS_LOST_ALERTS,
        KIS_A_STATUS_LOST_TELEMETRY,
        KIS_A_STATUS_MODE,
        KIS_A_STATUS_PAD,
        KIS_A_STATUS_RECORDS,
        KIS_A_STATUS_SIGNATURES,
        KIS_A_STATUS_UPTIME_NS,
        KIS_A_TARGET_CELL,
        KIS_A_TARGET_MODE,
        KIS_A_TARGET_PROFILE,
        KIS_CMD_BAN_ADD,
        KIS_CMD_BAN_DEL,
        KIS_CMD_BAN_GET,
        KIS_CMD_CELL_GET,
        KIS_CMD_CELL_UNLOAD,
        KIS_CMD_IMAGE_BEGIN,
        KIS_CMD_IMAGE_COMMIT,
        KIS_CMD_IMAGE_DATA,
        KIS_CMD_MODE_SET,
        KIS_CMD_PARAM_GET,
        KIS_CMD_PROFILE_GET,
        KIS_CMD_PROFILE_RESET,
        KIS_CMD_SIGNATURE_GET,
        KIS_CMD_SIGNATURE_UNLOAD,
        KIS_CMD_STATUS_GET,
    };
}

const NO_PRIVILEGE: &CStr = c"needs CAP_MAC_ADMIN in the initial user namespace";
const WRONG_NET: &CStr = c"only from the initial network namespace";

/// Room for one object's attributes.
const REPLY_BYTES: usize = 8192;

/// Why a request was refused.
pub(crate) struct Refusal {
    errno: Error,
    text: &'static CStr,
    attr: Option<u32>,
    detail: Option<Detail>,
}

/// What is at fault in an image.
enum Detail {
    /// The byte at an offset.
    Place(u32, &'static str),
    /// More of something than there may be.
    Limit(u32, &'static str),
}

impl core::fmt::Display for Detail {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Detail::Place(offset, what) => write!(f, "byte {offset}: {what}"),
            Detail::Limit(max, what) => write!(f, "more than {max} {what}"),
        }
    }
}

impl Refusal {
    /// A refusal with a text for people, which names the next step where there is one.
    pub(crate) fn new(errno: Error, text: &'static CStr) -> Self {
        Self {
            errno,
            text,
            attr: None,
            detail: None,
        }
    }

    /// Names the attribute that is at fault.
    pub(crate) fn at(mut self, attr: u32) -> Self {
        self.attr = Some(attr);
        self
    }

    /// Names the place in an image that is at fault.
    pub(crate) fn place(mut self, offset: u32, what: &'static str) -> Self {
        self.detail = Some(Detail::Place(offset, what));
        self
    }

    /// Names the limit that an image is over.
    pub(crate) fn limit(mut self, max: u32, what: &'static str) -> Self {
        self.detail = Some(Detail::Limit(max, what));
        self
    }
}

impl From<kernel::alloc::AllocError> for Refusal {
    fn from(_: kernel::alloc::AllocError) -> Self {
        Self::new(ENOMEM, c"out of memory; nothing was changed")
    }
}

/// The attributes of a request.
///
/// # Invariants
///
/// The pointer is to the request's info, valid for `'a`.
pub(crate) struct Request<'a> {
    info: NonNull<bindings::genl_info>,
    max: u32,
    life: PhantomData<&'a ()>,
}

impl<'a> Request<'a> {
    /// The bytes of an attribute; for a string without its NUL.
    fn payload(&self, attr: u32) -> Option<&'a [u8]> {
        if attr > self.max {
            return None;
        }
        // SAFETY: netlink parsed `attrs` for this operation, up to `max`, and keeps them for the
        // request.
        let nla = unsafe { (*self.info.as_ptr()).attrs.add(attr as usize).read() };
        let nla = NonNull::new(nla)?;
        // SAFETY: netlink has checked that the attribute is whole: `nla_len` counts its header.
        unsafe {
            let len = usize::from((*nla.as_ptr()).nla_len).checked_sub(4)?;
            Some(core::slice::from_raw_parts(
                nla.as_ptr().cast::<u8>().add(4),
                len,
            ))
        }
    }

    /// A `u32` attribute.
    pub(crate) fn u32(&self, attr: u32) -> Option<u32> {
        Some(u32::from_ne_bytes(self.payload(attr)?.try_into().ok()?))
    }

    /// A string attribute, without its NUL.
    pub(crate) fn string(&self, attr: u32) -> Option<&'a [u8]> {
        let bytes = self.payload(attr)?;
        bytes.split(|&b| b == 0).next()
    }

    /// A binary attribute.
    pub(crate) fn bytes(&self, attr: u32) -> Option<&'a [u8]> {
        self.payload(attr)
    }
}

/// A message that is being filled.
pub(crate) struct Reply<'a> {
    skb: NonNull<bindings::sk_buff>,
    is_full: Cell<bool>,
    life: PhantomData<&'a mut ()>,
}

impl Reply<'_> {
    fn put(&self, attr: u32, bytes: &[u8]) {
        let result = ffi::c_int::try_from(bytes.len()).map_or(-1, |len| {
            // SAFETY: the buffer is the reply under construction, `bytes` has `len` bytes.
            unsafe {
                bindings::nla_put(
                    self.skb.as_ptr(),
                    attr as ffi::c_int,
                    len,
                    bytes.as_ptr().cast::<c_void>(),
                )
            }
        });
        if result != 0 {
            self.is_full.set(true);
        }
    }

    /// Puts a `u32`.
    pub(crate) fn u32(&self, attr: u32, value: u32) {
        self.put(attr, &value.to_ne_bytes());
    }

    /// Puts a `u64`, padded by `pad` where the platform needs it.
    pub(crate) fn u64(&self, attr: u32, value: u64, pad: u32) {
        // SAFETY: the buffer is the reply under construction, the value has eight bytes.
        let result = unsafe {
            bindings::nla_put_64bit(
                self.skb.as_ptr(),
                attr as ffi::c_int,
                8,
                (&raw const value).cast::<c_void>(),
                pad as ffi::c_int,
            )
        };
        if result != 0 {
            self.is_full.set(true);
        }
    }

    /// Puts a string of at most 255 bytes, with its NUL.
    pub(crate) fn string(&self, attr: u32, value: &[u8]) {
        let mut buf = [0u8; 256];
        let len = value.len().min(255);
        if let (Some(to), Some(from)) = (buf.get_mut(..len), value.get(..len)) {
            to.copy_from_slice(from);
        }
        self.put(attr, buf.get(..=len).unwrap_or(&[0]));
    }

    /// Puts bytes.
    pub(crate) fn bytes(&self, attr: u32, value: &[u8]) {
        self.put(attr, value);
    }
}

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

/// Writes the text of a refusal into the request's extended acknowledgement.
fn explain(info: *mut bindings::genl_info, max: u32, refusal: &Refusal) -> ffi::c_int {
    // SAFETY: `info` is the request's, `extack` is null or lives as long.
    if let Some(extack) = unsafe { (*info).extack.as_mut() } {
        extack._msg = refusal.text.as_char_ptr();
        if let Some(detail) = &refusal.detail {
            // The buffer is part of `extack`, made for texts that are not constant.
            let buf = &mut extack._msg_buf;
            // SAFETY: the buffer is `c_char`s, which are bytes in the kernel.
            let bytes = unsafe {
                core::slice::from_raw_parts_mut(buf.as_mut_ptr().cast::<u8>(), buf.len())
            };
            let mut writer = TextBuffer { bytes, at: 0 };
            let text = refusal.text.to_str().unwrap_or("");
            let _ =
                core::fmt::Write::write_fmt(&mut writer, core::format_args!("{text}: {detail}"));
            writer.finish();
            extack._msg = extack._msg_buf.as_ptr();
        }
        if let Some(attr) = refusal.attr.filter(|a| *a <= max) {
            // SAFETY: as in `Request::payload()`.
            extack.bad_attr = unsafe { (*info).attrs.add(attr as usize).read() };
        }
    }
    refusal.errno.to_errno()
}

/// Formats into bytes, cut at their end, always NUL terminated.
struct TextBuffer<'a> {
    bytes: &'a mut [u8],
    at: usize,
}

impl TextBuffer<'_> {
    fn finish(self) {
        let end = self.at.min(self.bytes.len().saturating_sub(1));
        if let Some(last) = self.bytes.get_mut(end) {
            *last = 0;
        }
    }
}

impl core::fmt::Write for TextBuffer<'_> {
    fn write_str(&mut self, s: &str) -> core::fmt::Result {
        for &b in s.as_bytes() {
            if let Some(place) = self.bytes.get_mut(self.at) {
                *place = b;
                self.at += 1;
            }
        }
        Ok(())
    }
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
    let Some(raw) = NonNull::new(info) else {
        return EINVAL.to_errno();
    };
    // SAFETY: no requirements.
    let Some(out) = NonNull::new(unsafe { bindings::kis_helper_genlmsg_new(REPLY_BYTES) }) else {
        return ENOMEM.to_errno();
    };
    // SAFETY: a new buffer and the request's info.
    let header = unsafe { bindings::kis_helper_genlmsg_put_reply(out.as_ptr(), info, cmd as u8) };
    let request = Request {
        info: raw,
        max,
        life: PhantomData,
    };
    let reply = Reply {
        skb: out,
        is_full: Cell::new(header.is_null()),
        life: PhantomData,
    };
    let result = object.request(cmd, &request, &reply);
    let is_full = reply.is_full.get();
    match result {
        Ok(()) if T::has_reply(cmd) && !is_full => {
            // SAFETY: `header` came from this buffer.
            unsafe { bindings::kis_helper_genlmsg_end(out.as_ptr(), header) };
            // SAFETY: the buffer is passed on, and not used any more.
            unsafe { bindings::kis_helper_genlmsg_reply(out.as_ptr(), info) }
        }
        other => {
            // SAFETY: the buffer is ours and not used any more.
            unsafe { bindings::kis_helper_nlmsg_free(out.as_ptr()) };
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
    let Some(out) = NonNull::new(skb) else {
        return EINVAL.to_errno();
    };
    loop {
        // SAFETY: `args` is the dump's own memory between calls.
        let index = unsafe { (*cb).__bindgen_anon_1.args[0] };
        // SAFETY: the dump's buffer and callback.
        let header = unsafe { bindings::kis_helper_genlmsg_put_dump(skb, cb, cmd as u8) };
        if header.is_null() {
            break;
        }
        let reply = Reply {
            skb: out,
            is_full: Cell::new(false),
            life: PhantomData,
        };
        let more = object.dump(cmd, index as usize, &reply);
        if !more || reply.is_full.get() {
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
    doit kis_nl_profile_get_doit = KIS_CMD_PROFILE_GET max KIS_A_TARGET_CELL;
    doit kis_nl_profile_reset_doit = KIS_CMD_PROFILE_RESET max KIS_A_TARGET_CELL;
    doit kis_nl_cell_unload_doit = KIS_CMD_CELL_UNLOAD;
    doit kis_nl_signature_unload_doit = KIS_CMD_SIGNATURE_UNLOAD;
    doit kis_nl_image_begin_doit = KIS_CMD_IMAGE_BEGIN max KIS_A_IMAGE_CELL;
    doit kis_nl_image_data_doit = KIS_CMD_IMAGE_DATA max KIS_A_IMAGE_DATA;
    doit kis_nl_image_commit_doit = KIS_CMD_IMAGE_COMMIT max KIS_A_IMAGE_TOKEN;
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
