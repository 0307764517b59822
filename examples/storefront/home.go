package storefront

import (
	"embed"
	"html/template"
	"net/http"

	"github.com/partnergraph/partnergraph/examples/storefront/client"
	"github.com/partnergraph/partnergraph/examples/storefront/webhook"
)

//go:embed home.html
var templates embed.FS

var homeTemplate = template.Must(template.ParseFS(templates, "home.html"))

// view is what the one page of this storefront shows.
type view struct {
	Problem    string
	PaidOrder  string
	PaidStatus string

	Account   string
	Then      string // where a sign-in goes on to
	LoginLink string
	Public    string
	Overview  *client.OverviewViewerPartner
	Customer  *client.CustomerOverviewCustomer
	Told      []webhook.Message
}

func (s *Storefront) home(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, http.StatusOK, view{})
}

// signInPage asks who somebody is when partnergraph's request arrives before they signed in; it then goes on with the same request.
func (s *Storefront) signInPage(w http.ResponseWriter, r *http.Request) {
	then := ""
	if r.Method == http.MethodGet {
		then = r.URL.RequestURI()
	}
	s.show(w, r, http.StatusOK, view{Then: then})
}

// show fills the page with what GraphQL tells of the partner and of the signed-in customer.
func (s *Storefront) show(w http.ResponseWriter, r *http.Request, status int, v view) {
	v.Account, v.Public, v.Told = s.account(r), s.cfg.PublicOrigin, s.latest()
	s.mu.Lock()
	customerID := s.bound[v.Account]
	s.mu.Unlock()
	v.LoginLink = s.loginLink(customerID == "")
	ten := 10
	overview, err := client.Overview(r.Context(), s.api, &ten)
	if err != nil {
		v.Problem = "partnergraph did not answer: " + err.Error()
	} else {
		v.Overview = overview.Viewer.Partner
	}
	if customerID != "" {
		found, err := client.CustomerOverview(r.Context(), s.api, customerID, &ten)
		if err != nil {
			v.Problem = "partnergraph did not answer: " + err.Error()
		} else {
			v.Customer = found.Customer
		}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_ = homeTemplate.Execute(w, v)
}
