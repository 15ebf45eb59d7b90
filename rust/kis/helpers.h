/* SPDX-License-Identifier: GPL-2.0 */
/* One-line helpers: macros and inline functions of the kernel for Rust. No policy. */
#ifndef KIS_HELPERS_H
#define KIS_HELPERS_H

#include <linux/kis.h>
#include <linux/net.h>
#include <linux/sched.h>
#include <linux/skbuff.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <net/genetlink.h>
#include <net/sock.h>

/* What a file is: something that keeps what is written; open for writing; ... */
#define KIS_FILE_STORED		1
#define KIS_FILE_WRITES		2
#define KIS_FILE_PUBLIC		16	/* everybody may read it */
#define KIS_FILE_OWN		32	/* its directory is the running user's, not root */
#define KIS_FILE_TRUSTED	64	/* root's, and nobody else may write to it */
#define KIS_FILE_PROGRAM	128	/* somebody may execute it */

/* The KIS LSM, by weak references: see helpers.c. */
bool kis_helper_has_lsm(void);
int kis_helper_attach(const struct kis_hooks *hooks);
void kis_helper_detach(const struct kis_hooks *hooks);
void kis_helper_synchronize(void);
u32 kis_helper_new_generation(void);
u64 kis_helper_current_cell(void);
struct kis_task *kis_helper_task_blob(const struct task_struct *task);
struct kis_sock *kis_helper_sock_blob(const struct sock *sk);
void kis_helper_sock_watch(struct sock *sk, u64 cell);
void kis_helper_task_join(struct task_struct *task, u64 cell, bool met);
void kis_helper_walk_process(struct task_struct *task, kis_task_fn fn, void *arg);
void kis_helper_walk_members(kis_task_fn fn, void *arg);
void kis_helper_walk_threads(kis_task_fn fn, void *arg);
void kis_helper_walk_processes(kis_task_fn fn, void *arg);
void kis_helper_walk_sockets(struct task_struct *task, kis_sock_fn fn, void *arg, u32 *left);
const struct path *kis_helper_file_path(struct file *file);
void kis_helper_current_uids(u32 uids[4]);
bool kis_helper_sk_has_asked_for_its_port(const struct sock *sk);
char *kis_helper_path_name(const struct path *path, char *buf, int size);
char *kis_helper_task_exe(struct task_struct *task, char *buf, int size);
int kis_helper_task_cmdline(struct task_struct *task, char *buf, int size);
int kis_helper_bprm_args(const struct linux_binprm *bprm, char *buf, int size);

u64 kis_helper_monotonic_ns(void);
u64 kis_helper_realtime_ns(void);
u64 kis_helper_task_runtime_ns(struct task_struct *task);
u64 kis_helper_process_start_ns(const struct task_struct *task);
long kis_helper_process_rss_pages(struct task_struct *task);
void kis_helper_family_cells(const struct task_struct *task, u64 cells[2]);
u32 kis_helper_task_uid(const struct task_struct *task);
bool kis_helper_current_is_privileged(void);
void kis_helper_cred_ids(const struct cred *cred, u32 uids[4], u32 gids[4]);
char *kis_helper_name_base(bool is_absolute, char *buf, int size);
bool kis_helper_file_is_made(const struct file *file);
u32 kis_helper_file_kind(const struct file *file);
u32 kis_helper_file_look(const struct file *file);
bool kis_helper_file_writes(const struct file *file);
u32 kis_helper_entry_kind(const struct path *dir, const struct dentry *entry);
u32 kis_helper_entry_look(const struct path *dir, const struct dentry *entry);
bool kis_helper_file_is_control(const struct file *file);
bool kis_helper_entry_is_dir(const struct path *dir, const struct dentry *entry);
struct sock *kis_helper_socket_sk(const struct socket *sock);
bool kis_helper_sk_is_heard(const struct sock *sk);
const void *kis_helper_skb_network_header(const struct sk_buff *skb);
int kis_helper_skb_network_offset(const struct sk_buff *skb);
struct sock *kis_helper_skb_sk(const struct sk_buff *skb);
bool kis_helper_skb_has_connection(const struct sk_buff *skb);
bool kis_helper_skb_is_from_afar(const struct sk_buff *skb);
bool kis_helper_sk_is_request(const struct sock *sk);
u32 kis_helper_request_number(const struct sock *sk);
struct sock *kis_helper_connection_v4(const struct sk_buff *skb, u32 from, u16 from_port, u32 to,
				      u16 port);
struct sock *kis_helper_connection_v6(const struct sk_buff *skb, const struct in6_addr *from,
				      u16 from_port, const struct in6_addr *to, u16 port);
bool kis_helper_is_listener_v4(struct sk_buff *skb, u32 from, u16 from_port, u32 to, u16 port);
bool kis_helper_is_listener_v6(struct sk_buff *skb, const struct in6_addr *from, u16 from_port,
			       const struct in6_addr *to, u16 port);
bool kis_helper_is_receiver_v4(struct sk_buff *skb, u32 from, u16 from_port, u32 to, u16 port);
bool kis_helper_is_receiver_v6(struct sk_buff *skb, const struct in6_addr *from, u16 from_port,
			       const struct in6_addr *to, u16 port);
void *kis_helper_genlmsg_put_reply(struct sk_buff *skb, struct genl_info *info, u8 cmd);
void *kis_helper_genlmsg_put_dump(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd);
struct sk_buff *kis_helper_genlmsg_new(size_t payload);
void kis_helper_genlmsg_end(struct sk_buff *skb, void *header);
void kis_helper_genlmsg_cancel(struct sk_buff *skb, void *header);
int kis_helper_genlmsg_reply(struct sk_buff *skb, struct genl_info *info);
void kis_helper_nlmsg_free(struct sk_buff *skb);
struct net *kis_helper_genl_info_net(const struct genl_info *info);
struct net *kis_helper_skb_sk_net(const struct sk_buff *skb);
void kis_helper_init_delayed_work(struct delayed_work *work, work_func_t fn);
bool kis_helper_queue_delayed_work(struct delayed_work *work, unsigned long delay);
unsigned long kis_helper_msecs_to_jiffies(unsigned int msecs);
void kis_helper_poll_wait(struct file *file, wait_queue_head_t *head,
			  struct poll_table_struct *table);
void kis_helper_init_waitqueue_head(wait_queue_head_t *head);
void kis_helper_wake_up(wait_queue_head_t *head);
void *kis_helper_vmalloc_user(unsigned long size);
void kis_helper_vm_flags_clear(struct vm_area_struct *vma, unsigned long flags);
const unsigned char *kis_helper_dentry_name(const struct dentry *dentry);
u32 kis_helper_dentry_name_len(const struct dentry *dentry);
u16 kis_helper_sk_family(const struct sock *sk);
u16 kis_helper_sk_type(const struct sock *sk);
u16 kis_helper_sk_wide_protocol(const struct sock *sk);
u8 kis_helper_sk_protocol(const struct sock *sk);
u16 kis_helper_sk_local_port(const struct sock *sk);
u16 kis_helper_sk_peer_port(const struct sock *sk);
u32 kis_helper_sk_local_v4(const struct sock *sk);
u32 kis_helper_sk_peer_v4(const struct sock *sk);
const struct in6_addr *kis_helper_sk_local_v6(const struct sock *sk);
const struct in6_addr *kis_helper_sk_peer_v6(const struct sock *sk);
u32 kis_helper_skb_len(const struct sk_buff *skb);

#endif
