// SPDX-License-Identifier: GPL-2.0

//! Addresses as a task gives them (`sys::address`).

#[kernel::macros::kunit_tests(kis_address)]
mod tests {
    use crate::sys::{
        address::{Address, Call},
        sock::SocketKind,
    };

    const UNSPEC: u16 = 0;
    const UNIX: u16 = 1;
    const INET: u16 = 2;
    const INET6: u16 = 10;
    const NETLINK: u16 = 16;
    const STREAM: u16 = 1;
    const DGRAM: u16 = 2;
    const RAW: u16 = 3;
    const CALLS: [Call; 3] = [Call::Connect, Call::Bind, Call::Send];

    fn kind(family: u16, kind: u16) -> SocketKind {
        let protocol = 9;
        SocketKind {
            family,
            kind,
            protocol,
        }
    }

    /// An address of `family` with these bytes behind.
    fn with<const N: usize>(family: u16, rest: &[u8]) -> [u8; N] {
        let mut bytes = [0; N];
        if let Some(start) = bytes.get_mut(..2) {
            start.copy_from_slice(&family.to_ne_bytes());
        }
        if let Some(after) = bytes.get_mut(2..2 + rest.len()) {
            after.copy_from_slice(rest);
        }
        bytes
    }

    /// Whether an address is this one of IPv4.
    fn is_v4(parsed: &Address, wanted: [u8; 4], at: u16) -> bool {
        matches!(parsed, Address::V4 { address, port } if *address == wanted && *port == at)
    }

    fn is_other(parsed: &Address, of: u16) -> bool {
        matches!(parsed, Address::Other { family } if *family == of)
    }

    /// Whether it is this path, or with `is_abstract` this abstract name.
    fn is_unix(parsed: &Address, wanted: &[u8], is_abstract: bool) -> bool {
        match parsed {
            Address::UnixPath(name) => !is_abstract && name.as_bytes() == wanted,
            Address::UnixAbstract(name) => is_abstract && name.as_bytes() == wanted,
            _ => false,
        }
    }

    #[test]
    fn ipv4_is_read_by_both_families_and_needs_all_its_bytes() {
        let bytes: [u8; 16] = with(INET, &[0x1f, 0x90, 192, 0, 2, 7]);
        for family in [INET, INET6] {
            for call in CALLS {
                let socket = kind(family, STREAM);
                assert!(is_v4(
                    &Address::parse(&bytes, socket, call),
                    [192, 0, 2, 7],
                    8080
                ));
                for len in 2..16 {
                    let short = bytes.get(..len).unwrap_or_default();
                    assert!(is_other(&Address::parse(short, socket, call), family));
                }
            }
        }
    }

    #[test]
    fn ipv6_goes_without_its_scope_and_a_mapped_address_is_ipv4() {
        let mut rest = [0; 26];
        rest[1] = 53;
        rest[6] = 0x20;
        rest[21] = 1;
        let bytes: [u8; 28] = with(INET6, &rest);
        let socket = kind(INET6, DGRAM);
        for len in 24..=28 {
            let part = bytes.get(..len).unwrap_or_default();
            let parsed = Address::parse(part, socket, Call::Send);
            assert!(matches!(
                parsed,
                Address::V6 {
                    address: [0x20, .., 1],
                    port: 53
                }
            ));
        }
        for len in 2..24 {
            let short = bytes.get(..len).unwrap_or_default();
            assert!(is_other(&Address::parse(short, socket, Call::Send), INET6));
        }
        let mut rest = [0; 26];
        rest[1] = 53;
        rest[16] = 0xff;
        rest[17] = 0xff;
        rest[18] = 127;
        rest[21] = 1;
        let bytes: [u8; 28] = with(INET6, &rest);
        let parsed = Address::parse(&bytes, socket, Call::Connect);
        assert!(is_v4(&parsed, [127, 0, 0, 1], 53));
        // An IPv4 socket takes none.
        let parsed = Address::parse(&bytes, kind(INET, DGRAM), Call::Connect);
        assert!(is_other(&parsed, INET));
    }

