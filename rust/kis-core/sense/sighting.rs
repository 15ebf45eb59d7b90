// SPDX-License-Identifier: GPL-2.0

//! What came up, in the words of a repertoire: class, domain and general name, and whether a set
//! knows it.
//!
//! The rules, and why:
//!
//! - A *program* is an item with its parent: what a shell starts is nothing that a server may start.
//!   Helpers of a package are in a directory of its own below `/usr/lib` or `/usr/libexec` (FHS 4.6, 4.7) and
//!   are one item by that, whoever of the cell executes them: a mail server has one for bounces, and a
//!   shell that sshd has started executes the one for files. Not so directories that are called `bin` or
//!   `sbin`: what is there is for everybody's use.
//! - A *library* that only root can have put there is no secret weapon: it is an item by its
//!   directory, and a new one is no more than danger signal one. Others are items by their names.
//! - A file that everybody may read is an item by its directory; one that not everybody may is one by
//!   its name. Of the former, those of the system ([`SYSTEM`]) are the same on every machine, and a
//!   new one is mild; the others are *content*, which covers what is below as well, so that a site can
//!   get directories. What is hidden in it (`.env`, `.git/config`) is an item by its name.
//! - A setting below `/etc` is an item by its name, too, and what root reads of them when a server starts
//!   says nothing of those who serve: who lists accounts, or looks for how a machine is set up, is told.
//!   Not so what the C library reads by itself.
//! - A directory that belongs to the user a cell serves as (never root) is the cell's own: data,
//!   caches, spools. What it does there is an item by the first three components, whatever it does.
//!   Not so names that begin with a dot, which are settings of other programs (`.ssh`), programs and
//!   libraries.
//! - Where a cell creates files it may write, read and remove them. What it writes it may create
//!   anew: so are logs rotated.
//! - What root did with a file a lesser user of the cell may do, too: the file's modes still hold him. So
//!   does a worker open the log again that root opened for him at the start.
//! - A program or library where the cell itself writes is never of the self.
//!
//! - A server of which the officer says so (`sshd`, `login`) becomes people, and what they do is their
//!   business: what they execute and map, and the files that they make where the file's modes let them, is
//!   no more than danger signal one. Not so secrets, peers, and the files by which something is started or
//!   let in later (`.ssh`, `.bashrc`).
//! - What starts something, or lets somebody in, the next time is a *foothold*: where it is new, it is a
//!   surprise also in a class that still grows.
//! - Groups are mild: who may take them may do without.
//! - A directory brings all below it along to a new name, so having been given that name is an item of
//!   its own.
//!
//! Floor 0, pure; context: any.

use super::class::{
    Class,
    Domain, //
};
use super::items::above;
use crate::paths::path::parent;
use crate::paths::places::general;

/// Bytes of the longest general name, and of what two of them need. What is longer has lost its end:
/// an item could not have more.
pub const NAME_BYTES: usize = super::items::MAX_NAME;

/// How many components of the path of an own directory count.
const OWN_DEPTH: usize = 3;

/// What is done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It is opened for reading.
    Read,
    /// It is written to, or changed.
    Write,
    /// It is made.
    Create,
    /// It is removed, or loses this name.
    Remove,
    /// It is mapped to be executed.
    Library,
    /// It is a setting of the kernel, and written to.
    Set,
    /// It is a directory that gets this name, with all that is below it.
    Place,
}

/// Who does it, and what kind of file it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The process.
    pub pid: u32,
    /// It acts as user 0.
    pub is_root: bool,
    /// Everybody may read the file.
    pub is_public: bool,
    /// The file's directory belongs to the user that the process acts as.
    pub is_own: bool,
    /// File and directory belong to root, and nobody else may write to the file.
    pub is_trusted: bool,
    /// Somebody may execute the file.
    pub is_program: bool,
    /// A person does it, who has come by way of the cell: see the rules above. Never root.
    pub is_session: bool,
}

