// Package peers proves the SAML doors against software that nobody here wrote: SimpleSAMLphp in both roles, pysaml2 as identity provider,
// mod_auth_mellon and node-saml as service providers. Every message of ours that goes through the browser meanwhile is held against the
// SAML schemas (xmllint) and its signatures against xmlsec1.
//
// Owns only tests, with the build tag e2e. Does not own any rule. A peer is a process of its own on a free loopback port, with a
// private directory for configuration, keys and state; nothing of the machine's own configuration is read or changed, and it ends with the
// test, however that ends.
package peers
