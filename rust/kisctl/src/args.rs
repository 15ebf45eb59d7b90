// SPDX-License-Identifier: GPL-2.0

//! The command line.

use crate::{
    duration,
    event::since::Since, //
};
use clap::{
    builder::{
        PossibleValuesParser,
        TypedValueParser, //
    },
    Args as ClapArgs,
    Parser,
    Subcommand,
    ValueEnum, //
};
use kis_core::{
    sense::class::{
        Class,
        Domain, //
    },
    wire::abi::RecordType, //
};
use std::{
    ffi::OsString,
    net::IpAddr,
    path::PathBuf, //
};

/// What `kisctl --help` says first.
const ABOUT: &str = "\
Control the Kernel Immune System: cells, signatures, alerts, bans.

Without a command: status. Data goes to standard output, everything else to standard error. \
Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 not permitted, 5 module absent or of \
another ABI. kisctl(8) has the details.";

/// The command line.
///
/// # Examples
///
/// ```
/// use clap::Parser;
/// use kisctl::args::{Args, Command};
///
/// let args = Args::try_parse_from(["kisctl", "--json"]).expect("a command");
/// assert!(args.json && args.command.is_none());
/// assert!(!matches!(args.command, Some(Command::Status)));
/// ```
#[derive(Clone, Debug, Parser)]
#[command(
    name = "kisctl",
    disable_version_flag = true,
    about = "Control the Kernel Immune System: cells, signatures, alerts, bans",
    long_about = ABOUT
)]
pub struct Args {
    /// Write JSON: one object, for streams one object a line
    #[arg(long, global = true)]
    pub json: bool,

    /// Print versions and ABI numbers
    #[arg(short = 'V', long)]
    pub version: bool,

