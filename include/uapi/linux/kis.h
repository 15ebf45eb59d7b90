/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * KIS: what the kernel and user space share: the record ring of /dev/kis, the
 * records, the numbers. Generic netlink is in kis_netlink.h.
 *
 * All integers are little endian. Numbers are only ever added at the end.
 */
#ifndef _UAPI_LINUX_KIS_H
#define _UAPI_LINUX_KIS_H

#include <linux/kis_netlink.h>
#include <linux/types.h>

/* Raised by any change of this file or of an image format. */
#define KIS_ABI			3

/* Limits; each is checked by kisctl and, without trust in it, by the kernel. */
#define KIS_MAX_CELLS		256	/* each costs about 240 KiB */
#define KIS_MAX_SIGNATURES	16384
#define KIS_MAX_PREFIXES	32	/* in one path list of a cell */
#define KIS_MAX_EXPECTED	256	/* patterns of what is expected of a cell */
#define KIS_MAX_ITEMS		2048	/* of the repertoire of a cell */
#define KIS_MAX_BANS		1024
#define KIS_MAX_IMAGE		(64u << 20)	/* bytes of one upload */
#define KIS_NAME_LEN		32	/* cell name, with its NUL */
#define KIS_PATH_LEN		256	/* path, prefix or pattern, with its NUL */
#define KIS_MESSAGE_LEN		128	/* signature message, with its NUL */

/* Parameters of a cell, each for one window. */
enum kis_param {
	KIS_PARAM_CPU_US,	/* CPU time of all its threads, microseconds */
	KIS_PARAM_RSS_KIB,	/* resident memory at the window's end, KiB */
	KIS_PARAM_FILES_OPENED,
	KIS_PARAM_FILES_WRITTEN,	/* opened for writing or truncated */
	KIS_PARAM_FILES_CREATED,
	KIS_PARAM_EXECS,
	KIS_PARAM_CONNECTS,
	KIS_PARAM_ACCEPTS,
	KIS_PARAM_BYTES_IN,	/* received on TCP, UDP and unix sockets */
	KIS_PARAM_BYTES_OUT,	/* handed to sendmsg() and the like */
	KIS_PARAM_MESSAGES_IN,	/* deliveries to a socket's receive queue */
	KIS_PARAM_MESSAGES_OUT,	/* calls of sendmsg() and the like */
	KIS_PARAM_REPLY_PERMILLE,	/* bytes out per 1000 bytes in, at least 4096 in */
	KIS_PARAM_COUNT
};

/* What a cell's process is about to do; KIS_OP_BIT() of these make op sets, of 64 at most. */
enum kis_op {
	KIS_OP_NONE,
	KIS_OP_READ,		/* open a file for reading only */
	KIS_OP_WRITE,		/* open for writing, truncate, chmod, chown, link */
	KIS_OP_CREATE,		/* create a file, directory or link */
	KIS_OP_UNLINK,
	KIS_OP_RENAME,
	KIS_OP_EXEC,
	KIS_OP_CONNECT,
	KIS_OP_MAP_EXEC,	/* make memory executable, mmap or mprotect */
	KIS_OP_PTRACE,
	KIS_OP_MODULE_LOAD,	/* or unload */
	KIS_OP_RECEIVE,		/* bytes arrive on a socket of the cell */
	KIS_OP_MOUNT,		/* mount, unmount, move a mount, pivot the root */
	KIS_OP_MAP_SHARED,	/* make memory executable that stays writable elsewhere */
	KIS_OP_MKNOD,		/* make a device node */
	KIS_OP_SYSCTL,		/* write to a setting of the kernel */
	KIS_OP_USERMODE_HELPER,	/* have the kernel start a program */
	KIS_OP_MODULE_REQUEST,	/* have the kernel load a module by itself */
	KIS_OP_LIBRARY,	/* map a file as it is to execute it */
	KIS_OP_BIND,	/* give a socket its local address, listen */
	KIS_OP_SEND,	/* send a datagram to an address */
	KIS_OP_SOCKET,	/* make a socket */
	KIS_OP_CAPABILITY,	/* use a capability */
	KIS_OP_IDENTITY,	/* become another user */
	KIS_OP_SIGNAL,	/* send a signal out of the cell */
	KIS_OP_NAMESPACE,	/* make a user namespace */
	KIS_OP_COUNT
};

