// SPDX-License-Identifier: GPL-2.0

//! A window that has ended. Floor 0, pure.

use crate::sense::param::{
    Param,
    Values, //
};
use crate::wire::bytes::Writer;

table! {
    /// A window that has ended. Data: a 64-bit value for each parameter, by its number.
    ///
    /// # Examples
    ///
    /// ```
    /// use kis_core::sense::param::Param;
    /// use kis_core::wire::record::{Head, Record, Window};
    ///
    /// let data = Window::data(&[7; Param::COUNT]);
    /// let record = Record::new(Head::ZERO, Window::ZERO, &data);
    /// assert_eq!(record.values(), Some([7; Param::COUNT]));
    /// ```
    Window {
        /// Length of the cell's windows, ms.
        window_ms: u32,
        /// Zero.
        reserved: u32,
    }
}

impl Window {
    /// Bytes of the values.
    pub const DATA: usize = 8 * Param::COUNT;

    /// The data for these values.
    pub fn data(values: &Values) -> [u8; Self::DATA] {
        let mut data = [0; Self::DATA];
        let mut w = Writer::new(&mut data);
        for value in values {
            w.u64(*value);
        }
        data
    }
}
