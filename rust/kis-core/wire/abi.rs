// SPDX-License-Identifier: GPL-2.0

//! The numbers of `include/uapi/linux/kis.h`, with types.
//!
//! A test in kisctl compares them with the header through bindgen, the kernel module does it at
//! compile time. Floor 0, pure: numbers from outside become types here or not at all.

pub use crate::sense::param::Param;

/// Version of the records, of the ring and of the image formats.
pub const ABI: u32 = 3;

/// Most cells of a configuration.
pub const MAX_CELLS: usize = 256;
/// Most signatures of a table.
pub const MAX_SIGNATURES: usize = 16_384;
/// Most prefixes in one path list of a cell.
pub const MAX_PREFIXES: usize = 32;
/// Most patterns of what is expected of a cell, all classes together.
pub const MAX_EXPECTED: usize = 256;
/// Most items of a cell's repertoire.
pub const MAX_ITEMS: usize = 2048;
/// Most addresses banned at a time.
pub const MAX_BANS: usize = 1024;
/// Most bytes of an image.
pub const MAX_IMAGE: usize = 64 << 20;
/// Bytes of a cell's name with its NUL.
pub const NAME_LEN: usize = 32;
/// Bytes of a path, prefix or pattern with its NUL.
pub const PATH_LEN: usize = 256;
/// Bytes of a signature's message with its NUL.
pub const MESSAGE_LEN: usize = 128;
/// Most bytes of a [`Record`](crate::wire::record::Record).
pub const RECORD_MAX: usize = 4096;
/// Low bits of a record's [`Id`](crate::wire::record::Id) that are its lane.
pub const ID_LANE_BITS: u32 = 10;
/// First word of the ring's first page: "KIS1".
pub const RING_MAGIC: u32 = 0x3153_494b;
/// Most lanes of the ring.
pub const MAX_LANES: usize = 512;

/// [`Head::flags`](crate::wire::record::Head::flags): the action was carried out.
pub const FLAG_APPLIED: u16 = 1 << 0;
/// Seen while the cell learns.
pub const FLAG_LEARNING: u16 = 1 << 1;
/// The path's beginning is missing.
pub const FLAG_PATH_CUT: u16 = 1 << 2;
/// Danger signal one was up.
pub const FLAG_DANGER_ONE: u16 = 1 << 3;
/// Danger signal two was up.
pub const FLAG_DANGER_TWO: u16 = 1 << 4;
/// It was not learned: attempted training.
pub const FLAG_KEPT_OUT: u16 = 1 << 5;

/// Address family of IPv4.
pub const AF_INET: u8 = 2;
/// Address family of IPv6.
pub const AF_INET6: u8 = 10;
/// Address family of unix sockets.
pub const AF_UNIX: u8 = 1;

macro_rules! numbered {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $number:literal, $text:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum $name {
            $($(#[$doc])* $variant = $number,)*
        }

        impl $name {
            /// All of them in the order of their numbers.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// Name in files, on the command line and in messages.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The one with this number.
            pub const fn from_u16(number: u16) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }

            /// The one with this name.
            pub fn from_name(name: &[u8]) -> Option<Self> {
                Self::ALL.iter().copied().find(|x| x.name().as_bytes() == name)
            }
        }
    };
}

numbered! {
    /// What a cell's process is about to do (`enum kis_op`).
    Op {
        /// Nothing in particular.
        None = 0, "none";
        /// Open a file for reading only.
        Read = 1, "read";
        /// Open a file for writing, truncate it.
        Write = 2, "write";
        /// Create a file, directory or link.
        Create = 3, "create";
        /// Remove a file or directory.
        Unlink = 4, "unlink";
        /// Rename a file or directory.
        Rename = 5, "rename";
        /// Execute a program.
        Exec = 6, "exec";
        /// Connect to a peer.
        Connect = 7, "connect";
        /// Make memory executable.
        MapExec = 8, "map_exec";
        /// Trace another process.
        Ptrace = 9, "ptrace";
        /// Load or unload a kernel module.
        ModuleLoad = 10, "module_load";
        /// Receive bytes on a socket.
        Receive = 11, "receive";
        /// Mount, unmount or move a mount, pivot the root.
        Mount = 12, "mount";
        /// Make memory executable that can still be written to elsewhere: a shared mapping of a
        /// file that is open for writing, or a file without a name (memfd).
        MapShared = 13, "map_shared";
        /// Make a device node.
        Mknod = 14, "mknod";
        /// Write to a setting of the kernel (`/proc/sys`, `/sys`, binfmt_misc and the like).
        Sysctl = 15, "sysctl";
        /// Have the kernel start a program of its own accord (core dump, hotplug and the like).
        UsermodeHelper = 16, "usermode_helper";
        /// Have the kernel load a module of its own accord.
        ModuleRequest = 17, "module_request";
        /// Map a library.
        Library = 18, "library";
        /// Give a socket its local address.
        Bind = 19, "bind";
        /// Send a datagram to an address.
        Send = 20, "send";
        /// Make a socket.
        Socket = 21, "socket";
        /// Use a capability.
        Capability = 22, "capability";
        /// Become another user.
        Identity = 23, "identity";
        /// Send a signal out of the cell.
        Signal = 24, "signal";
        /// Make a user namespace.
        Namespace = 25, "namespace";
    }
}