/// A set that can be asked.
pub trait Knows {
    /// Whether something is in it, by its name or a folded directory above.
    fn has(&self, class: Class, domain: Domain, name: &[u8]) -> bool;
}

/// Something that came up.
///
/// # Examples
///
/// ```
/// use kis_core::sense::class::Class;
/// use kis_core::sense::sighting::{Act, Look, Sighting};
///
/// let mut room = [0; 512];
/// let look = Look { is_public: true, ..Look::default() };
/// let seen = Sighting::of_file(Act::Read, b"/var/www/html/index.html", &look, &mut room);
/// assert_eq!((seen.class, seen.name), (Class::Content, &b"/var/www/html"[..]));
/// let seen = Sighting::of_file(Act::Read, b"/etc/shadow", &Look::default(), &mut room);
/// assert_eq!((seen.class, seen.name), (Class::Secret, &b"/etc/shadow"[..]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting<'a> {
    /// What kind of thing it is.
    pub class: Class,
    /// With what right.
    pub domain: Domain,
    /// Its general name, as an item has it.
    pub name: &'a [u8],
    /// What an alert says of it: who executes what, where the name is that of a directory.
    pub told: &'a [u8],
    /// The general path of the file, for what is an item by its directory.
    path: &'a [u8],
    /// Whether it is no more than danger signal one, whatever its class.
    pub is_mild: bool,
    /// Whether something is made or changed by which a program is started, or somebody let in, the next
    /// time: that is a surprise also in a class that grows.
    pub is_foothold: bool,
}

impl<'a> Sighting<'a> {
    /// Something that has a name and no path.
    pub const fn named(class: Class, is_root: bool, name: &'a [u8]) -> Self {
        let name = match name.split_at_checked(NAME_BYTES) {
            Some((name, _)) => name,
            None => name,
        };
        Self {
            class,
            domain: Domain::of(is_root),
            name,
            told: name,
            path: &[],
            is_mild: class.is_mild(),
            is_foothold: false,
        }
    }

    /// Something that is done with a file. `room` has [`NAME_BYTES`]; of more these are used.
    pub fn of_file(act: Act, path: &[u8], look: &Look, room: &'a mut [u8]) -> Self {
        let room = cut(room);
        let mut len = general(path, look.pid, room);
        if act == Act::Place {
            // No path ends like that: being made there, and being moved there, are two things.
            if let Some(end) = room.get_mut(len) {
                *end = b'/';
                len = len.saturating_add(1);
            }
        }
        let path = room.get(..len).unwrap_or_default();
        let dir = parent(path);
        let is_code = look.is_program || is_library(path);
        let is_own = look.is_own && !look.is_root && !is_code && !has_dot(path);
        let (class, name) = match act {
            Act::Library if look.is_trusted => (Class::Library, dir),
            Act::Library => (Class::Library, path),
            Act::Set => (Class::Setting, path),
            Act::Read if look.is_public && is_setting(path) => (Class::Read, path),
            Act::Read if look.is_public && is_system(path) => (Class::Read, dir),
            Act::Read if look.is_public && is_kept(path) => (Class::Content, path),
            Act::Read if look.is_public => (Class::Content, dir),
            _ if is_own => (Class::Own, head(dir, OWN_DEPTH)),
            Act::Read => (Class::Secret, path),
            Act::Write => (Class::Write, path),
            Act::Create => (Class::Create, dir),
            Act::Place => (Class::Create, path),
            Act::Remove => (Class::Remove, dir),
        };
        Self {
            class,
            domain: Domain::of(look.is_root),
            name,
            told: name,
            path,
            is_mild: class.is_mild()
                || (act == Act::Library && look.is_trusted)
                || (class == Class::Content && (look.is_session || look.is_own))
                || (look.is_session && is_people_s(act) && !starts_something(path)),
            is_foothold: matches!(act, Act::Write | Act::Create | Act::Place)
                && starts_something(path),
        }
    }

