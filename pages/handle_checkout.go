package pages

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strconv"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/orders"
)

func (s *Site) showCheckout(w http.ResponseWriter, r *http.Request) {
	who, ok := s.signedIn(w, r)
	if !ok {
		return
	}
	page, err := s.checkoutPage(r, who)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	s.Views.Render(w, r, http.StatusOK, Checkout, page)
}

// checkout pays and leads back to the partner's platform, or to the console when the platform wants nobody back. Pressing the
// button twice posts the same key, so the second answer is the first one's.
func (s *Site) checkout(w http.ResponseWriter, r *http.Request) {
	who, ok := s.signedIn(w, r)
	if !ok {
		return
	}
	if !s.Views.CheckForm(r) {
		s.ShowError(w, r, http.StatusForbidden, "FORM_EXPIRED")
		return
	}
	if r.PostFormValue(FieldAskPartner) != "" {
		s.askPartner(w, r, who)
		return
	}
	result, err := s.Orders.Pay(r.Context(), who, orders.PayOrder{
		OrderID: models.ID(r.PathValue("orderId")), IdempotencyKey: r.PostFormValue(FieldIdempotencyKey),
	})
	switch code := models.CodeOf(err); {
	case err == nil && result.ReturnURL != nil:
		http.Redirect(w, r, *result.ReturnURL, http.StatusSeeOther)
	case err == nil:
		http.Redirect(w, r, "/checkout/"+string(result.Order.ID), http.StatusSeeOther)
	case code == models.CodePreconditionFailed || code == models.CodeInsufficientBalance:
		s.refusedCheckout(w, r, who, err)
	default:
		s.Fail(w, r, err)
	}
}

// askPartner asks the customer's partner to pay (O05), and shows the order again.
func (s *Site) askPartner(w http.ResponseWriter, r *http.Request, who models.Principal) {
	id := models.ID(r.PathValue("orderId"))
	if _, err := s.Orders.AskPartner(r.Context(), who, orders.RequestPartnerPayment{OrderID: id}); err != nil {
		if models.CodeOf(err) == models.CodePreconditionFailed {
			s.refusedCheckout(w, r, who, err)
			return
		}
		s.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/checkout/"+string(id), http.StatusSeeOther)
}

// refusedCheckout shows the order as it is, which says why it was not paid; what the page has no state for gets the error page.
func (s *Site) refusedCheckout(w http.ResponseWriter, r *http.Request, who models.Principal, refusal error) {
	page, err := s.checkoutPage(r, who)
	if err != nil || page.State == CheckoutPayable {
		s.Fail(w, r, errors.Join(refusal, err))
		return
	}
	s.Views.Render(w, r, http.StatusConflict, Checkout, page)
}

// checkoutPage shows an order to the customer that it belongs to.
func (s *Site) checkoutPage(r *http.Request, who models.Principal) (CheckoutPage, error) {
	ctx := r.Context()
	id, err := models.ParseID(r.PathValue("orderId"))
	if err != nil || id.Require(models.PrefixOrder, "orderId") != nil {
		return CheckoutPage{}, models.NotFound("order")
	}
	if who.CustomerID == "" {
		return CheckoutPage{}, models.Forbidden("Only a customer pays its orders here.")
	}
	found, err := s.Orders.ByIDs(ctx, who, []models.ID{id})
	if err != nil {
		return CheckoutPage{}, err
	}
	order, ok := found[id]
	if !ok {
		return CheckoutPage{}, models.NotFound("order")
	}
	items, err := s.Orders.ItemsFor(ctx, who, []models.ID{id})
	if err != nil {
		return CheckoutPage{}, err
	}
	customer, balance, partner, err := s.customerOf(ctx, who)
	if err != nil {
		return CheckoutPage{}, err
	}
	// What is set aside for this very order can pay it.
	holds, err := s.Orders.HoldsByIDs(ctx, who, []models.ID{order.HoldID})
	if err != nil {
		return CheckoutPage{}, err
	}
	balance.Available.Minor += holds[order.HoldID].PendingMinor()
	page := CheckoutPage{
		Common: s.common(r), Action: "/checkout/" + string(id), OrderNumber: order.Number, Total: order.Total().String(),
		Balance: balance.Available.String(), PayBy: shownOptional(order.PayBy), CustomerName: customer.Name, IdempotencyKey: rand.Text(),
		PlatformName: partner.Name, ConsoleURL: "/console",
	}
	for _, item := range items[id] {
		page.Items = append(page.Items, CheckoutItem{
			Name: item.ResourceType, Spec: item.SpecCode, Quantity: strconv.Itoa(item.Quantity), Amount: item.Amount().String(),
		})
	}
	s.judge(&page, order, balance)
	if page.Payable() || page.BalanceTooLow() {
		page.PartnerAsked = order.PartnerAskedAt != nil
		page.AskPartner = !page.PartnerAsked && order.PayableByPartnerOf(customer)
	}
	err = s.addWays(ctx, &page, partner.ID, order)
	return page, err
}

// judge says what can be done with the order now.
func (s *Site) judge(page *CheckoutPage, order models.Order, balance models.Balance) {
	var refused *models.Error
	if err := order.Payable(s.Now()); errors.As(err, &refused) {
		switch refused.Reason() {
		case "ORDER_ALREADY_PAID":
			page.State = CheckoutPaid
		case "ORDER_CANCELLED":
			page.State = CheckoutCancelled
		case "ORDER_PAYMENT_DEADLINE_PASSED":
			page.State = CheckoutExpired
		default:
			page.State = CheckoutInReview
		}
		return
	}
	page.State = CheckoutPayable
	if short := order.TotalMinor - balance.Available.Minor; short > 0 {
		page.State, page.Missing = CheckoutBalanceTooLow, models.NewMoney(short, order.Currency).String()
	}
}

// addWays adds the ways to the partner's platform: back when the order is paid, to recharge when the money is short (A04).
func (s *Site) addWays(ctx context.Context, page *CheckoutPage, partner models.ID, order models.Order) error {
	if partner == "" {
		return nil
	}
	platform, found, err := s.Exposure.ForPartner(ctx, partner)
	if err != nil || !found {
		return err
	}
	if page.State == CheckoutBalanceTooLow {
		page.RechargeURL = platform.OrderRechargeURL
	}
	if platform.OrderPaidURL != "" {
		page.RedirectTo = append(page.RedirectTo, platform.OrderPaidURL)
	}
	if page.State == CheckoutPaid {
		back, err := s.Exposure.SignReturn(ctx, partner, order.ID, string(order.Status))
		if err != nil || back == nil {
			return err
		}
		page.ReturnURL = *back
	}
	return nil
}
