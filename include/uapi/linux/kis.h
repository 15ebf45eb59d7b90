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
#define KIS_ABI			1

/* Limits; each is checked by kisctl and, without trust in it, by the kernel. */
#define KIS_MAX_CELLS		32	/* each costs about 8 KiB */
#define KIS_MAX_SIGNATURES	4096
#define KIS_MAX_PREFIXES	32	/* in one path list of a cell */
#define KIS_MAX_DIRS		256	/* learned directories of a cell */
#define KIS_MAX_BANS		1024
#define KIS_MAX_IMAGE		(16u << 20)	/* bytes of one upload */
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
	KIS_PARAM_BYTES_IN,	/* received on TCP and unix stream sockets */
	KIS_PARAM_BYTES_OUT,	/* handed to sendmsg() and the like */
	KIS_PARAM_MESSAGES_IN,	/* deliveries to a socket's receive queue */
	KIS_PARAM_MESSAGES_OUT,	/* calls of sendmsg() and the like */
	KIS_PARAM_REPLY_PERMILLE,	/* bytes out per 1000 bytes in, at least 4096 in */
	KIS_PARAM_COUNT
};

/* What a cell's process is about to do; KIS_OP_BIT() of these make op sets. */
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
	KIS_OP_COUNT
};

#define KIS_OP_BIT(op)		(1u << (op))

enum kis_phase {
	KIS_PHASE_LEARNING,
	KIS_PHASE_READY,
};

/* The class of a ring lane. */
enum kis_class {
	KIS_CLASS_ALERT,
	KIS_CLASS_TELEMETRY,
	KIS_CLASS_COUNT
};

enum kis_record_type {
	KIS_RECORD_DANGER_ONE = 1,	/* alert: first threshold crossed */
	KIS_RECORD_DANGER_TWO,		/* alert: second threshold, match, breach */
	KIS_RECORD_VETO,		/* alert: denied because danger two is up */
	KIS_RECORD_CALM,		/* alert: a danger signal has ended */
	KIS_RECORD_PHASE,		/* alert: learning -> ready and back */
	KIS_RECORD_CONTROL,		/* alert: the officer changed something */
	KIS_RECORD_BAN_DROP,		/* alert: packets of a banned peer dropped */
	KIS_RECORD_WINDOW = 64,		/* telemetry: data is __u64[KIS_PARAM_COUNT] */
	KIS_RECORD_MATCH_CALM,		/* telemetry: type 1 match while calm */
};

