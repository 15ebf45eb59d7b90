// SPDX-License-Identifier: GPL-2.0

//! A terminal is left as it was found, however a program ends that has taken it.
//!
//! The program is this test itself with `child` as its argument, on a pseudo terminal.

use kisctl::terminal::{
    key::Key,
    Event,
    Terminal, //
};
use nix::{
    pty::{
        openpty,
        OpenptyResult,
        Winsize, //
    },
    sys::{
        signal::{
            kill,
            Signal, //
        },
        termios::{
            tcgetattr,
            LocalFlags,
            Termios, //
        }, //
    },
    unistd::Pid,
};
use std::{
    fs::File,
    io::{
        Read,
        Write, //
    },
    os::unix::process::ExitStatusExt,
    process::{
        Child,
        Command,
        ExitStatus,
        Stdio, //
    },
    sync::mpsc::{
        channel,
        Receiver, //
    },
    thread::{
        sleep,
        spawn, //
    },
    time::{
        Duration,
        Instant, //
    }, //
};

/// Nothing here takes longer than that.
const PATIENCE: Duration = Duration::from_secs(20);

const SHOWN: &str = "\x1b[?1049h";
const HIDDEN: &str = "\x1b[?25h\x1b[?1049l";

/// What `watch` does, in short: it ends by a key and by signals, and panics at another key.
fn child() {
    let mut terminal = Terminal::take().expect("a terminal");
    let size = terminal.size();
    loop {
        println!("size {}x{}", size.columns, size.rows);
        match terminal.wait(Instant::now() + PATIENCE).expect("an event") {
            Event::Key(Key::Quit) | Event::Over => return,
            Event::Key(Key::Last) => panic!("as it was asked to"),
            Event::Signal(signal) => return terminal.end_by(signal).expect("a signal"),
            Event::Due => panic!("nobody has come"),
            Event::Key(_) | Event::Changed => {}
        }
    }
}

struct Stage {
    child: Child,
    /// Our end.
    keys: File,
    /// The program's end, to look at its settings.
    terminal: File,
    found: Termios,
    output: Receiver<u8>,
    seen: String,
}

impl Stage {
    fn new(columns: u16, rows: u16) -> Self {
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let OpenptyResult { master, slave } = openpty(&size, None).expect("a pseudo terminal");
        let found = tcgetattr(&slave).expect("settings");
        let end = || Stdio::from(slave.try_clone().expect("a descriptor"));
        // Whoever runs the tests may have been told to ignore a hangup (nohup), and we would too.
        let child = Command::new("env")
            .arg("--default-signal=HUP,INT,TERM,TSTP")
            .arg(std::env::current_exe().expect("our name"))
            .arg("child")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .expect("a child");
        let mut reader = File::from(master.try_clone().expect("a descriptor"));
        let (sender, output) = channel();
        spawn(move || {
            let mut byte = [0];
            while reader.read(&mut byte).is_ok_and(|len| len == 1) && sender.send(byte[0]).is_ok() {
            }
        });
        let mut stage = Self {
            child,
            keys: master.into(),
            terminal: slave.into(),
            found,
            output,
            seen: String::new(),
        };
        stage.expect(&format!("size {columns}x{rows}"));
        stage
    }

    /// Waits until this is shown.
    fn expect(&mut self, text: &str) {
        let end = Instant::now() + PATIENCE;
        let from = self.seen.len();
        while !self.seen[from..].contains(text) {
            let left = end.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(byte) => self.seen.push(char::from(byte)),
                Err(_) => panic!("no {text:?} in {:?}", self.seen),
            }
        }
    }

    fn press(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).expect("keys");
    }

    fn send(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).expect("an id");
        kill(Pid::from_raw(id), signal).expect("a child");
    }

    fn is_taken(&self) -> bool {
        let settings = tcgetattr(&self.terminal).expect("settings");
        !settings.local_flags.contains(LocalFlags::ICANON)
    }

    /// Waits for its end; the terminal must be as it was.
    fn end(mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            assert!(Instant::now() < end, "it goes on: {:?}", self.seen);
            sleep(Duration::from_millis(10));
        };
        if !self.seen.contains(HIDDEN) {
            self.expect(HIDDEN);
        }
        let settings = tcgetattr(&self.terminal).expect("settings");
        assert_eq!(settings, self.found);
        status
    }
}

fn keys_come_at_once_and_unseen() {
    let mut stage = Stage::new(60, 20);
    assert!(stage.is_taken() && stage.seen.contains(SHOWN));
    stage.press(b"j\x1b[");
    stage.expect("size 60x20");
    stage.press(b"6~");
    stage.expect("size 60x20");
    stage.press(b"q");
    let seen = stage.seen.clone();
    assert!(stage.end().success());
    assert!(!seen.contains('j') && !seen.contains("6~"), "{seen:?}");
}

fn signals_end_it_when_the_terminal_is_given_back() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        let stage = Stage::new(80, 24);
        stage.send(signal);
        assert_eq!(stage.end().signal(), Some(signal as i32));
    }
    let stage = Stage::new(80, 24);
    stage.send(Signal::SIGINT);
    assert!(stage.end().success());
}

fn a_panic_is_told_on_the_screen_that_was_found() {
    let mut stage = Stage::new(80, 24);
    stage.press(b"G");
    stage.expect("as it was asked to");
    let (hidden, told) = (stage.seen.rfind(HIDDEN), stage.seen.find("panicked"));
    assert!(hidden.is_some() && hidden < told, "{:?}", stage.seen);
    assert_eq!(stage.end().code(), Some(101));
}

fn who_is_stopped_gives_the_terminal_back_meanwhile() {
    let mut stage = Stage::new(80, 24);
    stage.send(Signal::SIGTSTP);
    stage.expect(HIDDEN);
    let end = Instant::now() + PATIENCE;
    while stage.is_taken() {
        assert!(Instant::now() < end);
        sleep(Duration::from_millis(10));
    }
    stage.send(Signal::SIGCONT);
    stage.expect(SHOWN);
    stage.expect("size 80x24");
    assert!(stage.is_taken());
    stage.press(b"q");
    assert!(stage.end().success());
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some("child") {
        return child();
    }
    macro_rules! tests {
        ($($name:ident)*) => { [$((stringify!($name), $name as fn())),*] };
    }
    for (name, test) in tests! {
        keys_come_at_once_and_unseen
        signals_end_it_when_the_terminal_is_given_back
        a_panic_is_told_on_the_screen_that_was_found
        who_is_stopped_gives_the_terminal_back_meanwhile
    } {
        // A failure panics, and so ends all with a status that cargo tells.
        test();
        println!("test {name} ... ok");
    }
}