numbered! {
    /// Whether a cell still learns (`enum kis_phase`).
    Phase {
        /// Learning its self.
        Learning = 0, "learning";
        /// Judged by its self.
        Ready = 1, "ready";
    }
}

numbered! {
    /// The class of a ring lane (`enum kis_class`).
    Class {
        /// What was decided, and what the officer did.
        Verdict = 0, "verdict";
        /// What the state of a cell has come to.
        Finding = 1, "finding";
        /// What is nice to have.
        Telemetry = 2, "telemetry";
        /// What happens on the host outside of any cell: scans.
        Host = 3, "host";
    }
}

numbered! {
    /// What happens to verdicts (`enum kis_mode` without inherit).
    Mode {
        /// Recorded only.
        Observe = 0, "observe";
        /// Recorded and carried out.
        Enforce = 1, "enforce";
    }
}

numbered! {
    /// A cell's own setting of its mode (`enum kis_mode`).
    CellMode {
        /// Recorded only.
        Observe = 0, "observe";
        /// Recorded and carried out.
        Enforce = 1, "enforce";
        /// The global mode counts.
        Inherit = 2, "inherit";
    }
}

numbered! {
    /// What a record tells (`enum kis_record_type`).
    RecordType {
        /// First threshold crossed.
        DangerOne = 1, "danger-one";
        /// Second threshold, signature match or breach.
        DangerTwo = 2, "danger-two";
        /// Denied because danger signal two is up.
        Veto = 3, "veto";
        /// A danger signal has ended.
        Calm = 4, "calm";
        /// From learning to ready, or back.
        Phase = 5, "phase";
        /// The officer changed something.
        Control = 6, "control";
        /// Packets of a banned peer were dropped.
        BanDrop = 7, "ban-drop";
        /// Somebody scans the host.
        Scan = 8, "scan";
        /// The values of a window.
        Window = 64, "window";
        /// A type 1 signature matched while its cell was calm.
        MatchCalm = 65, "match-calm";
    }
}

numbered! {
    /// Why (`enum kis_cause`).
    Cause {
        /// No cause given.
        None = 0, "none";
        /// The learned threshold.
        Threshold = 1, "threshold";
        /// The officer's bound on a parameter.
        Bound = 2, "bound";
        /// A path outside of the officer's prefixes.
        Tree = 3, "tree";
        /// Something that was never seen in learning.
        SelfDir = 4, "self";
        /// An operation that the officer forbids.
        Forbidden = 5, "forbidden";
        /// A signature.
        Signature = 6, "signature";
        /// Danger signal two is up.
        Danger = 7, "danger";
        /// A request over netlink.
        Officer = 8, "officer";
        /// Received bytes could not be looked at.
        Unseen = 9, "unseen";
        /// Nothing that the officer expects of a cell that learns.
        Unexpected = 10, "unexpected";
    }
}

numbered! {
    /// What somebody scans with (`enum kis_scan_kind`).
    ScanKind {
        /// SYN to where nobody listens: a SYN scan or a connect scan.
        Syn = 1, "syn";
        /// FIN alone.
        Fin = 2, "fin";
        /// No flag at all.
        Null = 3, "null";
        /// FIN, PSH and URG.
        Xmas = 4, "xmas";
        /// ACK of no connection: an ACK or window scan.
        Ack = 5, "ack";
        /// FIN and ACK of no connection.
        Maimon = 6, "maimon";
        /// Flags that do not go together.
        Flags = 7, "flags";
        /// SYN and ACK that nobody asked for: this host is the zombie of an idle scan, or its address was
        /// forged.
        SynAck = 8, "syn-ack";
        /// A datagram to where nobody listens.
        Udp = 9, "udp";
        /// Many sources together, none of which is one by itself, or too many to tell each.
        Distributed = 10, "distributed";
    }
}

impl ScanKind {
    /// Its bit in a set of kinds.
    pub const fn bit(self) -> u16 {
        // OVERFLOW: ten kinds, numbered from 1.
        1 << self as u16
    }
}

impl Op {
    /// How many there are (`KIS_OP_COUNT`).
    pub const COUNT: usize = Self::ALL.len();

    /// Its bit in an [`OpSet`].
    #[inline]
    pub const fn bit(self) -> u64 {
        // OVERFLOW: a set has a bit for each operation, see the assertion at `OpSet`.
        1 << self as u32
    }
}

impl CellMode {
    /// The mode that is in force for a cell while `global` is the global one.
    pub const fn resolve(self, global: Mode) -> Mode {
        match self {
            Self::Observe => Mode::Observe,
            Self::Enforce => Mode::Enforce,
            Self::Inherit => global,
        }
    }
}

