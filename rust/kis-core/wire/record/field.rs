// SPDX-License-Identifier: GPL-2.0

//! What a field of a record can be. Floor 0, pure.

use crate::wire::bytes::Writer;

/// A field of fixed length.
pub(super) trait Field: Sized {
    /// Bytes in a record.
    const BYTES: usize;
    /// What it is when nothing was written.
    const ZERO: Self;

    /// Writes it.
    fn put(&self, w: &mut Writer<'_>);

    /// What bytes say, and what is behind them; `None` when there are too few.
    fn split(bytes: &[u8]) -> Option<(Self, &[u8])>;
}

macro_rules! words {
    ($($kind:ident),*) => {
        $(impl Field for $kind {
            const BYTES: usize = size_of::<$kind>();
            const ZERO: Self = 0;

            fn put(&self, w: &mut Writer<'_>) {
                w.put(&self.to_le_bytes());
            }

            fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
                let (word, rest) = bytes.split_first_chunk()?;
                Some((Self::from_le_bytes(*word), rest))
            }
        })*
    };
}

words!(u8, u16, u32, u64);

impl<const N: usize> Field for [u8; N] {
    const BYTES: usize = N;
    const ZERO: Self = [0; N];

    fn put(&self, w: &mut Writer<'_>) {
        w.put(self);
    }

    fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        bytes.split_first_chunk().map(|(own, rest)| (*own, rest))
    }
}

/// Takes a field off the beginning of `bytes`; where it is not whole nothing is left for the next.
pub(super) fn take<F: Field>(bytes: &mut &[u8]) -> F {
    let (field, rest) = F::split(bytes).unwrap_or((F::ZERO, &[]));
    *bytes = rest;
    field
}

/// Copies `name` and pads it, with at least one NUL.
pub(super) fn fill(to: &mut [u8], name: &[u8]) {
    let name = crate::wire::bytes::until_nul(name);
    let len = name.len().min(to.len().saturating_sub(1));
    for (i, to) in to.iter_mut().enumerate() {
        *to = name.get(i).filter(|_| i < len).copied().unwrap_or(0);
    }
}
