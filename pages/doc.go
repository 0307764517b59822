// Package pages holds the few server-rendered pages that people see: sign-in,
// create-or-bind at first login, checkout, the way back to a partner's
// platform, a small console, and errors.
//
// It owns their look (templates/, static/) and their words in every language
// (catalogue/). It does not own what they say: a page is a struct of strings
// that are ready to be read, money and dates included, so that templates
// decide nothing. Handlers fill the structs from the rooms.
//
// Every page works without JavaScript, asks no other host for anything and is
// sent with a Content-Security-Policy that allows no more than it needs. What
// strangers wrote (names, an order's items) is escaped by html/template; SAML
// messages are never shown.
package pages
