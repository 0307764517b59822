package pages

import (
	"errors"
	"net/http"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
)

// registerInvitation mounts the page of an invitation.
func (s *Site) registerInvitation(mux *http.ServeMux, wrap func(http.Handler) http.Handler) {
	mux.Handle("GET "+customers.InvitationPath+"{token}", wrap(bounded(http.HandlerFunc(s.showInvitation))))
	mux.Handle("POST "+customers.InvitationPath+"{token}", wrap(bounded(http.HandlerFunc(s.decideInvitation))))
}

// showInvitation shows the offer to whoever is signed in, or why there is none.
func (s *Site) showInvitation(w http.ResponseWriter, r *http.Request) {
	who, ok := s.signedIn(w, r)
	if !ok {
		return
	}
	token := r.PathValue("token")
	offer, err := s.Customers.Offer(r.Context(), who, &token)
	if err != nil {
		s.refuseInvitation(w, r, InvitationPage{}, err)
		return
	}
	page, err := s.offerPage(r, who, *offer)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	page.Action = r.URL.Path
	s.Views.Render(w, r, http.StatusOK, Invitation, page)
}

// decideInvitation accepts or refuses.
func (s *Site) decideInvitation(w http.ResponseWriter, r *http.Request) {
	who, ok := s.signedIn(w, r)
	if !ok {
		return
	}
	if !s.Views.CheckForm(r) {
		s.ShowError(w, r, http.StatusForbidden, "FORM_EXPIRED")
		return
	}
	token, decision := r.PathValue("token"), r.PostFormValue(FieldDecision)
	offer, err := s.Customers.Offer(r.Context(), who, &token)
	if err != nil {
		s.refuseInvitation(w, r, InvitationPage{}, err)
		return
	}
	page, err := s.offerPage(r, who, *offer)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	switch decision {
	case DecisionAccept:
		_, err = s.Customers.Accept(r.Context(), who, customers.AcceptInvitation{Token: token})
	case DecisionRefuse:
		_, err = s.Customers.Refuse(r.Context(), who, customers.RefuseInvitation{Token: token})
	default:
		err = models.Invalid(FieldDecision, "The decision is accept or refuse.")
	}
	if err != nil {
		s.refuseInvitation(w, r, page, err)
		return
	}
	s.Wake()
	page.Done = decision
	s.Views.Render(w, r, http.StatusOK, Invitation, page)
}

func (s *Site) offerPage(r *http.Request, who models.Principal, offer models.InvitationOffer) (InvitationPage, error) {
	found, err := s.Customers.ByIDs(r.Context(), who, []models.ID{who.CustomerID})
	common := s.common(r)
	common.Brand = s.partnerBrand(r, offer.PartnerID)
	return InvitationPage{
		Common: common, PartnerName: offer.PartnerName, Mode: string(offer.Mode), ExpiresAt: shownTime(offer.ExpiresAt),
		CustomerName: found[who.CustomerID].Name,
	}, err
}

// refuseInvitation says on the page what stands in the way, where the page has words for it.
func (s *Site) refuseInvitation(w http.ResponseWriter, r *http.Request, page InvitationPage, err error) {
	var ours *models.Error
	switch {
	case !errors.As(err, &ours):
		s.Fail(w, r, err)
		return
	case ours.Code == models.CodePreconditionFailed:
		page.Problem = ours.Reason()
	case errors.Is(err, customers.ErrInvitationUnknown):
		page.Problem = "INVITATION_UNKNOWN"
	case errors.Is(err, customers.ErrCustomerAccepts):
		page.Problem = "NOT_A_CUSTOMER"
	default:
		s.Fail(w, r, err)
		return
	}
	if page.PartnerName == "" {
		page.Common = s.common(r)
	}
	s.Views.Render(w, r, statusOf(ours.Code), Invitation, page)
}
