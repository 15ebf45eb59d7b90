// SPDX-License-Identifier: GPL-2.0

//! The bodies of records, one for each kind. Floor 0, pure.

use super::{
    BanDrop,
    Calm,
    Control,
    Crossing,
    Match,
    Operation,
    PhaseSet,
    Scanned,
    Window, //
};
use crate::wire::bytes::Writer;

macro_rules! bodies {
    ($($(#[$doc:meta])* $name:ident = $number:literal;)*) => {
        /// The body of a record (`enum kis_body`).
        ///
        /// # Examples
        ///
        /// ```
        /// use kis_core::wire::record::{Body, Calm};
        ///
        /// let body = Body::decode(4, &[1, 0, 0, 0, 1, 0, 0, 0]);
        /// assert_eq!(body, Calm { one: 1, two: 1 }.into());
        /// assert_eq!(Body::decode(99, b""), Body::Unknown(99));
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Body {
            $($(#[$doc])* $name($name),)*
            /// One that is not known here, and its number.
            Unknown(u16),
        }

        impl Body {
            /// Bytes of the longest.
            pub const MAX_BYTES: usize = {
                let mut most = 0;
                $(if $name::BYTES > most { most = $name::BYTES; })*
                most
            };

            /// Number, and name and bytes of the fields of each.
            pub const ALL: &'static [(u16, &'static [(&'static str, usize)])] =
                &[$(($number, $name::FIELDS),)*];

            /// Its number.
            pub const fn number(&self) -> u16 {
                match self { $(Self::$name(_) => $number,)* Self::Unknown(number) => *number }
            }

            /// Its bytes in a record.
            pub const fn bytes(&self) -> usize {
                match self { $(Self::$name(_) => $name::BYTES,)* Self::Unknown(_) => 0 }
            }

            /// Writes it.
            pub fn encode(&self, w: &mut Writer<'_>) {
                match self { $(Self::$name(body) => body.encode(w),)* Self::Unknown(_) => {} }
            }

            /// The body of this number in `bytes`.
            pub fn decode(number: u16, bytes: &[u8]) -> Self {
                match number {
                    $($number => Self::$name($name::decode(bytes)),)*
                    _ => Self::Unknown(number),
                }
            }
        }

        $(impl From<$name> for Body {
            fn from(body: $name) -> Self {
                Self::$name(body)
            }
        })*
    };
}

bodies! {
    /// A breach or a veto.
    Operation = 1;
    /// A parameter above a line.
    Crossing = 2;
    /// A signature that matched.
    Match = 3;
    /// Danger signals that have ended.
    Calm = 4;
    /// A cell that has come into a phase.
    PhaseSet = 5;
    /// The officer's change.
    Control = 6;
    /// Packets of a banned peer.
    BanDrop = 7;
    /// A window that has ended.
    Window = 8;
    /// Somebody who scans the host.
    Scanned = 9;
}