    /// What to do
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands.
///
/// # Examples
///
/// ```
/// use clap::Parser;
/// use kisctl::args::{Args, Command};
///
/// let args = Args::try_parse_from(["kisctl", "explain", "7"]).expect("a command");
/// assert!(matches!(args.command, Some(Command::Explain { id: 7 })));
/// ```
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Show the state of the module
    Status,
    /// Say whether this kernel can run KIS and what is missing
    ///
    /// Exit code 0 only when KIS can run here and is running.
    Doctor {
        /// Check this cell file too: do its programs exist?
        #[arg(long, value_name = "FILE")]
        cells: Option<PathBuf>,
    },
    /// Load, list and check cells
    #[command(subcommand)]
    Cell(Cell),
    /// Show, save, restore and forget what cells have learned
    #[command(subcommand)]
    Profile(Profile),
    /// Check, load and list signatures
    #[command(subcommand, visible_alias = "signature")]
    Sig(Sig),
    /// Go through what was new to the self of a cell: accept it, or keep it as an alarm
    Review(Review),
    /// Say whether a cell has learned enough to be enforced, and what is missing
    ///
    /// Exit code 0 when it is ready, 1 when not.
    Ready {
        /// Name of the cell
        cell: String,
    },
    /// Choose what happens to verdicts: recorded only, or carried out
    ///
    /// enforce is refused while a cell that it concerns is not ready: see kisctl ready.
    Mode(ModeArgs),
    /// Print the records of the ring
    Alerts(Alerts),
    /// List, add and end bans
    #[command(subcommand)]
    Ban(Ban),
    /// Explain a record in sentences, with all its numbers
    Explain {
        /// Number of the record, as alerts print it
        id: u64,
    },
    /// Watch the cells: distress of each parameter against its thresholds
    Watch(Watch),
    /// Print the limits of KIS
    Limits,
    /// Print what makes a shell complete the words of kisctl
    ///
    /// bash: kisctl completions bash >/etc/bash_completion.d/kisctl
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// `kisctl cell`.
///
/// # Examples
///
/// ```
/// use clap::Parser;
/// use kisctl::args::{Args, Command, Cell};
///
/// let args = Args::try_parse_from(["kisctl", "cell", "show", "dns"]).expect("a command");
/// assert!(matches!(args.command, Some(Command::Cell(Cell::Show { name })) if name == "dns"));
/// ```
#[derive(Clone, Debug, Subcommand)]
pub enum Cell {
    /// Replace all cells by those of a file
    ///
    /// All or nothing: a refused file changes nothing. Programs that run already become cells too.
    /// A cell that keeps its name and program keeps what it has learned; what the missing ones have
    /// learned is gone: save it with kisctl profile export before.
    Load(Load),
    /// List the loaded cells
    List,
    /// Show one cell with its parameters
    Show {
        /// Name of the cell
        name: String,
    },
    /// Write the cells in force as a file that load takes
    Export {
        /// Where to; without it, or with -, to standard output
        file: Option<PathBuf>,
        /// Write over a file that is there
        #[arg(long)]
        force: bool,
    },
    /// Forget all cells: nothing is observed or denied afterwards
    Unload,
    /// Check a cell file
    Check {
        /// The file; - is standard input
        file: PathBuf,
    },
}

/// A file to be put in force.
///
/// # Examples
///
/// ```
/// use clap::Parser;
/// use kisctl::args::{Args, Command, Sig};
///
/// let words = ["kisctl", "sig", "load", "--dry-run", "s.json"];
/// let args = Args::try_parse_from(words).expect("a command");
/// let Some(Command::Sig(Sig::Load(load))) = args.command else {
///     panic!("another command");
/// };
/// assert!(load.dry_run && load.file.ends_with("s.json"));
/// ```
#[derive(Clone, Debug, ClapArgs)]
pub struct Load {
    /// The file; - is standard input
    pub file: PathBuf,
    /// Check and compile only; change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `kisctl profile`.
///
/// # Examples
///
/// ```
/// use clap::Parser;
/// use kisctl::args::{Args, Command, Profile};
///
/// let args = Args::try_parse_from(["kisctl", "profile", "reset", "--all"]).expect("a command");
/// assert!(matches!(args.command, Some(Command::Profile(Profile::Reset { all: true, .. }))));
/// ```
#[derive(Clone, Debug, Subcommand)]
pub enum Profile {
    /// Show what a cell has learned
    Show {
        /// Name of the cell
        cell: String,
        /// List the items of its repertoire instead: what it executes, reads, writes, connects to …
        #[arg(long)]
        items: bool,
        /// Only the items of this class; implies --items
        #[arg(long, value_parser = class())]
        class: Option<Class>,
    },
    /// Save the profile of a cell, with the build of its program
    Export {
        /// Name of the cell
        cell: String,
        /// Where to; without it, or with -, to standard output
        file: Option<PathBuf>,
        /// Write over a file that is there
        #[arg(long)]
        force: bool,
    },
    /// Give a cell a saved profile
    ///
    /// It replaces what the cell has learned; a whole profile ends its learning. One of another
    /// cell, of another program or of another build of it is refused.
    Import {
        /// Name of the cell
        cell: String,
        /// The file; - is standard input
        file: PathBuf,
        /// Verify only; change nothing
        #[arg(long)]
        dry_run: bool,
        /// Take one of another cell, program or build too
        #[arg(long)]
        force: bool,
    },
    /// Say that something is of the self of a cell, without learning anew
    Accept(Accept),
    /// Compare two profiles: what only one of them knows, and where thresholds differ
    Diff {
        /// A file, or the name of a cell
        a: PathBuf,
        /// A file, or the name of a cell
        b: PathBuf,
    },
    /// Forget what a cell has learned: it learns anew
    Reset {
        /// Name of the cell
        #[arg(required_unless_present = "all")]
        cell: Option<String>,
        /// Forget the profiles of all cells
        #[arg(long, conflicts_with = "cell")]
        all: bool,
    },
}

/// `kisctl profile accept`.
///
/// # Examples
///
/// ```
/// use clap::Parser;
/// use kis_core::sense::class::Class;
/// use kisctl::args::{Args, Command, Profile};
///
/// let words = ["kisctl", "profile", "accept", "web", "--class", "peer", "--domain", "user", "unix /x"];
/// let args = Args::try_parse_from(words).expect("a command");
/// let Some(Command::Profile(Profile::Accept(what))) = args.command else {
///     panic!("another command");
/// };
/// assert_eq!((what.alert, what.class), (None, Some(Class::Peer)));
/// ```
#[derive(Clone, Debug, ClapArgs)]
pub struct Accept {
    /// Name of the cell
    pub cell: String,
    /// What this alert was about, in its general form
    #[arg(long, value_name = "ID", required_unless_present = "name",
          conflicts_with_all = ["class", "domain", "name"])]
    pub alert: Option<u64>,
    /// The class of the item
    #[arg(long, value_parser = class(), required_unless_present = "alert")]
    pub class: Option<Class>,
    /// Whether root does it, or another user
    #[arg(long, value_parser = domain(), required_unless_present = "alert")]
    pub domain: Option<Domain>,
    /// The item, as profile show --items writes it
    #[arg(required_unless_present = "alert")]
    pub name: Option<OsString>,
}

/// Reads the name of a class.
fn class() -> impl TypedValueParser<Value = Class> {
    let names = Class::ALL.iter().map(|class| class.name());
    PossibleValuesParser::new(names).try_map(|name| {
        Class::from_name(name.as_bytes()).ok_or_else(|| format!("{name}: no such class"))
    })
}

