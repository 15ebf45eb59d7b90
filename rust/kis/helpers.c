// SPDX-License-Identifier: GPL-2.0

#include <linux/cred.h>
#include <linux/ctype.h>
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/kis.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/path.h>
#include <linux/poll.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>
#include <linux/vmalloc.h>
#include <net/af_unix.h>
#include <net/inet6_hashtables.h>
#include <net/inet_hashtables.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <net/udp.h>

#include "helpers.h"

/*
 * Weak, so that the module can be loaded on a kernel without the KIS LSM and
 * say that this is what it lacks.
 */
#pragma weak kis_attach
#pragma weak kis_detach
#pragma weak kis_synchronize
#pragma weak kis_new_generation
#pragma weak kis_task_blob
#pragma weak kis_sock_blob
#pragma weak kis_task_join
#pragma weak kis_sock_watch
#pragma weak kis_walk_members
#pragma weak kis_walk_threads
#pragma weak kis_walk_processes
#pragma weak kis_walk_sockets
#pragma weak kis_path_name
#pragma weak kis_task_exe
#pragma weak kis_task_cmdline
#pragma weak kis_bprm_args

bool kis_helper_has_lsm(void)
{
	return &kis_attach;
}

int kis_helper_attach(const struct kis_hooks *hooks)
{
	return kis_attach(hooks);
}

void kis_helper_detach(const struct kis_hooks *hooks)
{
	kis_detach(hooks);
}

void kis_helper_synchronize(void)
{
	kis_synchronize();
}

u32 kis_helper_new_generation(void)
{
	return kis_new_generation();
}

u64 kis_helper_current_cell(void)
{
	return READ_ONCE(kis_task_blob(current)->cell);
}

struct kis_task *kis_helper_task_blob(const struct task_struct *task)
{
	return kis_task_blob(task);
}

struct kis_sock *kis_helper_sock_blob(const struct sock *sk)
{
	return kis_sock_blob(sk);
}

void kis_helper_sock_watch(struct sock *sk, u64 cell)
{
	kis_sock_watch(sk, cell);
}

void kis_helper_task_join(struct task_struct *task, u64 cell, bool met)
{
	kis_task_join(task, cell, met);
}

void kis_helper_walk_process(struct task_struct *task, kis_task_fn fn, void *arg)
{
	struct task_struct *thread;

	guard(rcu)();
	for_each_thread(task, thread)
		fn(thread, arg);
}

void kis_helper_walk_members(kis_task_fn fn, void *arg)
{
	kis_walk_members(fn, arg);
}

void kis_helper_walk_threads(kis_task_fn fn, void *arg)
{
	kis_walk_threads(fn, arg);
}

void kis_helper_walk_processes(kis_task_fn fn, void *arg)
{
	kis_walk_processes(fn, arg);
}

void kis_helper_walk_sockets(struct task_struct *task, kis_sock_fn fn, void *arg, u32 *left)
{
	kis_walk_sockets(task, fn, arg, left);
}

char *kis_helper_path_name(const struct path *path, char *buf, int size)
{
	return kis_path_name(path, buf, size);
}

/* Of memory that is mapped from below a stacked file system, the file that was opened. */
const struct path *kis_helper_file_path(struct file *file)
{
	return file_user_path(file);
}

char *kis_helper_task_exe(struct task_struct *task, char *buf, int size)
{
	return kis_task_exe(task, buf, size);
}

int kis_helper_task_cmdline(struct task_struct *task, char *buf, int size)
{
	return kis_task_cmdline(task, buf, size);
}

int kis_helper_bprm_args(const struct linux_binprm *bprm, char *buf, int size)
{
	return kis_bprm_args(bprm, buf, size);
}

u64 kis_helper_monotonic_ns(void)
{
	return ktime_get_ns();
}

u64 kis_helper_realtime_ns(void)
{
	return ktime_get_real_ns();
}

