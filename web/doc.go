// Package web serves GraphiQL, the page on which developers first meet the API.
//
// It owns the page itself (page/), the example queries it opens with
// (examples/) and the embedded copies of GraphiQL and React that `npm run
// build` puts into dist/. assets.json names those files with version and
// digest; it is the one list that the build script, the embedded page and the
// CDN fallback share.
//
// It does not own the GraphQL endpoint, sessions or API keys: the page asks the
// endpoint from the same origin, with the browser's cookies and whatever
// headers the developer types. The program's mux mounts it beside the endpoint;
// folder web/audit has its own package.json and is unrelated to it.
package web
