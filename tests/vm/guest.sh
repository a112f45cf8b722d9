# shellcheck shell=bash
# Functions for scripts that run in the guest: results, one a line, and the closing line; a server.

# shellcheck source=tests/stages/lib.sh
. "${TOP:?}/tests/stages/lib.sh"
export vm_user=games vm_password=vm-Passw0rd
vm_folder=${TMPDIR:?}/server

# A case is a function: it holds when its status is 0, else what it said is shown.
try() { # NAME FUNCTION ARGUMENT...
	local name=$1 log=$TMPDIR/try.log begin=$SECONDS
	shift
	if "$@" >"$log" 2>&1; then
		ok "$name ($((SECONDS - begin)) s)"
	else
		fail "$name"
		tail -30 "$log" | sed 's/^/    /'
	fi
}

# As often as it takes, at most SECONDS.
until_true() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

# A server with the share "data" in FOLDER, on all addresses; further lines of smb.conf come from standard input, those
# before the first [section] are global.
start_server() { # FOLDER
	mkdir -p "$vm_folder"/{private,state,pid} "$1"
	chown "$vm_user:" "$1"
	{
		printf '[global]\n'
		printf '%s = %s\n' 'private dir' "$vm_folder/private" 'state directory' "$vm_folder/state" 'cache directory' \
			"$vm_folder/state" 'lock directory' "$vm_folder/state" 'pid directory' "$vm_folder/pid" 'log file' \
			"$vm_folder/log" 'log level' 3 ${REACTORS:+reactors "$REACTORS"}
		cat
		printf '[data]\npath = %s\nread only = no\n' "$1"
	} >"$vm_folder/smb.conf"
	echo "$vm_password" | daxsmbctl -s "$vm_folder/smb.conf" user add "$vm_user" --stdin || return 1
	daxsmbd -F -s "$vm_folder/smb.conf" &
	export server=$!
	until_true 30 daxsmbctl -s "$vm_folder/smb.conf" status >/dev/null 2>&1
}