/// A set of operations, up to 64 of them.
///
/// # Invariants
///
/// Only bits of operations are set.
///
/// # Examples
///
/// ```
/// use kis_core::wire::abi::{Op, OpSet};
///
/// let set = OpSet::EMPTY.with(Op::Exec).with(Op::Ptrace);
/// assert!(set.contains(Op::Exec) && !set.contains(Op::Read));
/// assert_eq!(OpSet::from_bits(set.bits()), Some(set));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpSet(u64);

const _: () = assert!(Op::COUNT <= u64::BITS as usize);

impl OpSet {
    /// No operation.
    pub const EMPTY: Self = Self(0);
    /// All operations, [`Op::None`] apart.
    pub const ALL: Self = Self((u64::MAX >> (u64::BITS as usize - Op::COUNT)) & !Op::None.bit());

    /// The set with these bits, if each is an operation's.
    pub const fn from_bits(bits: u64) -> Option<Self> {
        if bits & !Self::ALL.0 != 0 {
            return None;
        }
        // INVARIANT: just compared.
        Some(Self(bits))
    }

    /// The bits.
    #[inline]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// This set and `op`; [`Op::None`] is never a member.
    #[must_use]
    pub const fn with(self, op: Op) -> Self {
        // INVARIANT: cut to those of operations.
        Self((self.0 | op.bit()) & Self::ALL.0)
    }

    /// Whether `op` is a member.
    #[inline]
    pub const fn contains(self, op: Op) -> bool {
        self.0 & op.bit() != 0
    }

    /// Whether it has no member.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = Op> {
        Op::ALL.iter().copied().filter(move |op| self.contains(*op))
    }
}

/// What was decided; a set (`KIS_ACTION_*`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Action(u16);

impl Action {
    /// Nothing is done.
    pub const PASS: Self = Self(0);
    /// The call returns `EPERM`.
    pub const DENY: Self = Self(1 << 0);
    /// The connection is reset.
    pub const KILL: Self = Self(1 << 1);
    /// The peer is banned for a while.
    pub const BAN: Self = Self(1 << 2);

    /// The bits as in a record.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The set with these bits; unknown ones are dropped.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits & (Self::DENY.0 | Self::KILL.0 | Self::BAN.0))
    }

    /// This and `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in it.
    #[inline]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether nothing is done.
    pub const fn is_pass(self) -> bool {
        self.0 == 0
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_abi))]
mod tests {
    use super::*;

    #[test]
    fn op_numbers_round_trip() {
        for (at, op) in Op::ALL.iter().copied().enumerate() {
            assert_eq!(op as usize, at);
            assert_eq!(Op::from_u16(at as u16), Some(op));
            assert_eq!(Op::from_name(op.name().as_bytes()), Some(op));
        }
        assert_eq!(Op::COUNT, 26);
        assert_eq!(Op::from_u16(26), None);
    }

    #[test]
    fn op_set_refuses_unknown_bits() {
        assert_eq!(OpSet::from_bits(1), None);
        assert_eq!(OpSet::from_bits(1 << Op::COUNT), None);
        assert_eq!(OpSet::from_bits(1 << 63), None);
        assert_eq!(OpSet::ALL.iter().count(), Op::COUNT - 1);
        assert_eq!(OpSet::from_bits(OpSet::ALL.bits()), Some(OpSet::ALL));
        assert!(OpSet::EMPTY.with(Op::None).is_empty());
        let set = OpSet::EMPTY.with(Op::Exec).with(Op::Read);
        assert!(set.contains(Op::Exec) && set.contains(Op::Read) && !set.contains(Op::Write));
        assert_eq!(set.iter().count(), 2);
    }

    #[test]
    fn record_types_round_trip() {
        for kind in RecordType::ALL.iter().copied() {
            assert_eq!(RecordType::from_u16(kind as u16), Some(kind));
        }
        assert_eq!(RecordType::from_u16(0), None);
    }

    #[test]
    fn scan_kinds_round_trip_and_have_a_bit_each() {
        let mut all = 0u16;
        for kind in ScanKind::ALL.iter().copied() {
            assert_eq!(ScanKind::from_u16(kind as u16), Some(kind));
            assert_eq!(all & kind.bit(), 0);
            all |= kind.bit();
        }
        assert_eq!(ScanKind::from_u16(0), None);
        assert_eq!(all.count_ones(), 10);
    }

    #[test]
    fn cell_mode_resolves() {
        for global in [Mode::Observe, Mode::Enforce] {
            assert_eq!(CellMode::Inherit.resolve(global), global);
            assert_eq!(CellMode::Observe.resolve(global), Mode::Observe);
            assert_eq!(CellMode::Enforce.resolve(global), Mode::Enforce);
        }
    }

    #[test]
    fn action_sets_join() {
        let both = Action::KILL.with(Action::BAN);
        assert!(both.contains(Action::BAN) && !both.contains(Action::DENY));
        assert_eq!(Action::from_bits(0xffff).bits(), 7);
        assert!(Action::PASS.is_pass());
    }
}