#define KIS_OP_BIT(op)		(1ull << (op))

/* What kinds of things are in the repertoire of a cell. */
enum kis_kind {
	KIS_KIND_PROGRAM = 1,
	KIS_KIND_LIBRARY,
	KIS_KIND_READ,
	KIS_KIND_SECRET,
	KIS_KIND_WRITE,
	KIS_KIND_CREATE,
	KIS_KIND_REMOVE,
	KIS_KIND_SETTING,
	KIS_KIND_PEER,
	KIS_KIND_PORT,
	KIS_KIND_SOCKET,
	KIS_KIND_CAPABILITY,
	KIS_KIND_IDENTITY,
	KIS_KIND_SIGNAL,
	KIS_KIND_MODULE,
	KIS_KIND_OPERATION,
	KIS_KIND_OWN,
	KIS_KIND_MEMORY,
	KIS_KIND_CONTENT,
};

enum kis_phase {
	KIS_PHASE_LEARNING,
	KIS_PHASE_READY,
};

/* The class of a ring lane. */
enum kis_class {
	KIS_CLASS_VERDICT,	/* breaches, vetoes, matches, bans, the officer */
	KIS_CLASS_FINDING,	/* crossings, ends of signals, phases */
	KIS_CLASS_TELEMETRY,	/* windows, type 1 matches while calm */
	KIS_CLASS_HOST,		/* what happens outside of any cell: scans */
	KIS_CLASS_COUNT
};

/* What a record tells. */
enum kis_record_type {
	KIS_RECORD_DANGER_ONE = 1,	/* first threshold crossed */
	KIS_RECORD_DANGER_TWO,		/* second threshold, match, breach */
	KIS_RECORD_VETO,		/* denied because danger two is up */
	KIS_RECORD_CALM,		/* a danger signal has ended */
	KIS_RECORD_PHASE,		/* learning -> ready and back */
	KIS_RECORD_CONTROL,		/* the officer changed something */
	KIS_RECORD_BAN_DROP,		/* packets of a banned peer dropped */
	KIS_RECORD_SCAN,		/* somebody scans the host */
	KIS_RECORD_WINDOW = 64,		/* the values of a window */
	KIS_RECORD_MATCH_CALM,		/* type 1 match while calm */
};

/* Which body a record has. */
enum kis_body {
	KIS_BODY_OPERATION = 1,	/* struct kis_operation, then the path */
	KIS_BODY_CROSSING,	/* struct kis_crossing */
	KIS_BODY_MATCH,		/* struct kis_match, then the excerpt */
	KIS_BODY_CALM,		/* struct kis_calm */
	KIS_BODY_PHASE_SET,	/* struct kis_phase_set */
	KIS_BODY_CONTROL,	/* struct kis_control */
	KIS_BODY_BAN_DROP,	/* struct kis_ban_drop */
	KIS_BODY_WINDOW,	/* struct kis_window, then a __u64 a parameter */
	KIS_BODY_SCANNED,	/* struct kis_scanned, then a __u16 a port */
};

/* What somebody scans with; KIS_SCAN_BIT() of these make sets. */
enum kis_scan_kind {
	KIS_SCAN_SYN = 1,	/* SYN to where nobody listens: SYN or connect scan */
	KIS_SCAN_FIN,		/* FIN alone */
	KIS_SCAN_NULL,		/* no flag */
	KIS_SCAN_XMAS,		/* FIN, PSH and URG */
	KIS_SCAN_ACK,		/* ACK of no connection */
	KIS_SCAN_MAIMON,	/* FIN and ACK of no connection */
	KIS_SCAN_FLAGS,		/* flags that do not go together */
	KIS_SCAN_SYN_ACK,	/* SYN and ACK that nobody asked for: idle scan */
	KIS_SCAN_UDP,		/* a datagram to where nobody listens */
	KIS_SCAN_DISTRIBUTED,	/* many sources together */
};

#define KIS_SCAN_BIT(kind)	(1u << (kind))

