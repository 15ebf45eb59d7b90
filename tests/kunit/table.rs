// SPDX-License-Identifier: GPL-2.0

//! The table of cells, and handles over reloads (`cells::table`).

#[kernel::macros::kunit_tests(kis_table)]
mod tests {
    use crate::{cells::table::Table, image::Image};
    use kernel::prelude::*;
    use kis_core::cells::{encode, handle::Handle, CellSpec, Cells};

    const REDIS: CellSpec<'static> = CellSpec::new(b"redis", b"/usr/bin/redis-server");
    const NGINX: CellSpec<'static> = CellSpec::new(b"nginx", b"/usr/sbin/nginx");
    const SSHD: CellSpec<'static> = CellSpec::new(b"sshd", b"/usr/sbin/sshd");

    fn table(specs: &[CellSpec<'_>], old: Option<&Table>) -> Option<Table> {
        let mut bytes = KVVec::new();
        bytes.resize(4096, 0u8, GFP_KERNEL).ok()?;
        let len = encode(specs, &mut bytes).ok()?;
        bytes.truncate(len);
        Table::new(Cells::verify(Image(bytes)).ok()?, old).ok()
    }

    fn number(table: &Table, handle: u64) -> Option<u32> {
        table.of_handle(handle).map(|(_, cell)| cell.number)
    }

    #[test]
    fn handles_survive_reloads_as_long_as_their_cell() {
        let first = table(&[REDIS, NGINX], None);
        assert!(first.is_some());
        let Some(first) = first else { return };
        let (redis, nginx) = (first.handle(0), first.handle(1));
        assert_eq!(number(&first, redis), Some(1));
        assert_eq!(number(&first, 0), None);
        assert_eq!(number(&first, first.handle(2)), None);
        assert!(first.find(b"nginx").is_some_and(|(i, _)| i == 1));

        let second = table(&[SSHD, REDIS], Some(&first));
        assert!(second.is_some());
        let Some(second) = second else { return };
        assert_eq!(number(&second, redis), Some(2));
        assert_eq!(number(&second, nginx), None);
        let foreign = Handle::new(second.generation.wrapping_add(1), 0);
        assert_eq!(number(&second, foreign.raw()), None);

        // Eight more: the handle of the first is forgotten, that of the second is not.
        let (mut now, sshd) = (second, 0);
        let kept = now.handle(sshd);
        for _ in 0..8 {
            let next = table(&[REDIS, SSHD], Some(&now));
            assert!(next.is_some());
            let Some(next) = next else { return };
            now = next;
        }
        assert_eq!(number(&now, kept), Some(2));
        assert_eq!(number(&now, redis), None);
    }

    #[test]
    fn another_program_of_the_same_name_is_another_cell() {
        let first = table(&[REDIS], None);
        let other = CellSpec::new(b"redis", b"/opt/redis/redis-server");
        let second = table(&[other], first.as_ref());
        assert!(first.is_some() && second.is_some());
        let (Some(first), Some(second)) = (first, second) else {
            return;
        };
        assert_eq!(number(&second, first.handle(0)), None);
    }

    #[test]
    fn programs_are_found_with_their_arguments() {
        let mut named = REDIS;
        named.arguments = b"*:6379";
        let table = table(&[named, NGINX], None);
        assert!(table.is_some());
        let Some(table) = table else { return };
        assert!(table.has_program(b"/usr/sbin/nginx") && !table.has_program(b"/usr/sbin/ngin"));
        for (program, arguments, want) in [
            ("/usr/bin/redis-server", *b"r\x00127.0.0.1:6379\0", Some(1)),
            ("/usr/bin/redis-server", *b"r\x00127.0.0.1:6380\0", None),
            ("/usr/sbin/nginx", *b"r\x00127.0.0.1:6380\0", Some(2)),
        ] {
            let mut arguments = arguments;
            let handle = table.of_program(program.as_bytes(), &mut arguments);
            assert_eq!(handle.and_then(|handle| number(&table, handle)), want);
        }
    }
}
