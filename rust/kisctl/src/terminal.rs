// SPDX-License-Identifier: GPL-2.0

//! A terminal that one program has to itself: its size, the keys, and the signals that would end it.
//!
//! However it ends, the terminal is left as it was found: when a [`Terminal`] is dropped, before a
//! panic is told, and before a signal kills. Only SIGKILL gives no time for that.

pub mod key;

use crate::{
    error::{
        Error,
        Result, //
    },
    sys,
    terminal::key::{
        Key,
        Keys, //
    }, //
};
use nix::{
    errno::Errno,
    poll::{
        poll,
        PollFd,
        PollFlags,
        PollTimeout, //
    },
    sys::{
        signal::{
            raise,
            SigSet,
            SigmaskHow,
            Signal, //
        },
        signalfd::{
            SfdFlags,
            SignalFd, //
        },
        termios::{
            tcgetattr,
            tcsetattr,
            LocalFlags,
            SetArg,
            SpecialCharacterIndices,
            Termios, //
        }, //
    },
    unistd::{
        read,
        write, //
    }, //
};
use std::{
    io::{
        stdin,
        stdout,
        IsTerminal, //
    },
    os::fd::AsFd,
    panic,
    sync::{
        Mutex,
        Once,
        PoisonError, //
    },
    time::{
        Duration,
        Instant, //
    }, //
};

/// What a terminal is taken for that does not know its size.
const USUAL: Size = Size {
    columns: 80,
    rows: 24,
};

/// The other screen, empty, without a cursor.
const SHOW: &[u8] = b"\x1b[?1049h\x1b[2J\x1b[?25l";

/// Back. A terminal without another screen goes on below what was shown.
const HIDE: &[u8] = b"\x1b[999;1H\r\n\x1b[?25h\x1b[?1049l";

/// The settings that stdin had, while the terminal is ours; inside, nothing if stdin is none.
static FOUND: Mutex<Option<Option<Termios>>> = Mutex::new(None);

/// Columns and rows.
///
/// # Examples
///
/// ```
/// use kisctl::terminal::Size;
///
/// let size = Size { columns: 60, rows: 20 };
/// assert!(size.columns > size.rows);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Characters in a line.
    pub columns: usize,
    /// Lines.
    pub rows: usize,
}

/// What happens next.
///
/// # Examples
///
/// ```
/// use kisctl::terminal::{key::Key, Event};
///
/// let ends = |event| matches!(event, Event::Over | Event::Key(Key::Quit) | Event::Signal(_));
/// assert!(ends(Event::Over) && !ends(Event::Due));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The time has come that was waited for.
    Due,
    /// Somebody has pressed a key.
    Key(Key),
    /// What was shown has to be shown again, perhaps at another size.
    Changed,
    /// It is over: Ctrl-C, or there is no terminal any more.
    Over,
    /// Somebody else ends us.
    Signal(Signal),
}

/// The terminal, while it is ours.
///
/// # Examples
///
/// ```no_run
/// use kisctl::terminal::{Event, Terminal};
/// use std::time::{Duration, Instant};
///
/// let mut terminal = Terminal::take()?;
/// if let Event::Signal(signal) = terminal.wait(Instant::now() + Duration::from_secs(1))? {
///     terminal.end_by(signal)?;
/// }
/// # Ok::<(), kisctl::error::Error>(())
/// ```
#[derive(Debug)]
pub struct Terminal {
    signals: SignalFd,
    /// What was blocked before.
    mask: SigSet,
    keys: Keys,
}

