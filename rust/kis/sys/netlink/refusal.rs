// SPDX-License-Identifier: GPL-2.0

//! Why a request was refused, and how the sender is told.

use crate::sys::bindings;
use kernel::{ffi, prelude::*};

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

/// Writes the text of a refusal into the request's extended acknowledgement.
pub(super) fn explain(info: *mut bindings::genl_info, max: u32, refusal: &Refusal) -> ffi::c_int {
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
            // SAFETY: netlink parsed `attrs` for this operation, up to `max`.
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
