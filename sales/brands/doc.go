// Package brands lets a partner show its customers its own brand in place of the operator's, or beside it: name, logo, accent colour, support, footer,
// a promotion menu, a choice of cloud services and a notice (A09). Operators review what customers are to see.
//
// It owns the tables brand_versions, of which a partner has at most one that is published and one on its way, and brand_logos, whose pictures this
// server has written itself from what was uploaded. What a version may become next is models.BrandVersion.Move. It does not own uploads (sales/files),
// the origins that a platform may use (sales/exposure) nor what the cloud sells: it asks for them by interfaces.
//
// Whatever has to be decided one after the other for a partner is decided with its row locked; then that of the version.
//
// Neighbours: the pages show what is published, the API's doors the rest.
package brands
