// SPDX-License-Identifier: GPL-2.0

//! The measured parameters of a cell.
//!
//! One table for the kernel, kisctl and the documentation: number (as in `kis.h`), name, unit, the
//! smallest step worth a signal, and what the parameter is to the cell. Floor 0, pure.

/// Unit of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Microseconds.
    Microseconds,
    /// 1024 bytes.
    Kibibytes,
    /// Bytes.
    Bytes,
    /// A number of events.
    Count,
    /// Thousandths.
    Permille,
}

impl Unit {
    /// The unit's short name; empty for a count.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Microseconds => "us",
            Self::Kibibytes => "KiB",
            Self::Bytes => "B",
            Self::Count => "",
            Self::Permille => "permille",
        }
    }
}

/// What a parameter is to the cell, which decides how its values are held against what was learned.
///
/// # Examples
///
/// ```
/// use kis_core::sense::param::{Param, Role};
///
/// assert_eq!(Param::Accepts.role(), Role::Load);
/// assert!(Param::Execs.role().grows_with_load() && !Param::ReplyPermille.role().grows_with_load());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// What others ask of the cell. More of it is no danger by itself, at most a sign of one.
    Load,
    /// What the cell does. What it never did has no free step.
    Act,
    /// What the cell takes.
    Use,
    /// A share of two others.
    Share,
}

impl Role {
    /// Whether it is held against the load of its window as well.
    pub const fn grows_with_load(self) -> bool {
        matches!(self, Self::Act | Self::Use)
    }
}

macro_rules! params {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $name:literal, $unit:ident, $floor:literal, $role:ident;)*) => {
        /// A measured quantity of a cell per window (`enum kis_param`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum Param {
            $($(#[$doc])* $variant = $number,)*
        }

        impl Param {
            /// All parameters in the order of their numbers.
            pub const ALL: [Param; Param::COUNT] = [$(Param::$variant),*];

            /// How many parameters there are (`KIS_PARAM_COUNT`).
            pub const COUNT: usize = [$($number),*].len();

            /// Name in files, on the command line and in messages.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Unit of the values.
            pub const fn unit(self) -> Unit {
                match self { $(Self::$variant => Unit::$unit,)* }
            }

            /// The smallest step above normal that is worth a signal, in the parameter's unit.
            ///
            /// Without it a parameter that never moved in learning, and so has no deviation, would
            /// raise danger with its first twitch. Chosen so that housekeeping of an idle server
            /// (a log file reopened, one more monitoring connection) stays below it.
            pub const fn floor(self) -> u64 {
                match self { $(Self::$variant => $floor,)* }
            }

            /// What it is to the cell.
            pub const fn role(self) -> Role {
                match self { $(Self::$variant => Role::$role,)* }
            }

            /// The parameter with this number.
            pub const fn from_u16(number: u16) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

params! {
    /// CPU time of all threads.
    CpuUs = 0, "cpu_us", Microseconds, 20_000, Use;
    /// Resident memory at the end of the window.
    RssKib = 1, "rss_kib", Kibibytes, 4_096, Use;
    /// Files opened.
    FilesOpened = 2, "files_opened", Count, 4, Act;
    /// Files opened for writing or truncated.
    FilesWritten = 3, "files_written", Count, 2, Act;
    /// Files, directories and links created.
    FilesCreated = 4, "files_created", Count, 2, Act;
    /// Programs executed.
    Execs = 5, "execs", Count, 1, Act;
    /// Connections opened to others.
    Connects = 6, "connects", Count, 2, Act;
    /// Connections accepted.
    Accepts = 7, "accepts", Count, 8, Load;
    /// Bytes received on TCP, UDP and unix sockets.
    BytesIn = 8, "bytes_in", Bytes, 16_384, Use;
    /// Bytes handed to `sendmsg()` and the like.
    BytesOut = 9, "bytes_out", Bytes, 16_384, Act;
    /// Deliveries to a socket's receive queue.
    MessagesIn = 10, "messages_in", Count, 64, Load;
    /// Calls of `sendmsg()` and the like.
    MessagesOut = 11, "messages_out", Count, 64, Act;
    /// Bytes out per 1000 bytes in ([`crate::sense::window::reply_permille`]).
    ReplyPermille = 12, "reply_permille", Permille, 1_000, Share;
}

impl Param {
    /// Position in the arrays that hold one value for each parameter.
    pub const fn index(self) -> usize {
        // CAST: a small number to a wider type.
        self as usize
    }

    /// Whether its values of several windows add up to something: not those of memory, which is what
    /// it is at a window's end, and of a ratio.
    pub const fn adds_up(self) -> bool {
        !matches!(self, Self::RssKib | Self::ReplyPermille)
    }

    /// The parameter with this name.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name().as_bytes() == name)
    }
}

// Images, records and arrays go by these numbers.
const _: () = {
    let mut i = 0;
    while i < Param::COUNT {
        assert!(
            Param::ALL[i] as usize == i,
            "numbers of parameters have gaps"
        );
        i += 1;
    }
};

/// One value for each parameter.
pub type Values = [u64; Param::COUNT];

/// How much was asked of a cell in a window: deliveries and accepted connections.
///
/// # Examples
///
/// ```
/// use kis_core::sense::param::{load, Param};
///
/// let mut values = [1; Param::COUNT];
/// values[Param::MessagesIn.index()] = 40;
/// assert_eq!(load(&values), 41);
/// ```
pub fn load(values: &Values) -> u64 {
    load_by(|param| values.get(param.index()).copied().unwrap_or(0))
}

/// The same of values that are not in one place: `value` gives that of a parameter.
pub fn load_by(value: impl Fn(Param) -> u64) -> u64 {
    let loads = Param::ALL.into_iter().filter(|p| p.role() == Role::Load);
    loads.fold(0, |sum: u64, param| sum.saturating_add(value(param)))
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_param))]
mod tests {
    use super::*;

    #[test]
    fn numbers_names_and_places_agree() {
        for (at, param) in Param::ALL.into_iter().enumerate() {
            assert_eq!(param.index(), at);
            assert_eq!(Param::from_u16(at as u16), Some(param));
            assert_eq!(Param::from_name(param.name().as_bytes()), Some(param));
            assert!(param.floor() > 0);
        }
        let loads = Param::ALL.into_iter().filter(|p| p.role() == Role::Load);
        assert!(loads.eq([Param::Accepts, Param::MessagesIn]));
        assert_eq!(load(&[u64::MAX; Param::COUNT]), u64::MAX);
        assert_eq!(Param::COUNT, 13);
        assert_eq!(Param::from_u16(13), None);
        assert_eq!(Param::from_name(b""), None);
        assert_eq!(Param::CpuUs.unit().name(), "us");
    }
}
