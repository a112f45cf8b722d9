# shellcheck shell=bash
# Functions for scripts that run in the guest: results, one a line, and the closing line; a server.

# shellcheck source=tests/stages/lib.sh
. "${TOP:?}/tests/stages/lib.sh"
export vm_user=games vm_password=vm-Passw0rd
vm_folder=${TMPDIR:?}/server
patience=300 # seconds: a condition that has not come true by then never will, however slow the machine is
share=/mnt/pmem/data mount_point=$TMPDIR/mount tree=$TMPDIR/tree

# A case is a function: it holds when its status is 0, else what it said is shown.
try() { # NAME FUNCTION ARGUMENT...
	local name=$1 log=$TMPDIR/try.log begin=$SECONDS
	shift
	echo "$name" >/mnt/orders/doing/case
	if "$@" >"$log" 2>&1; then
		ok "$name ($((SECONDS - begin)) s)"
	else
		fail "$name"
		tail -30 "$log" | sed 's/^/    /'
	fi
}

until_true() { # COMMAND...
	local end=$((SECONDS + patience))
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

# A server with the share "data" on persistent memory, on all addresses.
start_server() {
	mkdir -p "$vm_folder"/{private,state,pid} "$share"
	chown "$vm_user:" "$share"
	chmod 700 "$vm_folder/private"
	{
		printf '[global]\n'
		printf '%s = %s\n' 'private dir' "$vm_folder/private" 'state directory' "$vm_folder/state" 'cache directory' \
			"$vm_folder/state" 'lock directory' "$vm_folder/state" 'pid directory' "$vm_folder/pid" 'log file' \
			"$vm_folder/log" 'log level' 3 reactors "${REACTORS:-2}"
		printf '[data]\npath = %s\nread only = no\n' "$share"
	} >"$vm_folder/smb.conf"
	daxsmbctl -s "$vm_folder/smb.conf" user list | grep -q "$vm_user" ||
		echo "$vm_password" | daxsmbctl -s "$vm_folder/smb.conf" user add "$vm_user" --stdin || return 1
	daxsmbd -F -s "$vm_folder/smb.conf" &
	export server=$!
	until_true daxsmbctl -s "$vm_folder/smb.conf" status >/dev/null 2>&1
}

stop_server() {
	kill "$server" && wait "$server"
}

# 1,000 files of all sizes up to 16 KiB, some of them larger, in folders; names with spaces and beyond ASCII.
make_tree() { # FOLDER
	/usr/bin/python3 - "$1" <<-'END'
	import os, random, sys
	random.seed(1)
	noise = random.randbytes(1 << 20)
	for i in range(1000):
	    folder = os.path.join(sys.argv[1], f'folder {i % 7}', f'Ünter {i % 3}')
	    os.makedirs(folder, exist_ok=True)
	    size = random.choice((0, 1, random.randrange(4096), random.randrange(16384)))
	    if i % 100 == 99:
	        size = random.randrange(1 << 20)
	    start = random.randrange(len(noise) - size)
	    with open(os.path.join(folder, f'file {i} ß.dat'), 'wb') as f:
	        f.write(noise[start:start + size])
	END
}

cifs_mount() { # ADDRESS OPTIONS
	mount -t cifs -o "user=$vm_user,pass=$vm_password,$2" "//$1/data" "$mount_point"
}

# Written through the page cache, and read back from the server; then past the page cache.
fio_verifies() {
	local fio=(fio --directory="$mount_point" --verify=crc32c --verify_fatal=1 --size=6M --minimal --output=/dev/null)
	"${fio[@]}" --name=buffered --rw=randwrite --bsrange=1k-300k --do_verify=0 --end_fsync=1 &&
		echo 3 >/proc/sys/vm/drop_caches &&
		"${fio[@]}" --name=buffered --rw=randwrite --bsrange=1k-300k --verify_only &&
		"${fio[@]}" --name=direct --direct=1 --rw=randwrite --bs=64k
}

# The mount's own memory of the files is gone before they are compared.
tree_arrives() { # ADDRESS OPTIONS
	cp -r "$tree" "$mount_point/tree" && umount "$mount_point" && cifs_mount "$1" "$2" &&
		diff -r "$tree" "$mount_point/tree"
}

# siw on an interface that has an address: not lo, where the kernel's RDMA resolves none.
siw_address=192.168.77.1
siw_start() {
	ip link add dmy0 type dummy && ip addr add $siw_address/24 dev dmy0 && ip link set dmy0 up &&
		modprobe -a siw rdma_ucm ib_uverbs && rdma link add siw0 type siw netdev dmy0 &&
		until_true test -e /dev/infiniband/rdma_cm
}

# Nobody connects to it by trying: some servers take one connection only.
until_listening() { # PORT
	until_true eval "ss -Hltn | grep -q ':$1 '"
}

# Those who write and flush, over TCP and SMB Direct, and those who write and commit through grants, all at once; they end when
# the server is gone. $writers are their process ids.
start_writers() { # flush|through NAME LOG-PREFIX
	local how name
	writers=()
	for how in "$1 tcp" "$1 tcp" "$1 smbdirect" "commit tcp" "fsctl smbdirect"; do
		name=$2-${#writers[@]}-${how/ /-}
		# shellcheck disable=SC2086
		"$BUILD/vm/flush_writer" write $how 127.0.0.1 data "$vm_user" "$vm_password" "$name" "$3.$name" &
		writers+=($!)
	done
}

logs_hold() { # LOG...
	local log status=0
	for log in "$@"; do "$BUILD/vm/flush_writer" check "$share" "$log" || status=1; done
	return $status
}

# All have had so much acknowledged.
writers_are_busy() { # COUNT LOG-PREFIX
	local log count=0
	for log in "$2"-*; do
		[ -f "$log" ] && [ "$(wc -l <"$log")" -ge "$1" ] && count=$((count + 1))
	done
	[ $count = ${#writers[@]} ]
}