    #[test]
    fn an_address_without_a_family_is_what_the_protocol_makes_of_it() {
        let bytes: [u8; 28] = with(UNSPEC, &[0, 53, 192, 0, 2, 7]);
        for family in [UNIX, INET, INET6, NETLINK, 17] {
            let parsed = Address::parse(&bytes, kind(family, DGRAM), Call::Connect);
            assert!(matches!(parsed, Address::Unspecified));
        }
        for call in [Call::Bind, Call::Send] {
            let parsed = Address::parse(&bytes, kind(INET, DGRAM), call);
            assert!(is_v4(&parsed, [192, 0, 2, 7], 53));
        }
        let udp = Address::parse(&bytes, kind(INET6, DGRAM), Call::Send);
        assert!(matches!(udp, Address::Unspecified));
        let raw = Address::parse(&bytes, kind(INET6, RAW), Call::Send);
        assert!(matches!(raw, Address::V6 { port: 53, .. }));
        for len in 0..2 {
            let short = bytes.get(..len).unwrap_or_default();
            let parsed = Address::parse(short, kind(INET, STREAM), Call::Bind);
            assert!(matches!(parsed, Address::Unspecified));
        }
    }

    #[test]
    fn a_unix_path_ends_at_its_first_nul_or_with_the_address() {
        let socket = kind(UNIX, STREAM);
        let bytes: [u8; 20] = with(UNIX, b"/run/x\0rest");
        let parsed = Address::parse(&bytes, socket, Call::Connect);
        assert!(is_unix(&parsed, b"/run/x", false));
        let bytes: [u8; 8] = with(UNIX, b"/run/x");
        let parsed = Address::parse(&bytes, socket, Call::Connect);
        assert!(is_unix(&parsed, b"/run/x", false));
        // As long as it can be, without a NUL, and longer.
        let bytes: [u8; 110] = with(UNIX, &[b'x'; 108]);
        let parsed = Address::parse(&bytes, socket, Call::Bind);
        assert!(is_unix(&parsed, &[b'x'; 108], false));
        let bytes: [u8; 111] = with(UNIX, &[b'x'; 109]);
        let parsed = Address::parse(&bytes, socket, Call::Bind);
        assert!(is_other(&parsed, UNIX));
    }

    #[test]
    fn an_abstract_name_has_all_its_bytes() {
        let socket = kind(UNIX, DGRAM);
        let bytes: [u8; 7] = with(UNIX, b"\0a\0b\0");
        let parsed = Address::parse(&bytes, socket, Call::Send);
        assert!(is_unix(&parsed, b"a\0b\0", true));
        let bytes: [u8; 3] = with(UNIX, b"\0");
        let parsed = Address::parse(&bytes, socket, Call::Send);
        assert!(is_unix(&parsed, b"", true));
        let bytes: [u8; 2] = with(UNIX, b"");
        let parsed = Address::parse(&bytes, socket, Call::Bind);
        assert!(matches!(parsed, Address::UnixUnnamed));
    }

    #[test]
    fn netlink_has_the_protocol_of_the_socket() {
        let mut rest = [0; 10];
        if let Some(port) = rest.get_mut(2..6) {
            port.copy_from_slice(&77u32.to_ne_bytes());
        }
        let bytes: [u8; 12] = with(NETLINK, &rest);
        let parsed = Address::parse(&bytes, kind(NETLINK, RAW), Call::Send);
        assert!(matches!(
            parsed,
            Address::Netlink {
                protocol: 9,
                port: 77
            }
        ));
        for len in 2..12 {
            let short = bytes.get(..len).unwrap_or_default();
            let parsed = Address::parse(short, kind(NETLINK, RAW), Call::Send);
            assert!(is_other(&parsed, NETLINK));
        }
    }

    #[test]
    fn a_family_that_is_not_the_sockets_disguises_nothing() {
        let bytes: [u8; 16] = with(INET, &[0, 80, 127, 0, 0, 1]);
        for family in [UNIX, NETLINK, 17, 40] {
            for call in CALLS {
                assert!(is_other(
                    &Address::parse(&bytes, kind(family, RAW), call),
                    family
                ));
            }
        }
    }
}
