#!/bin/bash
# Starts Prosody, after the first start has made the secret that it shares with passerelle
# and a certificate for its domain.
set -euo pipefail

secret=/run/component-secret/secret
if [ ! -s "$secret" ]; then
	head -c 32 /dev/urandom | base64 --wrap=0 >"$secret"
	# passerelle reads it as another user; nobody else has this volume.
	chmod 644 "$secret"
fi
COMPONENT_SECRET=$(cat "$secret")
export COMPONENT_SECRET

certificate=/var/lib/prosody/${XMPP_DOMAIN:?}
if [ ! -s "$certificate.crt" ]; then
	openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=$XMPP_DOMAIN" \
		-addext "subjectAltName=DNS:$XMPP_DOMAIN" \
		-keyout "$certificate.key" -out "$certificate.crt" 2>/dev/null
fi
exec prosody -F