/* Why. */
enum kis_cause {
	KIS_CAUSE_NONE,
	KIS_CAUSE_THRESHOLD,	/* the learned threshold */
	KIS_CAUSE_BOUND,	/* the officer's bound on a parameter */
	KIS_CAUSE_TREE,		/* a path outside of the officer's prefixes */
	KIS_CAUSE_SELF,		/* something that was never seen in learning */
	KIS_CAUSE_FORBIDDEN,	/* an operation the officer forbids */
	KIS_CAUSE_SIGNATURE,
	KIS_CAUSE_DANGER,	/* danger signal two is up */
	KIS_CAUSE_OFFICER,	/* netlink */
	KIS_CAUSE_UNSEEN,	/* received bytes that could not be looked at */
	KIS_CAUSE_UNEXPECTED,	/* nothing that the officer expects while it learns */
};

/* What was decided; a set. */
#define KIS_ACTION_DENY		(1u << 0)	/* the call returns EPERM */
#define KIS_ACTION_KILL		(1u << 1)	/* connection reset */
#define KIS_ACTION_BAN		(1u << 2)	/* peer banned for a while */

/* Flags of a record. */
#define KIS_FLAG_APPLIED	(1u << 0)	/* the action was carried out */
#define KIS_FLAG_LEARNING	(1u << 1)	/* seen while the cell learns */
#define KIS_FLAG_PATH_CUT	(1u << 2)	/* the path's beginning is missing */
#define KIS_FLAG_DANGER_ONE	(1u << 3)	/* danger one was up */
#define KIS_FLAG_DANGER_TWO	(1u << 4)	/* danger two was up */
#define KIS_FLAG_KEPT_OUT	(1u << 5)	/* not learned: attempted training */

#define KIS_RECORD_MAX		4096	/* bytes of a record */
#define KIS_ID_LANE_BITS	10	/* low bits of an id: the lane */

/**
 * struct kis_record - what every record begins with
 * @len: bytes of the record; the next one begins at the next multiple of 8
 * @body_at: where the body begins, from the record's beginning
 * @data_at: where the data begin; they end with the record
 * @body: enum kis_body
 * @id: number of the record in its lane, from 1, times 2^KIS_ID_LANE_BITS, plus
 *	the lane; what was lost has numbers too
 * @mono_ns: CLOCK_MONOTONIC, in a lane never less than in the record before
 * @wall_ns: CLOCK_REALTIME
 * @start_ns: the process's start, CLOCK_BOOTTIME: with @pid a stable id
 * @cell: number of the cell in its configuration, from 1; 0 for none
 * @generation: of the cell configuration
 * @pid: process (thread group) whose call it was, in the initial pid namespace;
 *	0 for none
 * @tid: its thread
 * @uid: its real user id in the initial user namespace
 * @type: enum kis_record_type
 * @flags: KIS_FLAG_*
 * @cause: enum kis_cause
 * @action: KIS_ACTION_*
 * @mode: enum kis_mode that was in force, never KIS_MODE_INHERIT
 * @comm: the thread's name, NUL padded
 * @cell_name: NUL padded
 *
 * A newer module may have more in front of @body_at and of @data_at than is
 * known here: go by these, not by sizes. What an older one does not have is 0.
 */
struct kis_record {
	__u16 len;
	__u16 body_at;
	__u16 data_at;
	__u16 body;
	__u64 id;
	__u64 mono_ns;
	__u64 wall_ns;
	__u64 start_ns;
	__u32 cell;
	__u32 generation;
	__u32 pid;
	__u32 tid;
	__u32 uid;
	__u16 type;
	__u16 flags;
	__u16 cause;
	__u16 action;
	__u32 mode;
	char comm[16];
	char cell_name[KIS_NAME_LEN];
};

/**
 * struct kis_operation - a verdict on an operation; data: the path, or what else
 *	it was done with
 * @op: enum kis_op; KIS_OP_NONE for an attempt to command KIS
 * @kind: of something new or unexpected, enum kis_kind plus 256 if root did it;
 *	else 0
 * @nth: which of its type and operation in this window it is: the first 64 are
 *	told, then the 128th, the 256th ...
 */
struct kis_operation {
	__u16 op;
	__u16 kind;
	__u32 nth;
};

