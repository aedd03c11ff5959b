-- Prosody beside passerelle. The names and the secret come from the environment, see
-- compose.yaml and start.sh.
pidfile = "/run/prosody/prosody.pid"
data_path = "/var/lib/prosody"
log = { info = "*console" }

modules_enabled = {
	"roster", "saslauth", "tls", "dialback", "disco", "ping", "version", "time", "uptime",
	"carbons", "mam", "pep", "private", "blocklist", "vcard4", "vcard_legacy", "smacks",
	"csi_simple", "bookmarks",
}

authentication = "internal_hashed"
storage = "internal"
c2s_require_encryption = true
-- Other containers reach the component's port; it is not published.
component_interfaces = { "*" }
http_ports = {}
https_ports = {}

VirtualHost (ENV_XMPP_DOMAIN)
	ssl = {
		certificate = "/var/lib/prosody/" .. ENV_XMPP_DOMAIN .. ".crt",
		key = "/var/lib/prosody/" .. ENV_XMPP_DOMAIN .. ".key",
	}

Component (ENV_GATEWAY_HOSTNAME)
	component_secret = ENV_COMPONENT_SECRET