/// Reads the name of a type of records.
fn record_type() -> impl TypedValueParser<Value = RecordType> {
    PossibleValuesParser::new(RecordType::ALL.iter().map(|kind| kind.name())).try_map(|name| {
        let mut all = RecordType::ALL.iter().copied();
        let kind = all.find(|kind| kind.name() == name);
        kind.ok_or_else(|| format!("{name}: no such type"))
    })
}

/// Reads the name of a domain.
fn domain() -> impl TypedValueParser<Value = Domain> {
    PossibleValuesParser::new(Domain::ALL.map(Domain::name)).try_map(|name| {
        let mut all = Domain::ALL.into_iter();
        let domain = all.find(|domain| domain.name() == name);
        domain.ok_or_else(|| format!("{name}: no such domain"))
    })
}

/// `kisctl sig`.
///
/// # Examples
///
/// ```
/// use clap::Parser;
/// use kisctl::args::{Args, Command, Sig};
///
/// let args = Args::try_parse_from(["kisctl", "signature", "list"]).expect("a command");
/// assert!(matches!(args.command, Some(Command::Sig(Sig::List))));
/// ```
#[derive(Clone, Debug, Subcommand)]
pub enum Sig {
    /// Check a signature file and compile its patterns
    Check {
        /// The file; - is standard input
        file: PathBuf,
    },
    /// Say what a signature file would find in bytes or in a capture, and where
    ///
    /// An input that begins as a capture (pcap, pcapng) is read as one: what servers in it received, each
    /// connection and each datagram a stream. Any other input is one stream from its beginning. Nothing is
    /// loaded, and no module is needed.
    Test {
        /// The signature file
        file: PathBuf,
        /// Captures, or files with bytes as a peer would send them; - is standard input
        #[arg(default_value = "-")]
        inputs: Vec<PathBuf>,
        /// The stream comes in pieces of so many bytes
        #[arg(long, value_name = "BYTES", default_value_t = 1460, value_parser = clap::value_parser!(u32).range(1..))]
        pieces: u32,
        /// In captures, look at what clients receive too
        #[arg(long, conflicts_with = "raw")]
        both: bool,
        /// Take a capture for one stream of bytes too
        #[arg(long)]
        raw: bool,
    },
    /// Make a signature file of rules of Suricata or Snort
    ///
    /// Says of each rule whether it was taken, taken with a loss, or refused, and why.
    Import {
        /// The rules; - is standard input
        rules: PathBuf,
        /// Where the signature file goes
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// Write over a file that is there
        #[arg(long)]
        force: bool,
    },
    /// Replace all signatures by those of a file
    ///
    /// All or nothing: a refused file changes nothing. Streams that are open are matched anew from
    /// where they are.
    Load(Load),
    /// List the loaded signatures with their hits
    List,
    /// Forget all signatures
    Unload,
}

/// `kisctl mode`.
///
/// # Examples
///
/// ```
/// use clap::Parser;
/// use kisctl::args::{Args, Command, ModeName};
///
/// let words = ["kisctl", "mode", "enforce", "--cell", "dns"];
/// let args = Args::try_parse_from(words).expect("a command");
/// let Some(Command::Mode(mode)) = args.command else {
///     panic!("another command");
/// };
/// assert_eq!((mode.mode, mode.cell.as_deref()), (ModeName::Enforce, Some("dns")));
/// ```
#[derive(Clone, Debug, ClapArgs)]
pub struct ModeArgs {
    /// observe records verdicts only, enforce carries them out, inherit (with --cell) takes the
    /// global mode
    pub mode: ModeName,
    /// Set the mode of this cell instead of the global one
    #[arg(long, value_name = "NAME")]
    pub cell: Option<String>,
    /// Enforce cells that are not ready too
    #[arg(long)]
    pub force: bool,
}

/// A mode.
///
/// # Examples
///
/// ```
/// use clap::ValueEnum;
/// use kisctl::args::ModeName;
///
/// assert_eq!(ModeName::from_str("observe", false), Ok(ModeName::Observe));
/// assert!(ModeName::from_str("maybe", false).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ModeName {
    /// Record only
    Observe,
    /// Record and carry out
    Enforce,
    /// As the global mode; only of a cell
    Inherit,
}