u64 kis_helper_task_runtime_ns(struct task_struct *task)
{
	return READ_ONCE(task->se.sum_exec_runtime);
}

u64 kis_helper_process_start_ns(const struct task_struct *task)
{
	return READ_ONCE(task->group_leader)->start_boottime;
}

/*
 * The first thread answers for its process, whichever thread still has memory;
 * -1 for the others, and where none has any.
 */
long kis_helper_process_rss_pages(struct task_struct *task)
{
	struct task_struct *thread;
	long pages = -1;

	guard(rcu)();
	if (!thread_group_leader(task))
		return pages;
	for_each_thread(task, thread) {
		if (!READ_ONCE(thread->mm))
			continue;
		task_lock(thread);
		if (thread->mm)
			pages = get_mm_rss(thread->mm);
		task_unlock(thread);
		break;
	}
	return pages;
}

void kis_helper_family_cells(const struct task_struct *task, u64 cells[2])
{
	guard(rcu)();
	/* One that has been released may have outlived its leader and parent. */
	if (!pid_alive(task))
		return;
	cells[0] = READ_ONCE(kis_helper_task_blob(task->group_leader)->cell);
	cells[1] = READ_ONCE(kis_helper_task_blob(rcu_dereference(task->real_parent))->cell);
}

u32 kis_helper_task_uid(const struct task_struct *task)
{
	return from_kuid(&init_user_ns, task_uid(task));
}

/* Real, effective, saved, of the file system; in the initial user namespace. */
void kis_helper_current_uids(u32 uids[4])
{
	u32 gids[4];

	kis_helper_cred_ids(current_cred(), uids, gids);
}

/* In the initial user namespace. */
bool kis_helper_current_is_privileged(void)
{
	return uid_eq(current_fsuid(), GLOBAL_ROOT_UID);
}

/* Real, effective, saved, of the file system; in the initial user namespace. */
void kis_helper_cred_ids(const struct cred *cred, u32 uids[4], u32 gids[4])
{
	uids[0] = from_kuid(&init_user_ns, cred->uid);
	uids[1] = from_kuid(&init_user_ns, cred->euid);
	uids[2] = from_kuid(&init_user_ns, cred->suid);
	uids[3] = from_kuid(&init_user_ns, cred->fsuid);
	gids[0] = from_kgid(&init_user_ns, cred->gid);
	gids[1] = from_kgid(&init_user_ns, cred->egid);
	gids[2] = from_kgid(&init_user_ns, cred->sgid);
	gids[3] = from_kgid(&init_user_ns, cred->fsgid);
}

/* Where the names count from that the running task gives. */
char *kis_helper_name_base(bool is_absolute, char *buf, int size)
{
	struct path base;
	char *name;

	if (is_absolute)
		get_fs_root(current->fs, &base);
	else
		get_fs_pwd(current->fs, &base);
	name = kis_path_name(&base, buf, size);
	path_put(&base);
	return name;
}

bool kis_helper_file_writes(const struct file *file)
{
	return file->f_mode & FMODE_WRITE;
}

static u32 kis_kind_of(umode_t mode)
{
	return (S_ISREG(mode) || S_ISBLK(mode) ? KIS_FILE_STORED : 0) |
	       (mode & 0004 ? KIS_FILE_PUBLIC : 0);
}

/* KIS_FILE_* bits: one call for what each open asks. */
u32 kis_helper_file_kind(const struct file *file)
{
	return kis_kind_of(file_inode(file)->i_mode) |
	       (file->f_mode & FMODE_WRITE ? KIS_FILE_WRITES : 0);
}

bool kis_helper_file_is_made(const struct file *file)
{
	return file->f_mode & FMODE_CREATED;
}

/* The same, but for how it is open; 0 for what does not exist yet. */
u32 kis_helper_entry_kind(const struct path *dir, const struct dentry *entry)
{
	const struct inode *inode = d_inode(entry ?: dir->dentry);

	return inode ? kis_kind_of(inode->i_mode) : 0;
}