    /// A program that another one executes. `room` has [`NAME_BYTES`]; of names that do not fit the
    /// end is cut off.
    pub fn of_program(parent: &[u8], child: &[u8], look: &Look, room: &'a mut [u8]) -> Self {
        let room = cut(room);
        let parent_len = general(parent, look.pid, room);
        let mut at = parent_len;
        for byte in ARROW {
            if let Some(place) = room.get_mut(at) {
                *place = *byte;
                at = at.saturating_add(1);
            }
        }
        let child_len = general(child, look.pid, room.get_mut(at..).unwrap_or_default());
        let end = at.saturating_add(child_len);
        let room: &[u8] = room;
        let told = room.get(..end).unwrap_or_default();
        let path = room.get(at..end).unwrap_or_default();
        // The blank before the arrow is not part of the name.
        let helper = helpers(path).and_then(|dir| {
            let end = at.saturating_add(dir.len());
            room.get(parent_len.saturating_add(1)..end)
        });
        Self {
            class: Class::Program,
            domain: Domain::of(look.is_root),
            name: helper.unwrap_or(told),
            told,
            path,
            is_mild: look.is_session,
            is_foothold: false,
        }
    }

    /// The same, and no more than danger signal one.
    #[must_use]
    pub const fn mild(self) -> Self {
        Self {
            is_mild: true,
            ..self
        }
    }

    /// The same of a program, `own` being that of the cell: who executes the very program again that
    /// the cell is, as servers do that are reloaded or upgraded, is no more than danger signal one. It
    /// has nothing then that it did not have.
    #[must_use]
    pub fn by_itself(self, parent: &[u8], child: &[u8], own: &[u8]) -> Self {
        let is_again = parent == child && child == own;
        Self {
            is_mild: self.is_mild || is_again,
            ..self
        }
    }

    /// Whether a file lies where the cell itself writes: then it can be no program or library of
    /// the self, whatever was learned.
    pub fn is_self_made(&self, self_: &impl Knows) -> bool {
        if !matches!(self.class, Class::Program | Class::Library) {
            return false;
        }
        let dir = parent(self.path);
        Domain::ALL.into_iter().any(|domain| {
            self_.has(Class::Write, domain, self.path) || self_.has(Class::Create, domain, dir)
        })
    }

    /// Whether it makes a file that a set has as one to be written to: so logs begin.
    pub fn is_to_be_written(&self, set: &impl Knows) -> bool {
        // A directory that comes along with all below it is called by its path.
        self.class == Class::Create
            && self.name != self.path
            && set.has(Class::Write, self.domain, self.path)
    }

    /// Whether a set knows it.
    pub fn is_known(&self, self_: &impl Knows) -> bool {
        let is_setting = self.class == Class::Read && is_setting(self.path);
        let has = |class: Class, name: &[u8]| {
            self_.has(class, self.domain, name)
                || ((class.is_by_modes() || class == Class::Identity)
                    && self.domain == Domain::User
                    && !is_setting
                    && self_.has(class, Domain::Root, name))
        };
        let dir = parent(self.path);
        match self.class {
            Class::Program | Class::Library => {
                has(self.class, self.name) && !self.is_self_made(self_)
            }
            Class::Read => has(Class::Read, self.name) || has(Class::Create, dir),
            Class::Content => {
                let is_below = || above(dir).any(|dir| is_deep(dir) && has(Class::Content, dir));
                has(Class::Content, self.name)
                    || has(Class::Create, dir)
                    || has(Class::Own, head(dir, OWN_DEPTH))
                    || (!is_kept(self.path) && is_below())
            }
            Class::Secret | Class::Own => {
                has(self.class, self.name)
                    || has(Class::Write, self.path)
                    || has(Class::Create, dir)
            }
            Class::Write => has(Class::Write, self.name) || has(Class::Create, dir),
            Class::Create => has(Class::Create, self.name) || has(Class::Write, self.path),
            Class::Remove => has(Class::Remove, self.name) || has(Class::Create, dir),
            _ => has(self.class, self.name),
        }
    }
}

