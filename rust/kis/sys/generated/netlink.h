/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/kis.yaml */
/* YNL-GEN kernel header */
/* To regenerate run: scripts/netlink */

#ifndef _LINUX_KIS_GEN_H
#define _LINUX_KIS_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/kis_netlink.h>

int kis_nl_status_get_doit(struct sk_buff *skb, struct genl_info *info);
int kis_nl_cell_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int kis_nl_param_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int kis_nl_signature_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int kis_nl_ban_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int kis_nl_ban_add_doit(struct sk_buff *skb, struct genl_info *info);
int kis_nl_ban_del_doit(struct sk_buff *skb, struct genl_info *info);
int kis_nl_mode_set_doit(struct sk_buff *skb, struct genl_info *info);
int kis_nl_profile_get_doit(struct sk_buff *skb, struct genl_info *info);
int kis_nl_profile_reset_doit(struct sk_buff *skb, struct genl_info *info);
int kis_nl_cell_unload_doit(struct sk_buff *skb, struct genl_info *info);
int kis_nl_signature_unload_doit(struct sk_buff *skb, struct genl_info *info);
int kis_nl_image_begin_doit(struct sk_buff *skb, struct genl_info *info);
int kis_nl_image_data_doit(struct sk_buff *skb, struct genl_info *info);
int kis_nl_image_commit_doit(struct sk_buff *skb, struct genl_info *info);
int kis_nl_profile_accept_doit(struct sk_buff *skb, struct genl_info *info);
int kis_nl_image_get_doit(struct sk_buff *skb, struct genl_info *info);

extern struct genl_family kis_nl_family;

#endif /* _LINUX_KIS_GEN_H */
