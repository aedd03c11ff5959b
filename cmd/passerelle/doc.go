// Passerelle is an IRC gateway for XMPP: a component (XEP-0114) beside any XMPP
// server, through which its users join IRC channels as group chats.
//
// Usage:
//
//	passerelle run [--config FILE]      serve until SIGTERM or SIGINT
//	passerelle check [--config FILE]    say whether it would work, and if not, why
//	passerelle health [--config FILE]   ask a running gateway whether it is well
//	passerelle version
//	passerelle import-biboumi --config biboumi.cfg
//	    [--db DATABASE] [--output FILE] [--dry-run]   take over from biboumi
//
// The configuration is one YAML file; config.yaml.example explains every key.
// The environment variable PASSERELLE_SECTION_KEY overrides section.key, and
// PASSERELLE_CONFIG names the file. This package only reads flags and
// configuration, wires the others together, and takes over from biboumi. It refuses a configuration with
// unknown keys, and names all faults at once.
package main
