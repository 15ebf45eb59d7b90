// SPDX-License-Identifier: GPL-2.0

//! TCP and UDP.

use kis_core::matching::ports;
use serde::{
    Deserialize,
    Serialize, //
};

/// A transport that has ports.
///
/// # Examples
///
/// ```
/// use kisctl::transport::Transport;
///
/// let udp: Transport = serde_json::from_str(r#""udp""#)?;
/// assert_eq!((udp.number(), udp.name()), (17, "udp"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Transport {
    /// Its number in IP.
    pub const fn number(self) -> u8 {
        match self {
            Self::Tcp => ports::TCP,
            Self::Udp => ports::UDP,
        }
    }

    /// The one with a number in IP.
    pub const fn of_number(number: u8) -> Option<Self> {
        match number {
            ports::TCP => Some(Self::Tcp),
            ports::UDP => Some(Self::Udp),
            _ => None,
        }
    }

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}
