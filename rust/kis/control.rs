// SPDX-License-Identifier: GPL-2.0

//! What the officer asks for, over generic netlink.
//!
//! Floor 4. May sleep. Each change is whole or refused with a text; it is told as a record. The
//! privilege was checked by `sys::netlink`.

mod dump;
pub(crate) mod export;
mod load;
mod order;
mod refusal;
pub(crate) mod upload;

use crate::{
    engine::Engine,
    sys::netlink::{number as nl, Control, Refusal, Reply, Request},
};
use kernel::prelude::*;

impl Control for Engine {
    fn request(&self, cmd: u32, request: &Request<'_>, reply: &Reply<'_>) -> Result<(), Refusal> {
        match cmd {
            nl::KIS_CMD_STATUS_GET => {
                self.status(reply);
                Ok(())
            }
            nl::KIS_CMD_BAN_ADD => self.add_ban(request),
            nl::KIS_CMD_BAN_DEL => self.remove_ban(request),
            nl::KIS_CMD_MODE_SET => self.set_mode_of(request),
            nl::KIS_CMD_PROFILE_GET => self.give_profile(request, reply),
            nl::KIS_CMD_PROFILE_ACCEPT => self.accept_item(request),
            nl::KIS_CMD_PROFILE_RESET => self.reset_profiles(request),
            nl::KIS_CMD_CELL_UNLOAD => {
                self.unload_cells(reply);
                Ok(())
            }
            nl::KIS_CMD_SIGNATURE_UNLOAD => {
                self.unload_signatures(reply);
                Ok(())
            }
            nl::KIS_CMD_IMAGE_BEGIN => self.begin_image(request, reply),
            nl::KIS_CMD_IMAGE_DATA => self.append_image(request),
            nl::KIS_CMD_IMAGE_COMMIT => self.commit_image(request, reply),
            nl::KIS_CMD_IMAGE_GET => self.give_image(request, reply),
            _ => Err(Refusal::new(EOPNOTSUPP, c"no such operation")),
        }
    }

    fn dump(&self, cmd: u32, index: usize, reply: &Reply<'_>) -> bool {
        match cmd {
            nl::KIS_CMD_CELL_GET => self.dump_cell(index, reply),
            nl::KIS_CMD_PARAM_GET => self.dump_param(index, reply),
            nl::KIS_CMD_SIGNATURE_GET => self.dump_signature(index, reply),
            nl::KIS_CMD_BAN_GET => self.dump_ban(index, reply),
            _ => false,
        }
    }

    fn is_insider(&self) -> bool {
        self.refuses_insider()
    }

    fn is_public(cmd: u32) -> bool {
        cmd == nl::KIS_CMD_STATUS_GET
    }

    fn has_reply(cmd: u32) -> bool {
        matches!(
            cmd,
            nl::KIS_CMD_STATUS_GET
                | nl::KIS_CMD_PROFILE_GET
                | nl::KIS_CMD_CELL_UNLOAD
                | nl::KIS_CMD_SIGNATURE_UNLOAD
                | nl::KIS_CMD_IMAGE_BEGIN
                | nl::KIS_CMD_IMAGE_COMMIT
                | nl::KIS_CMD_IMAGE_GET
        )
    }
}