/// `kisctl alerts`.
///
/// # Examples
///
/// ```
/// use clap::Parser;
/// use kisctl::args::{Args, Command};
///
/// let args = Args::try_parse_from(["kisctl", "alerts", "--new", "-n", "1"]).expect("a command");
/// let Some(Command::Alerts(alerts)) = args.command else {
///     panic!("another command");
/// };
/// assert!(alerts.new && !alerts.follow && alerts.count == Some(1));
/// ```
#[derive(Clone, Debug, ClapArgs)]
pub struct Alerts {
    /// Go on with what comes
    #[arg(short, long)]
    pub follow: bool,
    /// Leave out what is in the ring already; implies --follow
    #[arg(long)]
    pub new: bool,
    /// Print at most this many: the newest, or with --follow the first; then end
    #[arg(short = 'n', long, visible_alias = "limit", value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// With --follow, end after this time: 90, 10m, 2h
    #[arg(long, value_name = "TIME", value_parser = duration::within(0, u32::MAX))]
    pub timeout: Option<u32>,
    /// Only records after this one, after this time (as in "time" of --json), or of the last 10m, 2h
    /// or 3d
    #[arg(long, value_name = "ID|TIME|AGE")]
    pub since: Option<Since>,
    /// Only records of these types
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',', value_parser = record_type())]
    pub types: Vec<RecordType>,
    /// Only records of this cell
    #[arg(long, value_name = "NAME")]
    pub cell: Option<String>,
    /// Telemetry too: windows, and matches while calm
    #[arg(long)]
    pub telemetry: bool,
    /// What a record is printed as; eve leaves out what tells of no danger
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// With --format eve the last received bytes too
    #[arg(long)]
    pub payload: bool,
}

/// What `kisctl alerts` prints.
///
/// # Examples
///
/// ```
/// use clap::Parser;
/// use kisctl::args::{Args, Command, Format};
///
/// let args = Args::try_parse_from(["kisctl", "alerts", "--format", "eve"]).expect("a command");
/// assert!(matches!(args.command, Some(Command::Alerts(alerts)) if alerts.format == Format::Eve));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A line for people
    Text,
    /// The JSON of --json
    Json,
    /// Alerts as Suricata's EVE has them
    Eve,
}

/// `kisctl review`.
///
/// # Examples
///
/// ```
/// use clap::Parser;
/// use kisctl::args::{Args, Command};
///
/// let args = Args::try_parse_from(["kisctl", "review", "web", "--list"]).expect("a command");
/// let Some(Command::Review(review)) = args.command else {
///     panic!("another command");
/// };
/// assert!(review.list && !review.accept_all);
/// ```
#[derive(Clone, Debug, ClapArgs)]
pub struct Review {
    /// Name of the cell
    pub cell: String,
    /// Only list what is new; what is done without a terminal
    #[arg(long, conflicts_with = "accept_all")]
    pub list: bool,
    /// Accept all of it without a question
    #[arg(long)]
    pub accept_all: bool,
    /// Also what was ignored before
    #[arg(long)]
    pub all: bool,
}

/// `kisctl ban`.
///
/// # Examples
///
/// ```
/// use clap::Parser;
/// use kisctl::args::{Args, Command, Ban};
///
/// let args = Args::try_parse_from(["kisctl", "ban", "add", "192.0.2.1"]).expect("a command");
/// assert!(matches!(args.command, Some(Command::Ban(Ban::Add { ttl: 600, .. }))));
/// ```
#[derive(Clone, Debug, Subcommand)]
pub enum Ban {
    /// List the banned addresses
    List,
    /// Drop packets from an address for a time; renews a ban that stands
    Add {
        /// IPv4 or IPv6 address
        address: IpAddr,
        /// For how long: 90, 10m, 2h; 1 s to 30d
        #[arg(long, value_name = "TIME", default_value = "600", value_parser = duration::within(1, 2_592_000))]
        ttl: u32,
    },
    /// End a ban
    Del {
        /// IPv4 or IPv6 address
        address: IpAddr,
    },
}

/// `kisctl watch`.
///
/// # Examples
///
/// ```
/// use clap::Parser;
/// use kisctl::args::{Args, Command};
///
/// let args = Args::try_parse_from(["kisctl", "watch", "--once"]).expect("a command");
/// let Some(Command::Watch(watch)) = args.command else {
///     panic!("another command");
/// };
/// assert!(watch.once && watch.interval == 1);
/// ```
#[derive(Clone, Debug, ClapArgs)]
pub struct Watch {
    /// Print one table and end
    #[arg(long)]
    pub once: bool,
    /// Time between two tables: 1 s to 1h
    #[arg(long, value_name = "TIME", default_value = "1", value_parser = duration::within(1, 3600))]
    pub interval: u32,
    /// Only this cell
    #[arg(long, value_name = "NAME")]
    pub cell: Option<String>,
}