impl Terminal {
    /// Takes the terminal of stdout, and the keys of stdin if that is a terminal.
    pub fn take() -> Result<Self> {
        let own: SigSet = [
            Signal::SIGHUP,
            Signal::SIGINT,
            Signal::SIGQUIT,
            Signal::SIGTERM,
            Signal::SIGTSTP,
            Signal::SIGWINCH,
        ]
        .into_iter()
        .collect();
        let signals = SignalFd::with_flags(&own, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
            .map_err(of_signals)?;
        let mask = own
            .thread_swap_mask(SigmaskHow::SIG_BLOCK)
            .map_err(of_signals)?;
        let terminal = Self {
            signals,
            mask,
            keys: Keys::default(),
        };
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let told = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                give_back();
                told(info);
            }));
        });
        show()?;
        Ok(terminal)
    }

    /// Whether keys can be pressed.
    pub fn has_keys(&self) -> bool {
        stdin().is_terminal()
    }

    /// The size of now.
    pub fn size(&self) -> Size {
        match sys::terminal::size(&stdout()) {
            Ok((columns, rows)) if columns > 0 && rows > 0 => Size {
                columns: columns.into(),
                rows: rows.into(),
            },
            _ => USUAL,
        }
    }

    /// Waits for what happens next, until `due` at most.
    pub fn wait(&mut self, due: Instant) -> Result<Event> {
        // Whoever was stopped shows itself again, unless it was ended meanwhile.
        let mut is_stopped = false;
        loop {
            match self.signal()? {
                Some(Signal::SIGINT) => return Ok(Event::Over),
                Some(Signal::SIGWINCH) if is_stopped => {}
                Some(Signal::SIGWINCH) => return Ok(Event::Changed),
                Some(Signal::SIGTSTP) => {
                    give_back();
                    raise(Signal::SIGSTOP).map_err(of_signals)?;
                    is_stopped = true;
                }
                Some(signal) => return Ok(Event::Signal(signal)),
                None if is_stopped => {
                    show()?;
                    return Ok(Event::Changed);
                }
                None => {
                    if let Some(key) = self.keys.next() {
                        return Ok(Event::Key(key));
                    }
                    let left = due.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Ok(Event::Due);
                    }
                    if !self.poll(left)? {
                        return Ok(Event::Over);
                    }
                }
            }
        }
    }

    /// Gives the terminal back and ends by this signal, as if it had not been waited for.
    pub fn end_by(self, signal: Signal) -> Result<()> {
        drop(self);
        raise(signal).map_err(of_signals)
    }

    fn signal(&self) -> Result<Option<Signal>> {
        let info = self.signals.read_signal().map_err(of_signals)?;
        // CAST: numbers of signals are small.
        Ok(info.and_then(|info| Signal::try_from(info.ssi_signo as i32).ok()))
    }

    /// Waits for a signal or for keys, and takes in the keys; false when no more can come.
    fn poll(&mut self, left: Duration) -> Result<bool> {
        let stdin = stdin();
        let mut fds = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        if self.has_keys() {
            fds.push(PollFd::new(stdin.as_fd(), PollFlags::POLLIN));
        }
        // A millisecond more: what is left of one would be polled for without waiting.
        let timeout = PollTimeout::try_from(left.as_millis() + 1).unwrap_or(PollTimeout::MAX);
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(e) => return Err(Error::system("poll", e)),
        }
        let has_come = |fd: &PollFd<'_>| fd.revents().is_some_and(|events| !events.is_empty());
        if !fds.get(1).is_some_and(has_come) {
            return Ok(true);
        }
        let mut bytes = [0; 64];
        match read(&stdin, &mut bytes) {
            Ok(0) | Err(Errno::EIO) => Ok(false),
            Ok(len) => {
                self.keys.push(&bytes[..len]);
                Ok(true)
            }
            Err(Errno::EINTR | Errno::EAGAIN) => Ok(true),
            Err(e) => Err(Error::system("standard input", e)),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
        // What has come meanwhile counts from here on. It cannot fail: the mask was one before.
        let _ = self.mask.thread_set_mask();
    }
}

/// Takes the screen, and lets each key come at once and unseen. Ctrl-C and Ctrl-Z stay signals.
fn show() -> Result<()> {
    let of_terminal = |e| Error::system("terminal", e);
    let found = if stdin().is_terminal() {
        Some(tcgetattr(stdin()).map_err(of_terminal)?)
    } else {
        None
    };
    *FOUND.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.clone());
    if let Some(mut settings) = found {
        settings.local_flags &= !(LocalFlags::ICANON | LocalFlags::ECHO);
        settings.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
        settings.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
        tcsetattr(stdin(), SetArg::TCSADRAIN, &settings).map_err(of_terminal)?;
    }
    write(stdout(), SHOW).map_err(of_terminal).map(drop)
}

/// Leaves the terminal as it was found, if it was taken. Nothing can be done about a failure.
fn give_back() {
    let found = FOUND.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(found) = found {
        let _ = write(stdout(), HIDE);
        if let Some(settings) = found {
            let _ = tcsetattr(stdin(), SetArg::TCSAFLUSH, &settings);
        }
    }
}

fn of_signals(errno: Errno) -> Error {
    Error::system("signals", errno)
}
