// Package outbound calls addresses that strangers gave us, such as those of webhooks or of metadata, without being led to
// machines that only this one can reach (server-side request forgery).
//
// What counts is the address that is dialled, checked after the name was resolved and for every connection, so a name that
// leads elsewhere the second time (DNS rebinding) gains nothing. Redirects are judged like first addresses where they are followed at all,
// which is by Fetcher alone; proxies of the environment are not used.
//
// It knows nothing of what is sent or fetched. Neighbours: internal/app hands its client to the rooms that call out.
package outbound
