// SPDX-License-Identifier: GPL-2.0

//! The records of the ring: a frame, a head that all have, one body for each kind, data.
//!
//! Every field stands once, in a `table!`, which gives the struct, its bytes in both directions and
//! the list that tests hold against `include/uapi/linux/kis.h`. Numbers that come from the ring stay
//! numbers here ([`Head::kind`], [`Operation::op`] and so on): a reader that is older than the module
//! must be able to show what it does not know. What a body or head has behind the fields known here
//! is skipped; fields that an older module did not write are 0. Floor 0, pure and total in both
//! directions; context: any.

/// A part of a record with its fields in the order of their bytes, little endian and without gaps.
macro_rules! table {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name { $($(#[$doc])* pub $field: $kind,)* }

        impl $name {
            /// All zero.
            pub const ZERO: Self = Self {
                $($field: <$kind as $crate::wire::record::field::Field>::ZERO,)*
            };
            /// Bytes in a record.
            pub const BYTES: usize = 0 $(+ <$kind as $crate::wire::record::field::Field>::BYTES)*;
            /// Name and bytes of each field.
            pub const FIELDS: &'static [(&'static str, usize)] = &[$(
                (stringify!($field), <$kind as $crate::wire::record::field::Field>::BYTES),
            )*];

            /// Writes the fields.
            pub fn encode(&self, w: &mut $crate::wire::bytes::Writer<'_>) {
                $($crate::wire::record::field::Field::put(&self.$field, w);)*
            }

            /// Reads the fields; from the first that is not there on they are 0.
            pub fn decode(bytes: &[u8]) -> Self {
                let mut left = bytes;
                Self { $($field: $crate::wire::record::field::take(&mut left),)* }
            }
        }

        const _: () = assert!($name::BYTES % 8 == 0);
    };
}

mod ban;
mod body;
mod control;
mod crossing;
mod field;
mod head;
mod matched;
mod operation;
mod phase;
mod scanned;
mod signals;
mod whole;
mod window;

pub use self::ban::BanDrop;
pub use self::body::Body;
pub use self::control::Control;
pub use self::crossing::Crossing;
pub use self::head::{
    Frame,
    Head,
    Id, //
};
pub use self::matched::Match;
pub use self::operation::Operation;
pub use self::phase::PhaseSet;
pub use self::scanned::Scanned;
pub use self::signals::Calm;
pub use self::whole::{
    room_of,
    Record, //
};
pub use self::window::Window;