/* Why. */
enum kis_cause {
	KIS_CAUSE_NONE,
	KIS_CAUSE_THRESHOLD,	/* the learned threshold */
	KIS_CAUSE_BOUND,	/* the officer's bound on a parameter */
	KIS_CAUSE_TREE,		/* a path outside of the officer's prefixes */
	KIS_CAUSE_SELF,		/* a directory that was never seen in learning */
	KIS_CAUSE_FORBIDDEN,	/* an operation the officer forbids */
	KIS_CAUSE_SIGNATURE,
	KIS_CAUSE_DANGER,	/* danger signal two is up */
	KIS_CAUSE_OFFICER,	/* netlink */
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
#define KIS_FLAG_PARAM		(1u << 5)	/* param, observed ... n are set */
#define KIS_FLAG_CONN		(1u << 6)	/* addresses and ports are set */

#define KIS_RECORD_DATA		288

/**
 * struct kis_record - one slot of a ring lane, 512 bytes
 * @seq: position of the slot in its lane plus one; 0 while it is written
 * @id: number of the record since the module was loaded, over all lanes
 * @mono_ns: CLOCK_MONOTONIC
 * @wall_ns: CLOCK_REALTIME
 * @type: enum kis_record_type
 * @flags: KIS_FLAG_*
 * @cell: number of the cell in its configuration, from 1; 0 for none
 * @generation: of the cell configuration
 * @pid: process (thread group) in the initial pid namespace; 0 for none
 * @tid: thread
 * @uid: real user id in the initial user namespace
 * @start_ns: the process's start, CLOCK_BOOTTIME: with @pid a stable id
 * @comm: the thread's name, NUL padded
 * @param: enum kis_param; for a KIS_RECORD_CONTROL of image-commit the kind of
 *	image (KIS_IMAGE_KIND_*)
 * @op: enum kis_op
 * @action: KIS_ACTION_*
 * @cause: enum kis_cause
 * @observed: value of @param in this window so far; for KIS_RECORD_CONTROL the
 *	netlink command (KIS_CMD_*)
 * @mean: learned mean, 16 fractional bits
 * @deviation: learned root of the mean square deviation, 16 fractional bits
 * @threshold: the threshold or bound that was crossed
 * @n: windows learned; for a verdict on an operation or a match which one of
 *	this window it is: the first 64 are told, then the 128th, the 256th ...
 * @sig_id: signature
 * @sig_rev: its revision
 * @offset: bytes of the stream up to and with the last byte of the match
 * @laddr: local address; IPv4 in the first four bytes
 * @raddr: the peer's
 * @lport: local port, host order
 * @rport: the peer's
 * @family: AF_INET, AF_INET6, AF_UNIX or 0
 * @proto: IPPROTO_TCP or 0
 * @mode: enum kis_mode that was in force, never KIS_MODE_INHERIT
 * @pad: 0
 * @path_len: bytes of a path at the beginning of @data
 * @excerpt_len: bytes of received data behind it, up to the match's end
 * @value: for KIS_RECORD_CONTROL and _PHASE: what it was set to
 * @cell_name: NUL padded
 * @data: path, then excerpt; or parameters
 */
struct kis_record {
	__u64 seq;
	__u64 id;
	__u64 mono_ns;
	__u64 wall_ns;
	__u16 type;
	__u16 flags;
	__u32 cell;
	__u32 generation;
	__u32 pid;
	__u32 tid;
	__u32 uid;
	__u64 start_ns;
	char comm[16];
	__u16 param;
	__u16 op;
	__u16 action;
	__u16 cause;
	__u64 observed;
	__u64 mean;
	__u64 deviation;
	__u64 threshold;
	__u64 n;
	__u32 sig_id;
	__u32 sig_rev;
	__u64 offset;
	__u8 laddr[16];
	__u8 raddr[16];
	__u16 lport;
	__u16 rport;
	__u8 family;
	__u8 proto;
	__u8 mode;
	__u8 pad;
	__u16 path_len;
	__u16 excerpt_len;
	__u32 value;
	char cell_name[KIS_NAME_LEN];
	__u8 data[KIS_RECORD_DATA];
};

/*
 * /dev/kis, mapped from offset 0:
 *
 *	page 0		struct kis_ring_info
 *	page 1		__u64 consumer[KIS_MAX_LANES]: the only page that user space
 *			may map writable (alone, of a file opened for writing)
 *	lanes_offset	struct kis_lane[lanes], 64 bytes each
 *	data_offset	lanes * slots * struct kis_record
 *
 * Lane number = cpu * KIS_CLASS_COUNT + class. Slot of position p: p % slots.
 * One file at a time may be open for writing: the consumer. While it is, a
 * record that finds slots unread records before it is lost and counted in
 * its lane. Without a consumer, and for whoever maps for reading only, the
 * oldest records are overwritten: a reader copies a slot and then checks that
 * seq still is p + 1.
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
 * @slots: slots of a lane, a power of two
 * @slot_bytes: sizeof(struct kis_record)
 * @lanes_offset: of the lane headers, bytes from the mapping's start
 * @data_offset: of lane 0's first slot
 * @map_bytes: length of the whole mapping
 */
struct kis_ring_info {
	__u32 magic;
	__u32 abi;
	__u32 lanes;
	__u32 slots;
	__u32 slot_bytes;
	__u32 lanes_offset;
	__u32 data_offset;
	__u32 map_bytes;
};

/**
 * struct kis_lane - header of a lane, written by the kernel
 * @producer: position behind the newest record
 * @lost: records that found no room
 * @bad_consumer: consumer positions that were impossible, and so ignored
 * @reserved: 0
 */
struct kis_lane {
	__u64 producer;
	__u64 lost;
	__u64 bad_consumer;
	__u64 reserved[5];
};

#endif /* _UAPI_LINUX_KIS_H */
