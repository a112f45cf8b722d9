# shellcheck shell=bash
# Fetches Debian's kernel and what modules are built from into TOP/.vm/linux: boot/, lib/modules/, usr/src/, and in
# release the kernel's release. It is kept until somebody removes it, so that image, headers and source fit each other.

# shellcheck source=build-tools/packages.sh
. "${top:?}/build-tools/packages.sh"
vm_cache=$top/.vm
vm_linux=$vm_cache/linux

# apt-get says much that concerns nobody unless it fails.
vm_download() { # PACKAGE...
	apt-get -q download "$@" >apt.log 2>&1 || { cat apt.log; return 1; }
}

vm_fetch() { # FOLDER
	local image headers release deb
	cd "$1" || return 1
	image=$(apt-cache depends linux-image-amd64 | sed -nE 's/^ *Depends: (linux-image-[0-9].*-amd64)$/\1/p')
	[ -n "$image" ] || { echo "apt-cache knows no linux-image-amd64: apt-get update may help"; return 1; }
	release=${image#linux-image-}
	headers=linux-headers-$release
	vm_download "$image" "$headers" "${headers%-amd64}-common" linux-kbuild-6.1 linux-source-6.1 || return 1
	for deb in *.deb; do
		dpkg-deb -x "$deb" . && rm "$deb" || return 1
	done
	# depmod and modprobe want the modules beneath lib/, the headers' Makefile wants its other half.
	sed -i "s|/usr/src/|$vm_linux/usr/src/|" "usr/src/$headers/Makefile"
	depmod -b . "$release" && echo "$release" >release
}

# The lists that apt-get has may name versions that are gone.
vm_fetch_anew() { # FOLDER
	rm -rf "$1" && mkdir "$1" && (vm_fetch "$1")
}

# Only once at a time; afterwards nothing in it changes but lib/modules/RELEASE/updates.
vm_prepare() {
	mkdir -p "$vm_cache"
	(
		flock 8
		need_packages vm >&2 || exit 1
		[ -f "$vm_linux/release" ] && exit
		rm -rf "$vm_linux"
		vm_fetch_anew "$vm_cache/new" >&2 ||
			{ as_root apt-get -qq update && vm_fetch_anew "$vm_cache/new"; } >&2 || exit 1
		mv "$vm_cache/new" "$vm_linux"
	) 8>"$vm_cache/lock" || return 1
	export vm_release
	vm_release=$(cat "$vm_linux/release")
}
