#!/bin/sh
# Installs the named Debian packages that are missing, and does nothing when none is.
# Works as root and, for anybody else, through sudo. Services that the packages bring
# are not started: their ports stay free and no process is left behind.
set -eu

missing=
for package in "$@"; do
	state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
	as_root=
elif command -v sudo >/dev/null 2>&1; then
	as_root=sudo
else
	echo "these packages are missing:$missing" >&2
	echo "run as root, or install sudo" >&2
	exit 1
fi

echo "installing:$missing"

# invoke-rc.d asks this program before it starts a service; 101 means no.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap '$as_root rm -f "$policy"' EXIT
	trap 'exit 1' HUP INT TERM
	printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
	$as_root chmod 755 "$policy"
fi

log=$(mktemp)
if ! { $as_root apt-get update --quiet &&
	$as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install --yes --quiet --no-install-recommends $missing; } >"$log" 2>&1; then
	cat "$log" >&2
	rm -f "$log"
	echo "installing$missing did not work" >&2
	exit 1
fi
rm -f "$log"
