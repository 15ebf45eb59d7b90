// SPDX-License-Identifier: GPL-2.0

//! Names of what has numbers: capabilities, socket families, signals, users. Floor 0, pure; context:
//! any.

/// Capabilities by number (`include/uapi/linux/capability.h`).
const CAPABILITIES: [&[u8]; 41] = [
    b"chown",
    b"dac_override",
    b"dac_read_search",
    b"fowner",
    b"fsetid",
    b"kill",
    b"setgid",
    b"setuid",
    b"setpcap",
    b"linux_immutable",
    b"net_bind_service",
    b"net_broadcast",
    b"net_admin",
    b"net_raw",
    b"ipc_lock",
    b"ipc_owner",
    b"sys_module",
    b"sys_rawio",
    b"sys_chroot",
    b"sys_ptrace",
    b"sys_pacct",
    b"sys_admin",
    b"sys_boot",
    b"sys_nice",
    b"sys_resource",
    b"sys_time",
    b"sys_tty_config",
    b"mknod",
    b"lease",
    b"audit_write",
    b"audit_control",
    b"setfcap",
    b"mac_override",
    b"mac_admin",
    b"syslog",
    b"wake_alarm",
    b"block_suspend",
    b"audit_read",
    b"perfmon",
    b"bpf",
    b"checkpoint_restore",
];

/// The name of a capability.
///
/// # Examples
///
/// ```
/// use kis_core::sense::words::capability;
///
/// assert_eq!(capability(21), b"sys_admin");
/// assert_eq!(capability(99), b"unknown");
/// ```
pub fn capability(number: u32) -> &'static [u8] {
    let name = CAPABILITIES.get(crate::wire::bytes::index(number));
    name.copied().unwrap_or(b"unknown")
}

/// The user, or the group, that a number is. Debian gives people numbers from 1000 on (policy 9.2.2),
/// and a server that serves one of them may serve another; below that each is a service of its own.
///
/// # Examples
///
/// ```
/// use kis_core::sense::words::identity;
///
/// let mut room = [0; 24];
/// assert_eq!(identity(33, false, &mut room), b"system 33");
/// assert_eq!(identity(1001, false, &mut room), b"user");
/// assert_eq!(identity(42, true, &mut room), b"group system 42");
/// ```
pub fn identity(id: u32, is_group: bool, room: &mut [u8; 24]) -> &[u8] {
    let digits = digits(id);
    let (kind, number): (&[u8], &[u8]) = match id {
        0 => (b"root", b""),
        1..=999 => (b"system ", trimmed(&digits)),
        65534 => (b"nobody", b""),
        _ => (b"user", b""),
    };
    let group: &[u8] = if is_group { b"group " } else { b"" };
    join(&[group, kind, number], room)
}

/// Puts words one after the other, as far as there is room.
fn join<'a>(words: &[&[u8]], room: &'a mut [u8]) -> &'a [u8] {
    let mut len = 0usize;
    for byte in words.iter().copied().flat_map(|word| word.iter()) {
        if let Some(place) = room.get_mut(len) {
            *place = *byte;
            len = len.saturating_add(1);
        }
    }
    room.get(..len).unwrap_or_default()
}

/// A number below 1000 in digits.
fn digits(number: u32) -> [u8; 3] {
    let number = number.min(999);
    // CAST: below 10.
    let digit = |n: u32| b'0'.wrapping_add((n % 10) as u8);
    [digit(number / 100), digit(number / 10), digit(number)]
}

/// A number without zeros in front.
fn trimmed(digits: &[u8; 3]) -> &[u8] {
    let zeros = digits.iter().take(2).take_while(|d| **d == b'0').count();
    digits.get(zeros..).unwrap_or_default()
}

/// Whether a socket hears what is sent to others, or can send what others seem to have sent: packet
/// sockets and raw ones of IP. What is done with those is in no other class.
///
/// # Examples
///
/// ```
/// use kis_core::sense::words::is_raw;
///
/// assert!(is_raw(17, 2) && is_raw(2, 3) && is_raw(10, 3));
/// // Everybody asks netlink for the addresses of the host.
/// assert!(!is_raw(2, 1) && !is_raw(16, 3));
/// ```
pub const fn is_raw(family: u16, kind: u16) -> bool {
    matches!((family, kind), (17, _) | (2 | 10, 3))
}

