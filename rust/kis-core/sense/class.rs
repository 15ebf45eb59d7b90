// SPDX-License-Identifier: GPL-2.0

//! What kinds of things are in a repertoire.
//!
//! A row is all that another class needs. Numbers are those of images and records (`enum
//! kis_class_of` of `kis.h`), so they are only ever added at the end. Floor 0, pure.

macro_rules! classes {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $text:literal, $mild:literal;)*) => {
        /// A kind of thing that a cell does.
        ///
        /// # Examples
        ///
        /// ```
        /// use kis_core::sense::class::Class;
        ///
        /// assert_eq!(Class::from_name(b"peer"), Some(Class::Peer));
        /// assert_eq!(Class::from_number(0), None);
        /// assert!(Class::Read.is_mild() && !Class::Secret.is_mild());
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Class {
            $($(#[$doc])* $variant = $number,)*
        }

        impl Class {
            /// All of them in the order of their numbers.
            pub const ALL: &'static [Class] = &[$(Class::$variant),*];

            /// Name in reports, files and on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Whether something new is never more than danger signal one.
            pub const fn is_mild(self) -> bool {
                match self { $(Self::$variant => $mild,)* }
            }

            /// The one with this number.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

classes! {
    /// A program that another one executes: `/usr/sbin/cron -> /bin/sh`.
    Program = 1, "program", false;
    /// A library that is mapped, or the directory of one that only root can have put there.
    Library = 2, "library", false;
    /// The directory of a file of the system's that everybody may read. Whoever is new there learns
    /// what is the same on every machine: mild.
    Read = 3, "read", true;
    /// A file that not everybody may read.
    Secret = 4, "secret", false;
    /// A file that is written to, or whose length, mode or owner is changed.
    Write = 5, "write", false;
    /// The directory in which something is made.
    Create = 6, "create", false;
    /// The directory in which something is removed.
    Remove = 7, "remove", false;
    /// A setting of the kernel that is written to.
    Setting = 8, "setting", false;
    /// Whom it connects or sends to: `tcp 127.0.0.1:9000`, `unix /run/php.sock`.
    Peer = 9, "peer", false;
    /// What it is bound to: `tcp 0.0.0.0:80`.
    Port = 10, "port", false;
    /// Family and type of a socket that is made, but for raw ones. What is done with it is in other
    /// classes: mild.
    Socket = 11, "socket", true;
    /// A capability that is used. What it is used for is in other classes: mild.
    Capability = 12, "capability", true;
    /// Whom a process becomes: `root`, `system 33`, `nobody`, `user`.
    Identity = 13, "identity", false;
    /// A signal to a process outside of the cell.
    Signal = 14, "signal", false;
    /// A kernel module that the kernel loads by itself for the cell.
    Module = 15, "module", true;
    /// Another operation, by its name, and making a raw socket (`packet raw`).
    Operation = 16, "operation", false;
    /// A directory that belongs to the user that the cell serves as: mild, as nobody else trusts
    /// what lies there.
    Own = 17, "own", true;
    /// Memory that is made executable after it was written to. Compilers at run time do that when it
    /// pays, and do not survive a denial: mild.
    Memory = 18, "memory", true;
    /// The directory of a file that everybody may read, where a machine keeps what is its own. Everybody
    /// is those who are on the machine, not those whom a server answers.
    Content = 19, "content", false;
}

impl Class {
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// Its place in arrays.
    pub const fn index(self) -> usize {
        // OVERFLOW: numbers begin at 1.
        (self as usize).wrapping_sub(1)
    }

    /// The one with this name.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|class| class.name().as_bytes() == name)
    }

    /// Whether the modes of files say who may do it.
    pub const fn is_by_modes(self) -> bool {
        matches!(
            self,
            Self::Read
                | Self::Content
                | Self::Secret
                | Self::Write
                | Self::Create
                | Self::Remove
                | Self::Own
        )
    }

    /// Whether its items are directories and files, which fold when there are many.
    pub const fn is_place(self) -> bool {
        matches!(
            self,
            Self::Library
                | Self::Read
                | Self::Content
                | Self::Secret
                | Self::Write
                | Self::Create
                | Self::Remove
        )
    }

    /// Whether its items are addresses with ports, or the names of sockets.
    pub const fn is_endpoint(self) -> bool {
        matches!(self, Self::Peer | Self::Port)
    }
}

/// A set of classes.
///
/// # Examples
///
/// ```
/// use kis_core::sense::class::{Class, ClassSet};
///
/// let set = ClassSet::EMPTY.with(Class::Peer);
/// assert!(set.contains(Class::Peer) && !set.contains(Class::Port));
/// assert_eq!(ClassSet::from_bits(set.bits()), set);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassSet(u32);

const _: () = assert!(Class::COUNT < u32::BITS as usize);

impl ClassSet {
    /// None.
    pub const EMPTY: Self = Self(0);

    /// The set with these bits.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The bits.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether it has no member.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = Class> {
        let all = Class::ALL.iter().copied();
        all.filter(move |class| self.contains(*class))
    }

    /// This set and `class`.
    #[must_use]
    pub const fn with(self, class: Class) -> Self {
        Self(self.0 | (1 << class as u32))
    }

    /// Whether `class` is a member.
    #[inline]
    pub const fn contains(self, class: Class) -> bool {
        self.0 & (1 << class as u32) != 0
    }
}

/// With what right something is done: a server's first process often is root, and those that serve
/// are not. What the one does every day says nothing about the other.
///
/// # Examples
///
/// ```
/// use kis_core::sense::class::Domain;
///
/// assert_eq!(Domain::of(true), Domain::Root);
/// assert_eq!(Domain::from_number(1), Some(Domain::User));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Domain {
    /// By user 0 of the host.
    Root = 0,
    /// By anybody else.
    User = 1,
}

impl Domain {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Root, Self::User];

    /// That of a task that acts as root, or not.
    #[inline]
    pub const fn of(is_root: bool) -> Self {
        if is_root {
            Self::Root
        } else {
            Self::User
        }
    }

    /// The one with this number.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Root),
            1 => Some(Self::User),
            _ => None,
        }
    }

    /// Name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::User => "user",
        }
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_class))]
mod tests {
    use super::*;

    #[test]
    fn class_numbers_and_names_lead_back() {
        for (at, class) in Class::ALL.iter().copied().enumerate() {
            assert_eq!(class.index(), at);
            assert_eq!(Class::from_number(class as u8), Some(class));
            assert_eq!(Class::from_name(class.name().as_bytes()), Some(class));
        }
        assert_eq!(Class::from_number(Class::COUNT as u8 + 1), None);
        assert_eq!(Class::from_name(b"places"), None);
    }

    #[test]
    fn class_sets_hold_what_was_put_in() {
        let mut set = ClassSet::EMPTY;
        for class in Class::ALL.iter().copied() {
            assert!(!set.contains(class));
            set = set.with(class);
            assert!(set.contains(class));
        }
        assert_eq!(set.iter().count(), Class::COUNT);
        assert!(ClassSet::EMPTY.is_empty() && !set.is_empty());
    }

    #[test]
    fn domain_numbers_lead_back() {
        for domain in Domain::ALL {
            assert_eq!(Domain::from_number(domain as u8), Some(domain));
        }
        assert_eq!(Domain::from_number(2), None);
    }
}
