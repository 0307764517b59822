// Package sp is the service provider's HTTP face towards partner platforms: the login link, our metadata and the assertion consumer, one
// set of addresses per platform, so that audience, recipient and destination themselves keep platforms apart.
//
// Owns: the three handlers, the signed AuthnRequest, the browser-binding cookie, our metadata, the attribute contract (domain 2.4).
//
// Does not own: rows (Requests, Replays, Connections), the allow-list (Services), people and sessions (People), the look of error
// pages (Pages). They come in through the small interfaces of this package, which other rooms implement.
//
// Neighbours: verify judges the answer, saml names the reasons, cmd wires it. A Handler keeps no state of its own and any number of
// replicas may serve the same login.
package sp
