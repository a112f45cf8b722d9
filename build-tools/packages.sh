# shellcheck shell=bash
# need_packages WORD...: installs the Debian packages that packaging/debian-packages lists under these words and that
# are missing. $top is the top folder.

: "${top:?}"

missing_packages() {
	local word name
	while read -r word name; do
		case " $* " in
		*" $word "*) ;;
		*) continue ;;
		esac
		dpkg-query -W -f='${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed || echo "$name"
	done < <(grep -v '^#' "$top/packaging/debian-packages") | sort -u
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

need_packages() {
	local missing
	if ! command -v dpkg-query >/dev/null; then
		echo "this is no Debian system: see packaging/debian-packages for what is needed" >&2
		return 0
	fi
	mapfile -t missing < <(missing_packages "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
		echo "Debian packages are missing, and only root can install them (there is no sudo). As root:" >&2
		echo "    apt-get update && apt-get install --no-install-recommends ${missing[*]}" >&2
		return 1
	fi
	echo "installing Debian packages: ${missing[*]}"
	if ! compgen -G '/var/lib/apt/lists/*Packages*' >/dev/null; then
		as_root apt-get -qq update || return 1
	fi
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" \
		</dev/null >/dev/null && return 0
	# The lists may name versions that are gone.
	as_root apt-get -qq update &&
		as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" \
			</dev/null >/dev/null
}
