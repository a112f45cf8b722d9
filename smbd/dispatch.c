/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/req.h"

/* What each command needs; the rules are applied in req.c. A command without a row is refused. */
enum { S = OP_SESSION, T = OP_SESSION | OP_TREE, F = OP_SESSION | OP_TREE | OP_OPEN };

static const struct op ops[SMB2_COMMAND_COUNT] = {
	[SMB2_NEGOTIATE] = {"NEGOTIATE", op_negotiate, 0},
	[SMB2_SESSION_SETUP] = {"SESSION_SETUP", op_session_setup, 0},
	[SMB2_LOGOFF] = {"LOGOFF", op_logoff, S},
	[SMB2_TREE_CONNECT] = {"TREE_CONNECT", op_tree_connect, S | OP_SYNC},
	[SMB2_TREE_DISCONNECT] = {"TREE_DISCONNECT", op_tree_disconnect, T},
	[SMB2_CREATE] = {"CREATE", op_create, T},
	[SMB2_CLOSE] = {"CLOSE", op_close, F, 8},
	[SMB2_FLUSH] = {"FLUSH", op_flush, F, 8},
	[SMB2_READ] = {"READ", op_read, F, 16, .payload_out = 4, .channel = 36},
	[SMB2_WRITE] = {"WRITE", op_write, F, 16, .payload_in = 4, .channel = 32},
	[SMB2_LOCK] = {"LOCK", op_lock, F, 8},
	[SMB2_IOCTL] = {"IOCTL", op_ioctl, T, .payload_in = 28, .payload_out = 44},
	[SMB2_ECHO] = {"ECHO", op_echo, 0},
	[SMB2_QUERY_DIRECTORY] = {"QUERY_DIRECTORY", op_query_directory, F, 8, .payload_out = 28},
	[SMB2_CHANGE_NOTIFY] = {"CHANGE_NOTIFY", op_change_notify, F, 8, .payload_out = 4},
	[SMB2_QUERY_INFO] = {"QUERY_INFO", op_query_info, F, 24, .payload_in = 12, .payload_out = 4},
	[SMB2_SET_INFO] = {"SET_INFO", op_set_info, F, 16, .payload_in = 4},
	[SMB2_OPLOCK_BREAK] = {"OPLOCK_BREAK", op_oplock_break, T},
};

const struct op *op_find(uint16_t command)
{
	return command < SMB2_COMMAND_COUNT && ops[command].handle ? &ops[command] : NULL;
}