/**
 * struct kis_crossing - a parameter above a line, the cause says which
 * @observed: its value in this window so far, or what it adds up to over a stretch
 * @threshold: the threshold or bound that was crossed
 * @mean: learned mean, 16 fractional bits
 * @deviation: learned root of the mean square deviation, 16 fractional bits
 * @windows: windows learned, or stretches
 * @param: enum kis_param
 * @stretch: over how many windows it is added up, 1 for one
 * @minimum: smallest value learned
 * @peak: greatest value learned
 * @median: about the value that half of those learned do not exceed
 * @p90: the same for 90 of 100
 * @p99: the same for 99 of 100
 * @one: threshold one under the load of the window or stretch; all ones for none
 * @two: threshold two under the load of the window or stretch; all ones for none
 * @load: deliveries and accepted connections in the window or stretch so far
 * @over_ms: how long the window or stretch is, ms
 * @family: AF_INET or AF_INET6 for what one peer was sent; then @load is what
 *	all others were. Else 0
 * @reserved: 0
 * @address: the peer; IPv4 in the first four bytes, IPv6 without the last eight
 *
 * Of a stretch nothing is learned of @deviation, @median, @p90 and @p99: they are 0.
 */
struct kis_crossing {
	__u64 observed;
	__u64 threshold;
	__u64 mean;
	__u64 deviation;
	__u32 windows;
	__u16 param;
	__u16 stretch;
	__u64 minimum;
	__u64 peak;
	__u64 median;
	__u64 p90;
	__u64 p99;
	__u64 one;
	__u64 two;
	__u64 load;
	__u32 over_ms;
	__u8  family;
	__u8  reserved[3];
	__u8  address[16];
};

/**
 * struct kis_match - a signature matched; data: what was received, up to the
 *	match's end
 * @sig_id: signature
 * @sig_rev: its revision
 * @offset: bytes of the stream up to and with the last byte of the match
 * @owner_start_ns: start of the process that accepted the connection
 * @owner_pid: that process; 0 where it is not known
 * @nth: as in struct kis_operation
 * @laddr: local address; IPv4 in the first four bytes
 * @raddr: the peer's
 * @lport: local port, host order
 * @rport: the peer's
 * @family: AF_INET, AF_INET6, AF_UNIX or 0; only the first two have addresses
 * @proto: IPPROTO_TCP or 0
 * @reserved: 0
 */
struct kis_match {
	__u32 sig_id;
	__u32 sig_rev;
	__u64 offset;
	__u64 owner_start_ns;
	__u32 owner_pid;
	__u32 nth;
	__u8 laddr[16];
	__u8 raddr[16];
	__u16 lport;
	__u16 rport;
	__u8 family;
	__u8 proto;
	__u16 reserved;
};

/**
 * struct kis_calm - danger signals have ended
 * @one: 1 if danger one has
 * @two: 1 if danger two has
 */
struct kis_calm {
	__u32 one;
	__u32 two;
};

/**
 * struct kis_phase_set - a cell has come into a phase
 * @phase: enum kis_phase
 * @windows_needed: windows that the cell is to learn in all
 */
struct kis_phase_set {
	__u32 phase;
	__u32 windows_needed;
};

/**
 * struct kis_control - what the officer changed; data: of profile-accept, the
 *	name of the item
 * @command: the netlink command, KIS_CMD_*
 * @image: of image-commit, the kind of image, KIS_IMAGE_KIND_*; of
 *	profile-accept, what the item is, as @kind of struct kis_operation
 * @count: of image-commit, how many cells or signatures are loaded
 * @mode: of mode-set, enum kis_mode
 * @ttl_ms: of ban-add, how long the ban lasts
 * @family: of a ban, AF_INET or AF_INET6
 * @reserved: 0
 * @address: of a ban; IPv4 in the first four bytes
 */
struct kis_control {
	__u32 command;
	__u32 image;
	__u32 count;
	__u32 mode;
	__u32 ttl_ms;
	__u8 family;
	__u8 reserved[3];
	__u8 address[16];
};

/**
 * struct kis_ban_drop - packets of a banned peer were dropped
 * @dropped: how many under this ban; told for the 1st, 2nd, 4th, 8th ...
 * @address: the peer's; IPv4 in the first four bytes
 * @family: AF_INET or AF_INET6
 * @reserved: 0
 */
struct kis_ban_drop {
	__u64 dropped;
	__u8 address[16];
	__u8 family;
	__u8 reserved[7];
};

/**
 * struct kis_window - a window has ended; data: a __u64 for each parameter
 * @window_ms: length of the cell's windows
 * @reserved: 0
 */
struct kis_window {
	__u32 window_ms;
	__u32 reserved;
};

