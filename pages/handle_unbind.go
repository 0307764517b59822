package pages

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/federation"
	"github.com/partnergraph/partnergraph/session"
)

// unbindPage finds the visitor's own binding and what to call it.
func (s *Site) unbindPage(r *http.Request, id string) (UnbindPage, error) {
	who := session.Who(r.Context())
	own, err := s.Federation.OwnIdentities(r.Context(), who)
	if err != nil {
		return UnbindPage{}, err
	}
	i := slices.IndexFunc(own, func(f models.FederatedIdentity) bool { return string(f.ID) == id })
	if i < 0 || who.CustomerID == "" {
		return UnbindPage{}, models.NotFound("federated identity")
	}
	customer, _, partner, err := s.customerOf(r.Context(), who)
	return UnbindPage{
		Common: s.common(r), Action: "/unbind", IdentityID: id, PlatformName: platformName(partner, own[i].PlatformID), CustomerName: customer.Name,
	}, err
}

// platformName is what people know a platform by: its owner's name.
func platformName(partner models.Partner, platformID string) string {
	if partner.Name != "" {
		return partner.Name
	}
	return platformID
}

func (s *Site) showUnbind(w http.ResponseWriter, r *http.Request) {
	if _, ok := s.signedIn(w, r); !ok {
		return
	}
	page, err := s.unbindPage(r, r.URL.Query().Get(FieldIdentity))
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	s.Views.Render(w, r, http.StatusOK, Unbind, page)
}

// unbind ends one of the visitor's own bindings and lets the browser tell the platform. A session that came from there is over by
// then, so the page that tells is the answer itself.
func (s *Site) unbind(w http.ResponseWriter, r *http.Request) {
	who, ok := s.signedIn(w, r)
	if !ok {
		return
	}
	id := r.PostFormValue(FieldIdentity)
	if !s.Views.CheckForm(r) {
		http.Redirect(w, r, "/unbind?"+url.Values{FieldIdentity: {id}}.Encode(), http.StatusSeeOther)
		return
	}
	page, err := s.unbindPage(r, id)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	done, err := s.Federation.Unbind(r.Context(), who, federation.UnbindIdentity{IdentityID: models.ID(id)})
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	s.Wake()
	if done.Delivery.URL == nil {
		http.Redirect(w, r, "/console", http.StatusSeeOther)
		return
	}
	s.Views.Render(w, r, http.StatusOK, BindNotification, BindNotificationPage{
		Target: *done.Delivery.URL, Fields: fieldsOf(done.Delivery.Form), PlatformName: page.PlatformName, Next: "/console", Unbind: true,
	})
}

func fieldsOf(form federation.Form) []Field {
	return []Field{{Name: "bindRequest", Value: form.BindRequest}, {Name: "SigAlg", Value: form.SigAlg}, {Name: "Signature", Value: form.Signature}}
}

// ShowTest shows what a test login found to the person who made it.
func (s *Site) ShowTest(w http.ResponseWriter, r *http.Request, report models.TestReport) {
	page := TestLoginPage{
		Accepted: report.Accepted, NameID: report.NameID, ResponseSigned: report.ResponseSignatureMethod, AssertionSigned: report.AssertionSignatureMethod,
		Encrypted: report.EncryptionMethod,
	}
	for _, c := range report.Checks {
		page.Checks = append(page.Checks, ShownCheck{Name: c.Name, Verdict: string(c.Verdict), Reason: orEmpty(c.Reason), Detail: orEmpty(c.Detail)})
	}
	for _, a := range report.Attributes {
		page.Attributes = append(page.Attributes, ShownAttribute{Name: a.Name, Values: a.Values, Fills: orEmpty(a.Fills)})
	}
	s.Views.Render(w, r, http.StatusOK, TestLogin, page)
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
