// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/kis.yaml */
/* YNL-GEN kernel source */
/* To regenerate run: scripts/netlink */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink.h"

#include <uapi/linux/kis_netlink.h>

/* KIS_CMD_BAN_ADD - do */
static const struct nla_policy kis_ban_add_nl_policy[KIS_A_BAN_TTL_MS + 1] = {
	[KIS_A_BAN_ADDRESS] = NLA_POLICY_MAX_LEN(16),
	[KIS_A_BAN_TTL_MS] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* KIS_CMD_BAN_DEL - do */
static const struct nla_policy kis_ban_del_nl_policy[KIS_A_BAN_ADDRESS + 1] = {
	[KIS_A_BAN_ADDRESS] = NLA_POLICY_MAX_LEN(16),
};

/* KIS_CMD_MODE_SET - do */
static const struct nla_policy kis_mode_set_nl_policy[KIS_A_TARGET_MODE + 1] = {
	[KIS_A_TARGET_CELL] = { .type = NLA_NUL_STRING, .len = KIS_NAME_MAX, },
	[KIS_A_TARGET_MODE] = NLA_POLICY_MAX(NLA_U32, 2),
};

/* KIS_CMD_PROFILE_GET - do */
static const struct nla_policy kis_profile_get_nl_policy[KIS_A_TARGET_OFFSET + 1] = {
	[KIS_A_TARGET_CELL] = { .type = NLA_NUL_STRING, .len = KIS_NAME_MAX, },
	[KIS_A_TARGET_OFFSET] = { .type = NLA_U32, },
};

/* KIS_CMD_PROFILE_RESET - do */
static const struct nla_policy kis_profile_reset_nl_policy[KIS_A_TARGET_CELL + 1] = {
	[KIS_A_TARGET_CELL] = { .type = NLA_NUL_STRING, .len = KIS_NAME_MAX, },
};

/* KIS_CMD_IMAGE_BEGIN - do */
static const struct nla_policy kis_image_begin_nl_policy[KIS_A_IMAGE_FORCE + 1] = {
	[KIS_A_IMAGE_KIND] = NLA_POLICY_MAX(NLA_U32, 2),
	[KIS_A_IMAGE_SIZE] = NLA_POLICY_MIN(NLA_U32, 1),
	[KIS_A_IMAGE_CELL] = { .type = NLA_NUL_STRING, .len = KIS_NAME_MAX, },
	[KIS_A_IMAGE_FORCE] = NLA_POLICY_MAX(NLA_U32, 1),
};

/* KIS_CMD_IMAGE_DATA - do */
static const struct nla_policy kis_image_data_nl_policy[KIS_A_IMAGE_DATA + 1] = {
	[KIS_A_IMAGE_TOKEN] = { .type = NLA_U32, },
	[KIS_A_IMAGE_OFFSET] = { .type = NLA_U32, },
	[KIS_A_IMAGE_DATA] = NLA_POLICY_MAX_LEN(KIS_MAX_CHUNK),
};

/* KIS_CMD_IMAGE_COMMIT - do */
static const struct nla_policy kis_image_commit_nl_policy[KIS_A_IMAGE_TOKEN + 1] = {
	[KIS_A_IMAGE_TOKEN] = { .type = NLA_U32, },
};

/* KIS_CMD_PROFILE_ACCEPT - do */
static const struct nla_policy kis_profile_accept_nl_policy[KIS_A_TARGET_NAME + 1] = {
	[KIS_A_TARGET_CELL] = { .type = NLA_NUL_STRING, .len = KIS_NAME_MAX, },
	[KIS_A_TARGET_CLASS] = NLA_POLICY_MIN(NLA_U32, 1),
	[KIS_A_TARGET_DOMAIN] = NLA_POLICY_MAX(NLA_U32, 1),
	[KIS_A_TARGET_NAME] = NLA_POLICY_MAX_LEN(KIS_ITEM_NAME_MAX),
};

/* KIS_CMD_IMAGE_GET - do */
static const struct nla_policy kis_image_get_nl_policy[KIS_A_IMAGE_OFFSET + 1] = {
	[KIS_A_IMAGE_KIND] = NLA_POLICY_MAX(NLA_U32, 2),
	[KIS_A_IMAGE_OFFSET] = { .type = NLA_U32, },
};

/* Ops table for kis */
static const struct genl_split_ops kis_nl_ops[] = {
	{
		.cmd	= KIS_CMD_STATUS_GET,
		.doit	= kis_nl_status_get_doit,
		.flags	= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= KIS_CMD_CELL_GET,
		.dumpit	= kis_nl_cell_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd	= KIS_CMD_PARAM_GET,
		.dumpit	= kis_nl_param_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd	= KIS_CMD_SIGNATURE_GET,
		.dumpit	= kis_nl_signature_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd	= KIS_CMD_BAN_GET,
		.dumpit	= kis_nl_ban_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= KIS_CMD_BAN_ADD,
		.doit		= kis_nl_ban_add_doit,
		.policy		= kis_ban_add_nl_policy,
		.maxattr	= KIS_A_BAN_TTL_MS,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= KIS_CMD_BAN_DEL,
		.doit		= kis_nl_ban_del_doit,
		.policy		= kis_ban_del_nl_policy,
		.maxattr	= KIS_A_BAN_ADDRESS,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= KIS_CMD_MODE_SET,
		.doit		= kis_nl_mode_set_doit,
		.policy		= kis_mode_set_nl_policy,
		.maxattr	= KIS_A_TARGET_MODE,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= KIS_CMD_PROFILE_GET,
		.doit		= kis_nl_profile_get_doit,
		.policy		= kis_profile_get_nl_policy,
		.maxattr	= KIS_A_TARGET_OFFSET,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= KIS_CMD_PROFILE_RESET,
		.doit		= kis_nl_profile_reset_doit,
		.policy		= kis_profile_reset_nl_policy,
		.maxattr	= KIS_A_TARGET_CELL,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= KIS_CMD_CELL_UNLOAD,
		.doit	= kis_nl_cell_unload_doit,
		.flags	= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= KIS_CMD_SIGNATURE_UNLOAD,
		.doit	= kis_nl_signature_unload_doit,
		.flags	= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= KIS_CMD_IMAGE_BEGIN,
		.doit		= kis_nl_image_begin_doit,
		.policy		= kis_image_begin_nl_policy,
		.maxattr	= KIS_A_IMAGE_FORCE,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= KIS_CMD_IMAGE_DATA,
		.doit		= kis_nl_image_data_doit,
		.policy		= kis_image_data_nl_policy,
		.maxattr	= KIS_A_IMAGE_DATA,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= KIS_CMD_IMAGE_COMMIT,
		.doit		= kis_nl_image_commit_doit,
		.policy		= kis_image_commit_nl_policy,
		.maxattr	= KIS_A_IMAGE_TOKEN,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= KIS_CMD_PROFILE_ACCEPT,
		.doit		= kis_nl_profile_accept_doit,
		.policy		= kis_profile_accept_nl_policy,
		.maxattr	= KIS_A_TARGET_NAME,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= KIS_CMD_IMAGE_GET,
		.doit		= kis_nl_image_get_doit,
		.policy		= kis_image_get_nl_policy,
		.maxattr	= KIS_A_IMAGE_OFFSET,
		.flags		= GENL_CMD_CAP_DO,
	},
};

struct genl_family kis_nl_family __ro_after_init = {
	.name		= KIS_FAMILY_NAME,
	.version	= KIS_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= kis_nl_ops,
	.n_split_ops	= ARRAY_SIZE(kis_nl_ops),
};