/// Where the files of the system are that everybody may read (FHS 3.0): programs and what belongs to
/// them, settings, and what the kernel or a service shows of itself.
pub const SYSTEM: [&[u8]; 16] = [
    b"/bin/",
    b"/boot/",
    b"/dev/",
    b"/etc/",
    b"/lib/",
    b"/lib32/",
    b"/lib64/",
    b"/proc/",
    b"/run/",
    b"/sbin/",
    b"/sys/",
    b"/tmp/",
    b"/usr/",
    b"/var/cache/",
    b"/var/lib/",
    b"/var/tmp/",
];

/// Where the system keeps what it starts by itself, and who may come in: init and systemd, cron, udev, the
/// loader, login shells, PAM, sudo, accounts, keys of hosts (beginnings of paths in their general form).
pub const STARTS: [&[u8]; 26] = [
    b"/etc/cron",
    b"/etc/group",
    b"/etc/gshadow",
    b"/etc/init",
    b"/etc/ld.so",
    b"/etc/modprobe.d/",
    b"/etc/modules",
    b"/etc/pam.",
    b"/etc/passwd",
    b"/etc/profile",
    b"/etc/rc",
    b"/etc/security/",
    b"/etc/shadow",
    b"/etc/ssh/",
    b"/etc/sudoers",
    b"/etc/systemd/",
    b"/etc/udev/",
    b"/etc/update-motd.d/",
    b"/etc/xdg/autostart/",
    b"/lib/systemd/",
    b"/lib/udev/",
    b"/run/systemd/system/",
    b"/usr/lib/systemd/",
    b"/usr/lib/udev/",
    b"/usr/local/lib/systemd/",
    b"/var/spool/cron/",
];

/// Whether a file is a setting of the system or of a program: but for what the C library and OpenSSL read by
/// themselves, when a name is looked up, the time is told, or something is loaded.
fn is_setting(path: &[u8]) -> bool {
    const BY_ITSELF: [&[u8]; 14] = [
        b"gai.conf",
        b"host.conf",
        b"hosts",
        b"ld.so.cache",
        b"ld.so.preload",
        b"locale.alias",
        b"localtime",
        b"nsswitch.conf",
        b"protocols",
        b"resolv.conf",
        b"services",
        b"ssl/openssl.cnf",
        b"timezone",
        b"mime.types",
    ];
    path.strip_prefix(b"/etc/")
        .is_some_and(|rest| !BY_ITSELF.contains(&rest))
}

/// Whether a file of a site is not for its visitors: its name begins with a dot. Not so those that a server
/// looks for by itself in each directory.
fn is_kept(path: &[u8]) -> bool {
    let name = path.get(parent(path).len()..).unwrap_or_default();
    name.starts_with(b"/.") && name != b"/.htaccess" && name != b"/.user.ini"
}

/// Whether a directory is no nearer to the root than two steps: what is below it belongs to it.
fn is_deep(dir: &[u8]) -> bool {
    dir.iter().filter(|b| **b == b'/').nth(1).is_some()
}

/// Whether a file is in one of these places.
fn is_system(path: &[u8]) -> bool {
    SYSTEM.iter().any(|place| path.starts_with(place))
}

/// Between a program and what it executes.
pub const ARROW: &[u8] = b" -> ";

/// Before the directory of what anybody of the cell executes.
pub const HELPER: &[u8] = b"-> ";

/// The directory that a package has for its own programs.
fn helpers(program: &[u8]) -> Option<&[u8]> {
    let dir = parent(program);
    let roots: [&[u8]; 2] = [b"/usr/lib/", b"/usr/libexec/"];
    let is_private = roots.iter().any(|root| dir.starts_with(root))
        && !dir.ends_with(b"/bin")
        && !dir.ends_with(b"/sbin");
    (is_private && !is_library(program)).then_some(dir)
}

/// Whether people do that with files as they like: make, change, remove them, and execute them.
const fn is_people_s(act: Act) -> bool {
    !matches!(act, Act::Read | Act::Set)
}

