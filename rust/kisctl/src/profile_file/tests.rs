// SPDX-License-Identifier: GPL-2.0

use super::*;
use kis_core::sense::class::{
    Class,
    Domain, //
};
use std::io;

fn cell(name: &str, program: &str) -> Cell {
    Cell {
        name: name.to_owned(),
        program: program.to_owned(),
        ..Cell::default()
    }
}

fn saved(cell: &Cell, build: Option<u64>) -> Saved {
    let mut saved = Saved::new();
    let name = b"tcp 127.0.0.1:9000";
    assert!(saved.repertoire.accept(Class::Peer, Domain::Root, name));
    saved.belongs_to(cell, build);
    saved
}

fn no_file() -> io::Error {
    io::Error::from_raw_os_error(2)
}

#[test]
fn profiles_that_do_not_fit_are_told_with_their_reason() {
    let (nginx, redis) = (cell("web", "/usr/sbin/nginx"), cell("db", "/usr/bin/redis"));
    let cells = [nginx.clone(), redis.clone()];
    let own = saved(&nginx, Some(7));
    assert_eq!(own.misfit(&nginx, Ok(7), &cells), None);
    let why = |saved: &Saved, cell: &Cell, build| saved.misfit(cell, build, &cells);
    assert_eq!(
        why(&own, &redis, Ok(7)).as_deref(),
        Some("it is of cell \"web\" (/usr/sbin/nginx)")
    );
    assert_eq!(
        why(&own, &cell("web", "/usr/sbin/apache2"), Ok(7)).as_deref(),
        Some("it is of cell \"web\" (/usr/sbin/nginx)")
    );
    let stranger = saved(&cell("x", "/x"), Some(7));
    assert_eq!(
        why(&stranger, &nginx, Ok(7)).as_deref(),
        Some("it is of another cell, or of another program than /usr/sbin/nginx")
    );
    assert_eq!(
        why(&own, &nginx, Ok(8)).as_deref(),
        Some("it was learned from another build of /usr/sbin/nginx")
    );
    let missing = why(&own, &nginx, Err(no_file())).expect("a reason");
    assert!(
        missing.contains("cannot be held against it: No such file"),
        "{missing}"
    );
    let unknown = saved(&nginx, None);
    assert_eq!(why(&unknown, &nginx, Ok(8)), None);
    assert_eq!(why(&unknown, &nginx, Err(no_file())), None);
    let nobody = why(&Saved::new(), &nginx, Ok(7));
    assert_eq!(nobody.as_deref(), Some("it does not say whose it is"));
}

#[test]
fn origin_and_items_survive_a_file() {
    let web = cell("web", "/usr/sbin/nginx");
    let image = saved(&web, Some(7)).encode().expect("an image");
    let read = Saved::read(&image, "p").expect("a profile");
    assert_eq!(read.profile.origin.build, 7);
    assert_eq!(read.misfit(&web, Ok(7), &[]), None);
    let items = read.repertoire.items();
    assert!(items.has(Class::Peer, Domain::Root, b"tcp 127.0.0.1:9000"));
    assert_eq!(read.encode().expect("an image"), image);
}

#[test]
fn every_damage_to_a_profile_is_refused_with_a_next_step() {
    let image = saved(&cell("web", "/x"), Some(7))
        .encode()
        .expect("an image");
    let refused = |bytes: &[u8]| {
        let told = Saved::read(bytes, "p").expect_err("damaged").to_string();
        assert!(told.starts_with("p: not a profile: it "), "{told}");
        assert!(told.ends_with(')'), "{told}");
    };
    for len in 0..image.len() {
        refused(&image[..len]);
    }
    for at in 0..image.len() {
        let mut flipped = image.clone();
        flipped[at] ^= 1 << (at % 8);
        refused(&flipped);
    }
    let mut longer = image.clone();
    longer.extend([0; 8]);
    refused(&longer);
    let mut other = image.clone();
    other[4] = 2;
    image::reseal(&mut other);
    let told = Saved::read(&other, "p")
        .expect_err("of another ABI")
        .to_string();
    assert!(
        told.contains("written for ABI 2, this kisctl speaks 3"),
        "{told}"
    );
}

#[test]
fn build_follows_the_bytes_of_the_program() {
    let path = std::env::temp_dir().join(format!("kisctl-build-{}", std::process::id()));
    let of = |bytes: &[u8]| {
        std::fs::write(&path, bytes).expect("a file");
        build_of(&path.to_string_lossy()).expect("a build")
    };
    assert_eq!(of(b""), 0xcbf2_9ce4_8422_2325);
    assert_eq!(of(b"a"), 0xaf63_dc4c_8601_ec8c);
    assert_ne!(of(b"b"), of(b"c"));
    std::fs::remove_file(&path).expect("it was there");
    assert!(build_of(&path.to_string_lossy()).is_err());
}