/// What a family of sockets is called, its number where it has no name here (`AF_*`).
///
/// # Examples
///
/// ```
/// use kis_core::sense::words::family;
///
/// let mut room = [0; 3];
/// assert_eq!(family(40, &mut room), b"vsock");
/// assert_eq!(family(30, &mut room), b"30");
/// ```
pub fn family(number: u16, room: &mut [u8; 3]) -> &[u8] {
    match number {
        1 => b"unix",
        2 => b"inet",
        10 => b"inet6",
        16 => b"netlink",
        17 => b"packet",
        40 => b"vsock",
        _ => {
            *room = digits(number.into());
            trimmed(room)
        }
    }
}

/// What travels over a socket (`AF_UNIX`; `IPPROTO_TCP` and `_MPTCP`, `_UDP`, `_ICMP` and `_ICMPV6`,
/// `_SCTP`).
///
/// # Examples
///
/// ```
/// use kis_core::sense::words::protocol;
///
/// assert_eq!(protocol(10, 17), b"udp");
/// assert_eq!(protocol(2, 255), b"raw");
/// ```
pub const fn protocol(family: u16, protocol: u16) -> &'static [u8] {
    match (family, protocol) {
        (1, _) => b"unix",
        (_, 6 | 262) => b"tcp",
        (_, 17) => b"udp",
        (_, 1 | 58) => b"icmp",
        (_, 132) => b"sctp",
        _ => b"raw",
    }
}

/// What a socket is: its family and type (`AF_*`, `SOCK_*`).
///
/// # Examples
///
/// ```
/// use kis_core::sense::words::socket;
///
/// let mut room = [0; 32];
/// assert_eq!(socket(2, 1, &mut room), b"inet stream");
/// assert_eq!(socket(40, 5, &mut room), b"vsock seqpacket");
/// assert_eq!(socket(38, 5, &mut room), b"38 seqpacket");
/// ```
pub fn socket(family: u16, kind: u16, room: &mut [u8]) -> &[u8] {
    let mut digits_of_family = [0u8; 3];
    let family = self::family(family, &mut digits_of_family);
    let kind_number = digits(kind.into());
    let kind: &[u8] = match kind {
        1 => b"stream",
        2 => b"dgram",
        3 => b"raw",
        5 => b"seqpacket",
        _ => trimmed(&kind_number),
    };
    join(&[family, b" ", kind], room)
}

/// A signal, or what else reaches another task (`enum kis_reach` of the patched kernel), and the name
/// of the thread that it is for, up to its NUL, with `#` for digits.
///
/// # Examples
///
/// ```
/// use kis_core::sense::words::signal;
///
/// let mut room = [0; 32];
/// assert_eq!(signal(15, b"worker12\0\0", &mut room), b"15 -> worker##");
/// assert_eq!(signal(66, b"sshd", &mut room), b"limits -> sshd");
/// ```
pub fn signal<'a>(number: u32, name: &[u8], room: &'a mut [u8]) -> &'a [u8] {
    let digits = digits(number);
    let what: &[u8] = match number {
        65 => b"owner",
        66 => b"limits",
        _ => trimmed(&digits),
    };
    let mut general = [0u8; 16];
    let name = crate::wire::bytes::until_nul(name);
    let mut len = 0usize;
    for (to, from) in general.iter_mut().zip(name) {
        *to = if from.is_ascii_digit() { b'#' } else { *from };
        len = len.saturating_add(1);
    }
    let name = general.get(..len).unwrap_or_default();
    join(&[what, b" -> ", name], room)
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_words))]
mod tests {
    use super::*;

    #[test]
    fn words_of_numbers() {
        assert_eq!(capability(0), b"chown");
        assert_eq!(capability(40), b"checkpoint_restore");
        assert_eq!(capability(u32::MAX), b"unknown");
        let mut room = [0u8; 24];
        assert_eq!(identity(0, false, &mut room), b"root");
        assert_eq!(identity(999, false, &mut room), b"system 999");
        assert_eq!(identity(1000, true, &mut room), b"group user");
        assert_eq!(identity(65534, false, &mut room), b"nobody");
        let mut room = [0u8; 32];
        assert_eq!(socket(16, 3, &mut room), b"netlink raw");
        assert_eq!(socket(u16::MAX, 77, &mut room), b"999 77");
        assert_eq!(signal(9, b"init", &mut room), b"9 -> init");
        assert_eq!(signal(64, b"", &mut room), b"64 -> ");
        assert_eq!(signal(9, b"init", &mut room[..3]), b"9 -");
    }
}