/* More of the same, that costs more: whose it is. @dir is its directory. */
static u32 kis_look_of(const struct inode *inode, const struct dentry *dir)
{
	const umode_t others = 0022;
	kuid_t me = current_fsuid();
	const struct inode *parent;
	u32 look = 0;

	guard(rcu)();
	parent = d_inode_rcu(dir);
	if (!parent)
		return 0;
	if (!uid_eq(me, GLOBAL_ROOT_UID) && uid_eq(parent->i_uid, me))
		look |= KIS_FILE_OWN;
	if (!inode)
		return look;
	if (S_ISREG(inode->i_mode) && inode->i_mode & 0111)
		look |= KIS_FILE_PROGRAM;
	if (uid_eq(inode->i_uid, GLOBAL_ROOT_UID) && !(inode->i_mode & others) &&
	    uid_eq(parent->i_uid, GLOBAL_ROOT_UID) && !(parent->i_mode & others))
		look |= KIS_FILE_TRUSTED;
	return look;
}

u32 kis_helper_file_look(const struct file *file)
{
	const struct dentry *entry = file->f_path.dentry;

	return kis_helper_file_kind(file) |
	       kis_look_of(file_inode(file), READ_ONCE(entry->d_parent));
}

/* Without @entry, @dir is the file itself. */
u32 kis_helper_entry_look(const struct path *dir, const struct dentry *entry)
{
	const struct dentry *above = entry ? dir->dentry :
					     READ_ONCE(dir->dentry->d_parent);

	return kis_helper_entry_kind(dir, entry) |
	       kis_look_of(d_inode(entry ?: dir->dentry), above);
}

struct sock *kis_helper_socket_sk(const struct socket *sock)
{
	return sock->sk;
}

/* Of fs/configfs/mount.c, fs/nfsd/nfsctl.c, fs/fuse/control.c: no header has them. */
#define KIS_CONFIGFS_MAGIC	0x62656570
#define KIS_NFSD_MAGIC		0x6e667364
#define KIS_FUSECTL_MAGIC	0x65735543

/* What is set there takes effect on the kernel, and maybe on other processes. */
bool kis_helper_file_is_control(const struct file *file)
{
	const struct dentry *entry = file_dentry(file), *above;
	const struct super_block *sb = entry->d_sb;
	bool is_control = false;

	switch (sb->s_magic) {
	case SYSFS_MAGIC:
	case BINFMTFS_MAGIC:
	case DEBUGFS_MAGIC:
	case TRACEFS_MAGIC:
	case SECURITYFS_MAGIC:
	case EFIVARFS_MAGIC:
	case CGROUP_SUPER_MAGIC:
	case CGROUP2_SUPER_MAGIC:
	case SELINUX_MAGIC:
	case SMACK_MAGIC:
	case RDTGROUP_SUPER_MAGIC:
	case KIS_CONFIGFS_MAGIC:
	case KIS_NFSD_MAGIC:
	case KIS_FUSECTL_MAGIC:
		return true;
	case PROC_SUPER_MAGIC:
		break;
	default:
		return false;
	}
	/*
	 * Directories of processes and threads have a number for their name;
	 * what the network namespace of one has below "net" is not its own.
	 */
	rcu_read_lock();
	for (above = READ_ONCE(entry->d_parent); !IS_ROOT(above);
	     above = READ_ONCE(entry->d_parent)) {
		is_control |= isdigit(above->d_name.name[0]) &&
			      !strcmp(entry->d_name.name, "net");
		entry = above;
	}
	is_control |= !isdigit(entry->d_name.name[0]);
	rcu_read_unlock();
	return is_control;
}

bool kis_helper_entry_is_dir(const struct path *dir, const struct dentry *entry)
{
	return d_is_dir(entry ?: dir->dentry);
}

