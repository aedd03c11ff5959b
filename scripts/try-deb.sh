#!/bin/sh
# Installs a Debian package of passerelle on this machine, looks at what it brought, and
# purges it. Needs root, and a machine that has no passerelle.
#
#   scripts/try-deb.sh PACKAGE
set -eu

package=$1
[ "$(id -u)" -eq 0 ] || { echo "run as root" >&2; exit 1; }
if [ -e /etc/passerelle ] || getent passwd passerelle >/dev/null; then
	echo "there is a passerelle on this machine" >&2
	exit 1
fi
trap 'dpkg --purge passerelle >/dev/null 2>&1' EXIT
trap 'exit 1' HUP INT TERM

fail() { echo "$*" >&2; exit 1; }
expect() { [ "$2" = "$3" ] || fail "$1 is $2 and not $3"; }

dpkg --install "$package"
passerelle version
expect "the configuration" "$(stat --format '%U %G %a' /etc/passerelle/config.yaml)" "root passerelle 640"
expect "the data" "$(stat --format '%U %G %a' /var/lib/passerelle)" "passerelle passerelle 700"
man --where passerelle >/dev/null || fail "there is no man page"
systemd-analyze verify --man=no /lib/systemd/system/passerelle.service
systemd-analyze security --offline=true --threshold=15 passerelle.service | tail -n 1

# The service's user can read it, and is told what is missing in it.
if told=$(runuser -u passerelle -- passerelle check --config /etc/passerelle/config.yaml 2>&1); then
	fail "an empty configuration is no fault"
fi
case $told in
*hostname*secret*) ;;
*) fail "the check says: $told" ;;
esac

echo "# changed" >>/etc/passerelle/config.yaml
dpkg --install "$package" >/dev/null
grep --quiet "^# changed" /etc/passerelle/config.yaml || fail "a new version overwrote the configuration"
expect "the configuration" "$(stat --format '%U %G %a' /etc/passerelle/config.yaml)" "root passerelle 640"

dpkg --remove passerelle >/dev/null
[ -d /var/lib/passerelle ] && [ -e /etc/passerelle/config.yaml ] || fail "a removal took what only a purge may take"
dpkg --purge passerelle >/dev/null
for left in /etc/passerelle /var/lib/passerelle /usr/bin/passerelle; do
	[ ! -e "$left" ] || fail "$left is left behind"
done
! getent passwd passerelle >/dev/null || fail "the user is left behind"
echo "the package was installed, tried and purged"
