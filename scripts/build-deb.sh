#!/bin/sh
# Makes a Debian package of bin/passerelle, for the architecture of this machine:
#
#   scripts/build-deb.sh VERSION FOLDER
#
# VERSION is one of git describe. The path of the package is the last line of the output.
# DEBFULLNAME and DEBEMAIL say who made it; without them it is the author of the last commit.
set -eu
cd "$(dirname "$0")/.."

version=$(printf %s "${1#v}" | tr -- - +)
folder=$2
# Without a tag the version is a hash, which says nothing of what is newer.
case $version in
[0-9]*.*) ;;
*) version="0~git$(git log -1 --format=%cd --date=format:%Y%m%d%H%M 2>/dev/null || date +%Y%m%d%H%M).$version" ;;
esac
maintainer=$(git log -1 --format='%an <%ae>' 2>/dev/null || echo 'nobody <nobody@localhost>')
[ -z "${DEBEMAIL:-}" ] || maintainer="${DEBFULLNAME:-$DEBEMAIL} <$DEBEMAIL>"
architecture=$(dpkg --print-architecture)

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$tree"

install -D -m 755 bin/passerelle "$tree/usr/bin/passerelle"
install -D -m 644 contrib/systemd/passerelle.service "$tree/lib/systemd/system/passerelle.service"
install -D -m 640 contrib/debian/config.yaml "$tree/etc/passerelle/config.yaml"
install -d "$tree/usr/share/man/man1" "$tree/usr/share/doc/passerelle" "$tree/DEBIAN"
gzip -9n <contrib/man/passerelle.1 >"$tree/usr/share/man/man1/passerelle.1.gz"
gzip -9n <CHANGELOG.md >"$tree/usr/share/doc/passerelle/CHANGELOG.md.gz"
install -m 644 config.yaml.example docs/admin.md docs/user.md "$tree/usr/share/doc/passerelle"
install -m 644 LICENSE "$tree/usr/share/doc/passerelle/copyright"
install -m 755 contrib/debian/postinst contrib/debian/prerm contrib/debian/postrm "$tree/DEBIAN"
chmod 644 "$tree"/usr/share/man/man1/* "$tree"/usr/share/doc/passerelle/*
for example in grafana/passerelle.json prometheus/passerelle.rules.yaml; do
	install -D -m 644 "contrib/$example" "$tree/usr/share/doc/passerelle/examples/$example"
done
echo /etc/passerelle/config.yaml >"$tree/DEBIAN/conffiles"
cat >"$tree/DEBIAN/control" <<CONTROL
Package: passerelle
Version: $version
Architecture: $architecture
Maintainer: $maintainer
Installed-Size: $(du --summarize --block-size=1024 "$tree" | cut -f 1)
Depends: adduser, ca-certificates
Recommends: prosody | ejabberd
Section: net
Priority: optional
Description: IRC gateway for XMPP
 passerelle is a component of an XMPP server (XEP-0114) that lets the users of
 XMPP into the channels of IRC, and write to people there. It takes the place of
 a biboumi, whose settings and archive it can take over.
CONTROL

mkdir -p "$folder"
package="$folder/passerelle_${version}_$architecture.deb"
dpkg-deb --root-owner-group --build "$tree" "$package" >/dev/null
echo "$package"