/// Whether a file is one by which something is started, or somebody let in, the next time: in a place of
/// the system ([`STARTS`]), or by a component of its path, of shells, sshd, rlogin, PAM, mail, desktops.
fn starts_something(path: &[u8]) -> bool {
    const NAMES: [&[u8]; 26] = [
        b".ssh",
        b".bashrc",
        b".bash_profile",
        b".bash_login",
        b".bash_logout",
        b".bash_aliases",
        b".profile",
        b".login",
        b".cshrc",
        b".tcshrc",
        b".kshrc",
        b".zshrc",
        b".zshenv",
        b".zprofile",
        b".zlogin",
        b".inputrc",
        b".config",
        b".local",
        b".pam_environment",
        b".rhosts",
        b".shosts",
        b".forward",
        b".netrc",
        b".xinitrc",
        b".xsession",
        b".xsessionrc",
    ];
    STARTS.iter().any(|place| path.starts_with(place))
        || path.split(|b| *b == b'/').any(|part| NAMES.contains(&part))
}

/// The room that a name may have.
fn cut(room: &mut [u8]) -> &mut [u8] {
    let len = room.len().min(NAME_BYTES);
    room.get_mut(..len).unwrap_or_default()
}

/// Whether a path is named like a library: `x.so`, `x.so.1`.
fn is_library(path: &[u8]) -> bool {
    let name = path.rsplit(|b| *b == b'/').next().unwrap_or_default();
    name.ends_with(b".so") || name.windows(4).any(|part| part == b".so.")
}

/// Whether a component of a path begins with a dot.
fn has_dot(path: &[u8]) -> bool {
    path.split(|b| *b == b'/')
        .any(|part| part.first() == Some(&b'.'))
}

/// The first components of a path.
fn head(path: &[u8], depth: usize) -> &[u8] {
    let mut slashes = 0usize;
    let end = path.iter().position(|b| {
        slashes = slashes.saturating_add(usize::from(*b == b'/'));
        slashes > depth
    });
    end.and_then(|end| path.get(..end)).unwrap_or(path)
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_sighting))]
mod tests {
    use super::*;