/**
 * struct kis_scanned - somebody scans the host; data: the first ports, a __u16
 *	each, 0 for none
 * @first_ns: when the first probe came, CLOCK_MONOTONIC
 * @last_ns: when the latest came
 * @lost: sources with three targets or more that were forgotten for want of
 *	room, since the module was loaded
 * @probes: probes so far; 0 for many sources
 * @targets: different targets (address and port) of them, at least
 * @sources: sources, at least: 1, or how many it is together
 * @nth: which scan found within five seconds it is; from the 65th on
 *	only how many there are is told
 * @seconds: over how long targets were counted
 * @ban_s: for how long the source is banned, if the action says so
 * @kind: enum kis_scan_kind
 * @kinds: the kinds of its probes, KIS_SCAN_BIT() of each
 * @family: AF_INET or AF_INET6
 * @spoofable: 1 if the source has not completed a handshake within the last
 *	hour: somebody else may have sent this in its name
 * @again: 1 if it was told before and goes on
 * @reserved: 0
 * @source: where the latest probe said that it comes from; IPv4 in the first
 *	four bytes; 0 for many sources. IPv6 addresses with the same first eight
 *	bytes are one source
 * @target: the address of this host that it went to
 */
struct kis_scanned {
	__u64 first_ns;
	__u64 last_ns;
	__u64 lost;
	__u32 probes;
	__u32 targets;
	__u32 sources;
	__u32 nth;
	__u32 seconds;
	__u32 ban_s;
	__u16 kind;
	__u16 kinds;
	__u8 family;
	__u8 spoofable;
	__u8 again;
	__u8 reserved;
	__u8 source[16];
	__u8 target[16];
};

/*
 * /dev/kis, mapped from offset 0:
 *
 *	page 0		struct kis_ring_info
 *	page 1		__u64 consumer[KIS_MAX_LANES]: the only page that user space
 *			may map writable (alone, of a file opened for writing)
 *	lanes_offset	struct kis_lane[lanes], 64 bytes each
 *	data_offset	lanes * lane_bytes
 *
 * Class of a lane: its number % classes. The other part of the number is the
 * CPU; CPUs beyond the lanes share those of others. Position p of a lane is its
 * byte p % lane_bytes. Positions only grow. A record begins at a multiple of 8
 * and may go over the end of the lane to its beginning. From oldest to producer
 * there are whole records, one behind the other.
 *
 * One file at a time may be open for writing: the consumer. While it is, a
 * record that would overwrite what the consumer has not read is lost and counted
 * in its lane. Without a consumer, and for whoever maps for reading only, the
 * oldest records are overwritten, and oldest moves on before they are: a reader
 * copies a record and then checks that oldest is not beyond it.
 *
 * The order of all records is that of mono_ns, then that of lane and number.
 *
 * The consumer's positions are set to the end of each lane when it opens the
 * device. poll() says POLLIN when a lane holds records that it has not read.
 * A mere reader has no position in the kernel: poll() ends its wait for it, but
 * does not say POLLIN; such a reader polls with a time-out and looks.
 */
#define KIS_RING_MAGIC		0x3153494bu	/* "KIS1" */
#define KIS_MAX_LANES		512

/**
 * struct kis_ring_info - the first page of the mapping
 * @magic: KIS_RING_MAGIC
 * @abi: KIS_ABI
 * @lanes: number of lanes
 * @lane_bytes: bytes of a lane, a power of two
 * @classes: KIS_CLASS_COUNT
 * @lanes_offset: of the lane headers, bytes from the mapping's start
 * @data_offset: of lane 0's first byte
 * @map_bytes: length of the whole mapping
 */
struct kis_ring_info {
	__u32 magic;
	__u32 abi;
	__u32 lanes;
	__u32 lane_bytes;
	__u32 classes;
	__u32 lanes_offset;
	__u32 data_offset;
	__u32 map_bytes;
};

/**
 * struct kis_lane - header of a lane, written by the kernel
 * @producer: position behind the newest record
 * @oldest: position of the oldest record that is not overwritten
 * @sequence: number of the newest record, written or lost
 * @lost: records that found no room
 * @bad_consumer: consumer positions that were impossible, and so ignored
 * @reserved: 0
 */
struct kis_lane {
	__u64 producer;
	__u64 oldest;
	__u64 sequence;
	__u64 lost;
	__u64 bad_consumer;
	__u64 reserved[3];
};

#endif /* _UAPI_LINUX_KIS_H */