bool kis_helper_sk_is_heard(const struct sock *sk)
{
	return sk_is_tcp(sk) || sk_is_udp(sk) || sk_is_unix(sk);
}

const void *kis_helper_skb_network_header(const struct sk_buff *skb)
{
	return skb_network_header(skb);
}

int kis_helper_skb_network_offset(const struct sk_buff *skb)
{
	return skb_network_offset(skb);
}

struct sock *kis_helper_skb_sk(const struct sk_buff *skb)
{
	return skb->sk;
}

/* A socket of more than a request, found by early demux. */
bool kis_helper_skb_has_connection(const struct sk_buff *skb)
{
	return skb->sk && READ_ONCE(skb->sk->sk_state) != TCP_NEW_SYN_RECV;
}

/* To this host and in its first network namespace, from another one. */
bool kis_helper_skb_is_from_afar(const struct sk_buff *skb)
{
	return skb->pkt_type == PACKET_HOST && !(skb->dev->flags & IFF_LOOPBACK) &&
	       net_eq(dev_net(skb->dev), &init_net);
}

bool kis_helper_sk_is_request(const struct sock *sk)
{
	return READ_ONCE(sk->sk_state) == TCP_NEW_SYN_RECV;
}

/* Of a request: the number that its SYN/ACK had. */
u32 kis_helper_request_number(const struct sock *sk)
{
	return tcp_rsk(inet_reqsk(sk))->snt_isn;
}

/* The connection of a segment, with a reference; numbers in host order, here and below. */
struct sock *kis_helper_connection_v4(const struct sk_buff *skb, u32 from, u16 from_port, u32 to,
				      u16 port)
{
	return __inet_lookup_established(dev_net(skb->dev), htonl(from), htons(from_port),
					 htonl(to), port, inet_iif(skb), inet_sdif(skb));
}

struct sock *kis_helper_connection_v6(const struct sk_buff *skb, const struct in6_addr *from,
				      u16 from_port, const struct in6_addr *to, u16 port)
{
	return __inet6_lookup_established(dev_net(skb->dev), from, htons(from_port), to, port,
					  inet6_iif(skb), inet6_sdif(skb));
}

/* Whether somebody listens; called under RCU, which is why these take no reference. */
bool kis_helper_is_listener_v4(struct sk_buff *skb, u32 from, u16 from_port, u32 to, u16 port)
{
	return __inet_lookup_listener(dev_net(skb->dev), NULL, 0, htonl(from), htons(from_port),
				      htonl(to), port, inet_iif(skb), inet_sdif(skb));
}

bool kis_helper_is_listener_v6(struct sk_buff *skb, const struct in6_addr *from, u16 from_port,
			       const struct in6_addr *to, u16 port)
{
	return inet6_lookup_listener(dev_net(skb->dev), NULL, 0, from, htons(from_port), to, port,
				     inet6_iif(skb), inet6_sdif(skb));
}

bool kis_helper_is_receiver_v4(struct sk_buff *skb, u32 from, u16 from_port, u32 to, u16 port)
{
	return __udp4_lib_lookup(dev_net(skb->dev), htonl(from), htons(from_port), htonl(to),
				 htons(port), inet_iif(skb), inet_sdif(skb), NULL);
}

bool kis_helper_is_receiver_v6(struct sk_buff *skb, const struct in6_addr *from, u16 from_port,
			       const struct in6_addr *to, u16 port)
{
	return __udp6_lib_lookup(dev_net(skb->dev), from, htons(from_port), to, htons(port),
				 inet6_iif(skb), inet6_sdif(skb), NULL);
}

void *kis_helper_genlmsg_put_reply(struct sk_buff *skb, struct genl_info *info, u8 cmd)
{
	return genlmsg_put_reply(skb, info, info->family, 0, cmd);
}

void *kis_helper_genlmsg_put_dump(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	return genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			   genl_dumpit_info(cb)->info.family, NLM_F_MULTI, cmd);
}

