/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_VFS_CASES_H
#define TESTS_VFS_CASES_H

/* What every file backend does. A test program defines what vfs_rig.h asks for and runs VFS_CASES. */

#include "vfs_cases_attributes.h"
#include "vfs_cases_data.h"
#include "vfs_cases_directory.h"
#include "vfs_cases_names.h"
#include "vfs_cases_rename.h"
#include "vfs_cases_share.h"

#define VFS_CASES \
	VFS_NAMES_CASES, VFS_DATA_CASES, VFS_ATTRIBUTES_CASES, VFS_DIRECTORY_CASES, VFS_RENAME_CASES, \
		VFS_SHARE_CASES

#endif