    /// A set of a few things, all of them of the user's domain.
    struct Few(&'static [(Class, &'static [u8])]);

    impl Knows for Few {
        fn has(&self, class: Class, domain: Domain, name: &[u8]) -> bool {
            domain == Domain::User && self.0.contains(&(class, name))
        }
    }

    const LOOK: Look = Look {
        pid: 7,
        is_root: false,
        is_public: false,
        is_own: false,
        is_trusted: false,
        is_program: false,
        is_session: false,
    };

    fn is(act: Act, path: &[u8], look: Look, class: Class, name: &[u8]) -> bool {
        let mut room = [0u8; 128];
        let seen = Sighting::of_file(act, path, &look, &mut room);
        seen.class == class && seen.name == name
    }

    fn knows(few: &Few, act: Act, path: &[u8], look: Look) -> bool {
        let mut room = [0u8; 128];
        Sighting::of_file(act, path, &look, &mut room).is_known(few)
    }

    #[test]
    fn files_are_items_by_what_they_are() {
        let public = Look {
            is_public: true,
            ..LOOK
        };
        assert!(is(Act::Read, b"/etc/hosts", public, Class::Read, b"/etc"));
        for path in [&b"/etc/passwd"[..], b"/etc/nginx/nginx.conf"] {
            assert!(is(Act::Read, path, public, Class::Read, path));
        }
        assert!(is(
            Act::Read,
            b"/srv/www/.env",
            public,
            Class::Content,
            b"/srv/www/.env"
        ));
        for (path, dir) in [
            (&b"/srv/www/x"[..], &b"/srv/www"[..]),
            (b"/flag", b"/"),
            (b"/etcetera/x", b"/etcetera"),
        ] {
            assert!(is(Act::Read, path, public, Class::Content, dir));
        }
        assert!(is(
            Act::Read,
            b"/etc/shadow",
            LOOK,
            Class::Secret,
            b"/etc/shadow"
        ));
        assert!(is(
            Act::Write,
            b"/var/log/a.1",
            LOOK,
            Class::Write,
            b"/var/log/a.#"
        ));
        assert!(is(
            Act::Create,
            b"/etc/cron.d/x",
            LOOK,
            Class::Create,
            b"/etc/cron.d"
        ));
        assert!(is(Act::Remove, b"/etc/x", LOOK, Class::Remove, b"/etc"));
        assert!(is(
            Act::Library,
            b"/tmp/x.so",
            public,
            Class::Library,
            b"/tmp/x.so"
        ));
        let trusted = Look {
            is_trusted: true,
            ..public
        };
        assert!(is(
            Act::Library,
            b"/usr/lib/x.so",
            trusted,
            Class::Library,
            b"/usr/lib"
        ));
    }

    #[test]
    fn content_covers_what_is_below() {
        let few = Few(&[
            (Class::Content, b"/srv/www"),
            (Class::Content, b"/srv"),
            (Class::Own, b"/opt/a/b"),
        ]);
        let look = Look {
            is_public: true,
            ..LOOK
        };
        let answer = |path: &[u8], look: &Look| {
            let mut room = [0u8; 64];
            let seen = Sighting::of_file(Act::Read, path, look, &mut room);
            (seen.is_known(&few), seen.is_mild)
        };
        assert_eq!(answer(b"/srv/www/page", &look), (true, false));
        assert_eq!(answer(b"/srv/www/new/page", &look), (true, false));
        assert_eq!(answer(b"/srv/www/new/er/page", &look), (true, false));
        assert_eq!(answer(b"/srv/www/.well-known/x", &look), (true, false));
        assert_eq!(answer(b"/srv/www/.git/config", &look), (false, false));
        assert_eq!(answer(b"/srv/www/.env", &look), (false, false));
        assert_eq!(answer(b"/srv/www/.htaccess", &look), (true, false));
        assert_eq!(answer(b"/srv/www/new/.htaccess", &look), (true, false));
        assert_eq!(answer(b"/srv/private/key", &look), (false, false));
        assert_eq!(answer(b"/data/alice/x", &look), (false, false));
        assert_eq!(answer(b"/usr/share/x/y", &look), (false, true));
        assert_eq!(answer(b"/opt/a/b/c", &look), (true, false));
        for look in [
            Look {
                is_session: true,
                ..look
            },
            Look {
                is_own: true,
                ..look
            },
        ] {
            assert_eq!(answer(b"/data/alice/x", &look), (false, true));
        }
    }

    #[test]
    fn own_directories_are_one_item_but_for_settings_and_programs() {
        let own = Look {
            is_own: true,
            ..LOOK
        };
        let data = b"/var/lib/postgresql/17/main/base/5/1259";
        for act in [Act::Read, Act::Write, Act::Create, Act::Remove] {
            assert!(is(act, data, own, Class::Own, b"/var/lib/postgresql"));
        }
        let key = b"/var/lib/redis/.ssh/authorized_keys";
        assert!(is(
            Act::Create,
            key,
            own,
            Class::Create,
            b"/var/lib/redis/.ssh"
        ));
        let root = Look {
            is_root: true,
            ..own
        };
        assert!(is(Act::Write, b"/root/x", root, Class::Write, b"/root/x"));
        let program = Look {
            is_program: true,
            ..own
        };
        assert!(is(
            Act::Write,
            b"/opt/a/b",
            program,
            Class::Write,
            b"/opt/a/b"
        ));
    }

    #[test]
    fn what_is_created_may_be_used_and_what_is_written_created() {
        let few = Few(&[(Class::Create, b"/spool"), (Class::Write, b"/log/a.log")]);
        for act in [Act::Read, Act::Write, Act::Create, Act::Remove] {
            assert!(knows(&few, act, b"/spool/1", LOOK));
            assert!(!knows(&few, act, b"/spool/sub/1", LOOK));
        }
        assert!(knows(&few, Act::Create, b"/log/a.log", LOOK));
        assert!(knows(&few, Act::Read, b"/log/a.log", LOOK));
        assert!(!knows(&few, Act::Create, b"/log/b.log", LOOK));
        assert!(!knows(&few, Act::Remove, b"/log/a.log", LOOK));
        let root = Look {
            is_root: true,
            ..LOOK
        };
        assert!(!knows(&few, Act::Write, b"/spool/1", root));
    }

    #[test]
    fn what_root_did_with_a_file_a_lesser_user_may_do() {
        struct OfRoot;
        impl Knows for OfRoot {
            fn has(&self, class: Class, domain: Domain, name: &[u8]) -> bool {
                let names: [&[u8]; 4] = [b"/log/a", b"tcp 127.0.0.1:80", b"/etc/passwd", b"/etc"];
                let classes = [Class::Write, Class::Peer, Class::Read];
                domain == Domain::Root && classes.contains(&class) && names.contains(&name)
            }
        }
        let knows = |act, path: &[u8]| {
            let mut room = [0u8; 64];
            Sighting::of_file(act, path, &LOOK, &mut room).is_known(&OfRoot)
        };
        assert!(knows(Act::Write, b"/log/a") && !knows(Act::Write, b"/log/b"));
        // Also where the directory is his.
        let own = Look {
            is_own: true,
            ..LOOK
        };
        let mut room = [0u8; 64];
        let seen = Sighting::of_file(Act::Write, b"/log/a", &own, &mut room);
        assert!(seen.class == Class::Own && seen.is_known(&OfRoot));
        // But who looks for accounts does so by himself.
        for (path, is_root, want) in [
            (&b"/etc/passwd"[..], true, true),
            (b"/etc/passwd", false, false),
            (b"/etc/group", true, false),
            (b"/etc/hosts", false, true),
        ] {
            let look = Look {
                is_public: true,
                is_root,
                ..LOOK
            };
            let seen = Sighting::of_file(Act::Read, path, &look, &mut room);
            assert!(seen.is_known(&OfRoot) == want && seen.is_mild);
        }
        let peer = |is_root| Sighting::named(Class::Peer, is_root, b"tcp 127.0.0.1:80");
        assert!(peer(true).is_known(&OfRoot) && !peer(false).is_known(&OfRoot));
    }

    #[test]
    fn what_the_cell_wrote_is_never_its_program_or_library() {
        let few = Few(&[
            (Class::Create, b"/up"),
            (Class::Library, b"/up"),
            (Class::Program, b"/a -> /up/x"),
            (Class::Program, b"/a -> /bin/x"),
        ]);
        assert!(!knows(&few, Act::Library, b"/up/x.so", LOOK));
        let mut room = [0u8; 64];
        let of = |child: &[u8]| {
            let mut room = [0u8; 64];
            Sighting::of_program(b"/a", child, &LOOK, &mut room).is_known(&few)
        };
        assert!(of(b"/bin/x") && !of(b"/up/x") && !of(b"/bin/y"));
        let seen = Sighting::of_program(b"/a", b"/up/x", &LOOK, &mut room);
        assert!(seen.is_self_made(&few));
        assert_eq!(seen.name, b"/a -> /up/x");
    }

    #[test]
    fn what_people_do_in_a_session_is_mild() {
        let look = Look {
            is_session: true,
            ..LOOK
        };
        let is_mild = |act, path: &[u8]| {
            let mut room = [0u8; 64];
            Sighting::of_file(act, path, &look, &mut room).is_mild
        };
        assert!(is_mild(Act::Create, b"/tmp/x") && is_mild(Act::Write, b"/tmp/x"));
        assert!(!is_mild(Act::Write, b"/home/~/.ssh/authorized_keys"));
        assert!(!is_mild(Act::Read, b"/home/~/.aws/credentials"));
        assert!(!is_mild(Act::Set, b"/proc/sys/x") && !is_mild(Act::Create, b"/home/~/.config/x"));
        assert!(
            is_mild(Act::Write, b"/home/~/.bash_history") && is_mild(Act::Library, b"/home/~/x")
        );
        let mut room = [0u8; 64];
        assert!(Sighting::of_program(b"/bin/sh", b"/bin/tar", &look, &mut room).is_mild);
    }

    #[test]
    fn what_starts_something_is_a_foothold() {
        let is_foothold = |act, path: &[u8]| {
            let mut room = [0u8; 64];
            Sighting::of_file(act, path, &LOOK, &mut room).is_foothold
        };
        for path in [
            &b"/root/.ssh/temp-963.rdb"[..],
            b"/etc/cron.d/temp-963.rdb",
            b"/etc/systemd/system/x.service",
            b"/etc/ld.so.preload",
            b"/var/spool/cron/crontabs/root",
            b"/home/~/.bashrc",
        ] {
            assert!(is_foothold(Act::Create, path) && is_foothold(Act::Write, path));
            assert!(!is_foothold(Act::Read, path) && !is_foothold(Act::Remove, path));
        }
        assert!(!is_foothold(Act::Create, b"/var/lib/redis/temp-963.rdb"));
        assert!(!is_foothold(Act::Write, b"/etc/resolv.conf"));
    }

    #[test]
    fn helpers_of_a_package_are_one_item() {
        let few = Few(&[(Class::Program, b"-> /usr/lib/openssh")]);
        let of = |parent: &[u8], child: &[u8], is_root| {
            let mut room = [0u8; 128];
            let look = Look { is_root, ..LOOK };
            Sighting::of_program(parent, child, &look, &mut room).is_known(&few)
        };
        assert!(of(b"/bin/bash", b"/usr/lib/openssh/sftp-server", false));
        assert!(!of(b"/bin/bash", b"/usr/lib/openssh/sftp-server", true));
        assert!(!of(b"/bin/bash", b"/usr/lib/openssh/x/y", false));
        let mut room = [0u8; 128];
        let seen = Sighting::of_program(b"/a", b"/usr/libexec/p9/x", &LOOK, &mut room);
        assert_eq!(seen.name, b"-> /usr/libexec/p#");
        assert_eq!(seen.told, b"/a -> /usr/libexec/p#/x");
        for child in [
            &b"/usr/lib/x"[..],
            b"/usr/lib/a/ld-linux.so.2",
            b"/usr/bin/a/b",
            b"/usr/lib/postgresql/17/bin/psql",
        ] {
            let mut room = [0u8; 128];
            let seen = Sighting::of_program(b"/a", child, &LOOK, &mut room);
            assert_eq!(seen.name, seen.told);
        }
    }

    #[test]
    fn a_cell_that_executes_its_own_program_again_is_mild() {
        for (parent, child, own, want) in [
            (&b"/s"[..], &b"/s"[..], &b"/s"[..], true),
            (b"/s", b"/bin/sh", b"/s", false),
            (b"/bin/sh", b"/bin/sh", b"/s", false),
            (b"/bin/sh", b"/s", b"/s", false),
        ] {
            let mut room = [0; NAME_BYTES];
            let seen = Sighting::of_program(parent, child, &LOOK, &mut room);
            assert!(!seen.is_mild);
            assert_eq!(seen.by_itself(parent, child, own).is_mild, want);
        }
    }

    #[test]
    fn names_without_room_are_cut() {
        let mut room = [0u8; 6];
        let seen = Sighting::of_program(b"/abcd", b"/e", &LOOK, &mut room);
        assert_eq!(seen.name, b"/abcd ");
        let seen = Sighting::of_program(b"/abcdefg", b"/e", &LOOK, &mut room);
        assert_eq!(seen.name, b"/abcde");
        let seen = Sighting::of_file(Act::Read, b"/abcdefg", &LOOK, &mut []);
        assert_eq!(seen.name, b"");
    }
}