struct sk_buff *kis_helper_genlmsg_new(size_t payload)
{
	return genlmsg_new(payload, GFP_KERNEL);
}

void kis_helper_genlmsg_end(struct sk_buff *skb, void *header)
{
	genlmsg_end(skb, header);
}

void kis_helper_genlmsg_cancel(struct sk_buff *skb, void *header)
{
	genlmsg_cancel(skb, header);
}

int kis_helper_genlmsg_reply(struct sk_buff *skb, struct genl_info *info)
{
	return genlmsg_reply(skb, info);
}

void kis_helper_nlmsg_free(struct sk_buff *skb)
{
	nlmsg_free(skb);
}

struct net *kis_helper_genl_info_net(const struct genl_info *info)
{
	return genl_info_net(info);
}

struct net *kis_helper_skb_sk_net(const struct sk_buff *skb)
{
	return sock_net(skb->sk);
}

void kis_helper_init_delayed_work(struct delayed_work *work, work_func_t fn)
{
	INIT_DELAYED_WORK(work, fn);
}

bool kis_helper_queue_delayed_work(struct delayed_work *work, unsigned long delay)
{
	return schedule_delayed_work(work, delay);
}

unsigned long kis_helper_msecs_to_jiffies(unsigned int msecs)
{
	return msecs_to_jiffies(msecs);
}

void kis_helper_poll_wait(struct file *file, wait_queue_head_t *head,
			  struct poll_table_struct *table)
{
	poll_wait(file, head, table);
}

void kis_helper_init_waitqueue_head(wait_queue_head_t *head)
{
	init_waitqueue_head(head);
}

void kis_helper_wake_up(wait_queue_head_t *head)
{
	if (wq_has_sleeper(head))
		wake_up_interruptible_poll(head, EPOLLIN | EPOLLRDNORM);
}

void *kis_helper_vmalloc_user(unsigned long size)
{
	return vmalloc_user(size);
}

void kis_helper_vm_flags_clear(struct vm_area_struct *vma, unsigned long flags)
{
	vm_flags_clear(vma, flags);
}

const unsigned char *kis_helper_dentry_name(const struct dentry *dentry)
{
	return dentry->d_name.name;
}

u32 kis_helper_dentry_name_len(const struct dentry *dentry)
{
	return dentry->d_name.len;
}

u16 kis_helper_sk_family(const struct sock *sk)
{
	return sk->sk_family;
}

u16 kis_helper_sk_type(const struct sock *sk)
{
	return sk->sk_type;
}

/* MPTCP does not fit into a byte. */
u16 kis_helper_sk_wide_protocol(const struct sock *sk)
{
	return sk->sk_protocol;
}

u8 kis_helper_sk_protocol(const struct sock *sk)
{
	return sk->sk_protocol;
}

/* Not sk_num, which a reset takes away while there is still something to read. */
u16 kis_helper_sk_local_port(const struct sock *sk)
{
	return ntohs(inet_sk(sk)->inet_sport);
}

bool kis_helper_sk_has_asked_for_its_port(const struct sock *sk)
{
	return sk->sk_userlocks & SOCK_BINDPORT_LOCK;
}

u16 kis_helper_sk_peer_port(const struct sock *sk)
{
	return ntohs(sk->sk_dport);
}

u32 kis_helper_sk_local_v4(const struct sock *sk)
{
	return ntohl(sk->sk_rcv_saddr);
}

u32 kis_helper_sk_peer_v4(const struct sock *sk)
{
	return ntohl(sk->sk_daddr);
}

const struct in6_addr *kis_helper_sk_local_v6(const struct sock *sk)
{
	return &sk->sk_v6_rcv_saddr;
}

const struct in6_addr *kis_helper_sk_peer_v6(const struct sock *sk)
{
	return &sk->sk_v6_daddr;
}

u32 kis_helper_skb_len(const struct sk_buff *skb)
{
	return skb->len;
}
