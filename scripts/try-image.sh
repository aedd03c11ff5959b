#!/bin/bash
# Builds both images with buildah and runs them side by side, on a machine without a Docker
# engine. Needs root, for chroot isolation.
#
# The base images are made here, under the names that the Dockerfiles use, from Debian's
# packages and the Go installation of this machine: nothing is pulled. Containers of chroot
# isolation share this machine's network, so ports 5222, 5347 and 8080 must be free.
set -euo pipefail
cd "$(dirname "$0")/.."

[ "$(id -u)" -eq 0 ] || { echo "run as root" >&2; exit 1; }
for port in 5222 5347 8080; do
	if (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
		echo "port $port is in use on this machine" >&2
		exit 1
	fi
done
scripts/install-packages.sh buildah debootstrap

work=$(mktemp -d)
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
buildah() { command buildah --root "$work/storage" --runroot "$work/run" "$@"; }

started=()
finish() {
	for process in "${started[@]}"; do
		kill -TERM -- "-$process" 2>/dev/null || true
	done
	for process in "${started[@]}"; do
		wait "$process" 2>/dev/null || true
		while kill -0 -- "-$process" 2>/dev/null; do sleep 0.1; done
	done
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

step() { printf '\n== %s\n' "$*"; }

step "base images"
debootstrap --variant=minbase --include=ca-certificates bookworm "$work/rootfs" >"$work/debootstrap.log" 2>&1 ||
	{ tail "$work/debootstrap.log" >&2; exit 1; }
# Where this machine gets packages from, and whose certificates it trusts.
cp -r /etc/apt/apt.conf.d /etc/apt/sources.list* "$work/rootfs/etc/apt/"
cp -L /etc/ssl/certs/ca-certificates.crt "$work/rootfs/etc/ssl/certs/ca-certificates.crt"

base=$(buildah from scratch)
buildah copy --quiet "$base" "$work/rootfs" / >/dev/null
buildah commit --quiet "$base" docker.io/library/debian:12-slim >/dev/null
buildah copy --quiet "$base" "$(go env GOROOT)" /usr/local/go >/dev/null
buildah config --env PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	--env GOTOOLCHAIN=local --env GOPATH=/go "$base"
buildah commit --quiet "$base" docker.io/library/golang:1.26 >/dev/null
buildah rm "$base" >/dev/null
rm -rf "$work/rootfs"

step "images"
version=$(git describe --tags --always --dirty 2>/dev/null || echo unknown)
# The modules that this machine has already are not fetched again.
buildah build --quiet --pull=never --format docker --build-arg "VERSION=$version" \
	--volume "$(go env GOMODCACHE):/go/pkg/mod" --tag passerelle . >/dev/null
buildah build --quiet --pull=never --format docker --tag passerelle-prosody deploy/prosody >/dev/null
buildah images

step "run"
mkdir "$work/secret" "$work/prosody-data" "$work/passerelle-data"
chmod 777 "$work/secret" "$work/prosody-data" "$work/passerelle-data"
prosody=$(buildah from --pull=never passerelle-prosody)
passerelle=$(buildah from --pull=never passerelle)
# With chroot isolation buildah puts a volume of its own over one that is given to "run".
buildah config --volume /var/lib/passerelle- "$passerelle"

# A process group for each, so that all of a container ends.
set -m
buildah run --env XMPP_DOMAIN=localhost --env GATEWAY_HOSTNAME=irc.localhost \
	--volume "$work/secret:/run/component-secret" --volume "$work/prosody-data:/var/lib/prosody" \
	"$prosody" -- bash /usr/local/bin/start.sh >"$work/prosody.log" 2>&1 &
started+=($!)
set +m

patience=120
until (: </dev/tcp/127.0.0.1/5347) 2>/dev/null; do
	[ $((patience -= 1)) -gt 0 ] || { cat "$work/prosody.log" >&2; exit 1; }
	sleep 0.5
done

gateway_environment=(
	--env PASSERELLE_COMPONENT_HOSTNAME=irc.localhost
	--env PASSERELLE_COMPONENT_SERVER_DOMAIN=localhost
	--env PASSERELLE_COMPONENT_ADDRESS=tcp://127.0.0.1:5347
	--env PASSERELLE_COMPONENT_SECRET_FILE=/run/component-secret/secret
	--volume "$work/secret:/run/component-secret:ro"
	--volume "$work/passerelle-data:/var/lib/passerelle"
)
buildah run "${gateway_environment[@]}" "$passerelle" -- /usr/bin/passerelle version
set -m
buildah run "${gateway_environment[@]}" "$passerelle" -- /usr/bin/passerelle run >"$work/passerelle.log" 2>&1 &
started+=($!)
set +m

patience=60
until buildah run "${gateway_environment[@]}" "$passerelle" -- /usr/bin/passerelle health 2>"$work/health.log"; do
	[ $((patience -= 1)) -gt 0 ] || { cat "$work/health.log" "$work/passerelle.log" "$work/prosody.log" >&2; exit 1; }
	sleep 0.5
done
user=$(stat --format %u "$work"/passerelle-data/* | sort -u | tr '\n' ' ')
echo "passerelle runs in its container as user $user and says that it is well"
