package pages

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"
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
	switch {
	case r.PostFormValue(FieldAskPartner) != "":
		s.askPartner(w, r, who)
	case r.PostFormValue(FieldCancel) != "":
		s.cancelOrder(w, r, who)
	case r.PostFormValue(FieldChooseCoupons) != "":
		s.backToCheckout(w, r, who, nil)
	case r.PostFormValue(FieldDiscount) != "":
		s.chooseDiscount(w, r, who)
	default:
		s.pay(w, r, who)
	}
}

// pay pays as the visitor saw it, with the coupons and the money that the page showed: when the order's total is another by now, or coupons pay
// something else, the page is shown again instead.
func (s *Site) pay(w http.ResponseWriter, r *http.Request, who models.Principal) {
	page, err := s.checkoutPage(r, who)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	if page.Payable() && (r.PostFormValue(FieldTotal) != page.Total || r.PostFormValue(FieldMoney) != page.Money) {
		page.Problem = "PRICE_CHANGED"
		s.Views.Render(w, r, http.StatusConflict, Checkout, page)
		return
	}
	result, err := s.Orders.Pay(r.Context(), who, orders.PayOrder{
		OrderID: models.ID(r.PathValue("orderId")), IdempotencyKey: r.PostFormValue(FieldIdempotencyKey), CouponIDs: couponsOf(r),
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
	_, err := s.Orders.AskPartner(r.Context(), who, orders.RequestPartnerPayment{OrderID: models.ID(r.PathValue("orderId"))})
	s.backToCheckout(w, r, who, err)
}

// cancelOrder cancels the order (O06), and shows it again.
func (s *Site) cancelOrder(w http.ResponseWriter, r *http.Request, who models.Principal) {
	if who.CustomerID == "" {
		s.Fail(w, r, models.Forbidden("Only a customer cancels its orders here."))
		return
	}
	_, err := s.Orders.Cancel(r.Context(), who, orders.CancelOrder{OrderID: models.ID(r.PathValue("orderId"))})
	s.backToCheckout(w, r, who, err)
}

// chooseDiscount has the order paid at another price (O04), and shows it again.
func (s *Site) chooseDiscount(w http.ResponseWriter, r *http.Request, who models.Principal) {
	cmd := orders.ChooseOrderDiscount{OrderID: models.ID(r.PathValue("orderId"))}
	if chosen := r.PostFormValue(FieldDiscount); chosen != ListPrice {
		discount := models.ID(chosen)
		cmd.DiscountID = &discount
	}
	_, err := s.Orders.ChooseDiscount(r.Context(), who, cmd)
	s.backToCheckout(w, r, who, err)
}

// couponsOf are the coupons that a request names, in its address or its form, each once and in their order. They are chosen as long as the page carries
// them: nothing is kept until the payment.
func couponsOf(r *http.Request) []models.ID {
	named := r.URL.Query()[FieldCoupon]
	if r.Method == http.MethodPost {
		named = r.PostForm[FieldCoupon]
	}
	var ids []models.ID
	for _, id := range named {
		if id != "" && !slices.Contains(ids, models.ID(id)) {
			ids = append(ids, models.ID(id))
		}
	}
	return ids
}

// checkoutAddress is the address of an order's page with the coupons that a request names.
func checkoutAddress(r *http.Request) string {
	address := url.URL{Path: "/checkout/" + r.PathValue("orderId")}
	query := url.Values{}
	for _, id := range couponsOf(r) {
		query.Add(FieldCoupon, string(id))
	}
	address.RawQuery = query.Encode()
	return address.String()
}

// backToCheckout shows the order again after something was done with it, or says why not.
func (s *Site) backToCheckout(w http.ResponseWriter, r *http.Request, who models.Principal, err error) {
	switch models.CodeOf(err) {
	case "":
		http.Redirect(w, r, checkoutAddress(r), http.StatusSeeOther)
	case models.CodePreconditionFailed:
		s.refusedCheckout(w, r, who, err)
	default:
		s.Fail(w, r, err)
	}
}

// recharge leads to where the platform adds money, signed like the way back after a payment (A04): the address on the page is ours, because a
// signature is good for minutes only.
func (s *Site) recharge(w http.ResponseWriter, r *http.Request) {
	who, ok := s.signedIn(w, r)
	if !ok {
		return
	}
	order, err := s.orderOf(r, who)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	_, _, partner, err := s.customerOf(r.Context(), who)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	var to *string
	if partner.ID != "" {
		to, err = s.Exposure.SignRecharge(r.Context(), partner.ID, order.ID, string(order.Status))
	}
	if err == nil && to == nil {
		err = models.NotFound("recharge address")
	}
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, *to, http.StatusSeeOther)
}

// refusedCheckout shows the order as it is, which says why nothing was done; what the page has no words for gets the error page.
func (s *Site) refusedCheckout(w http.ResponseWriter, r *http.Request, who models.Principal, refusal error) {
	page, err := s.checkoutPage(r, who)
	if reason := models.ReasonOf(refusal); err == nil && page.Open() && checkoutProblem(reason) {
		page.Problem = reason
	}
	if err != nil || page.State == CheckoutPayable && page.Problem == "" {
		s.Fail(w, r, errors.Join(refusal, err))
		return
	}
	s.Views.Render(w, r, http.StatusConflict, Checkout, page)
}

// checkoutProblem reports whether the page has words of its own for a refusal.
func checkoutProblem(reason string) bool {
	return slices.Contains([]string{"DISCOUNT_NOT_OFFERED", "ORDER_ALREADY_HELD", "REVIEW_NEEDED"}, reason) || slices.ContainsFunc(couponRefusals(), func(e *models.Error) bool { return e.Reason() == reason })
}

// couponRefusals are those that the page has words for.
func couponRefusals() []*models.Error {
	return []*models.Error{
		models.ErrCouponNotActivated, models.ErrCouponUsed, models.ErrCouponExpired, models.ErrCouponReclaimed, models.ErrCouponLocked, models.ErrCouponCurrency,
		models.ErrCouponOrderAmount, models.ErrCouponWithDiscount, models.ErrCouponDiscount, models.ErrCouponNotCovering, models.ErrCouponNothingLeft,
	}
}

// orderOf is the order of the address, for the customer that it belongs to.
func (s *Site) orderOf(r *http.Request, who models.Principal) (models.Order, error) {
	id, err := models.ParseID(r.PathValue("orderId"))
	if err != nil || id.Require(models.PrefixOrder, "orderId") != nil {
		return models.Order{}, models.NotFound("order")
	}
	if who.CustomerID == "" {
		return models.Order{}, models.Forbidden("Only a customer pays its orders here.")
	}
	found, err := s.Orders.ByIDs(r.Context(), who, []models.ID{id})
	if err != nil {
		return models.Order{}, err
	}
	order, ok := found[id]
	if !ok {
		return models.Order{}, models.NotFound("order")
	}
	return order, nil
}

// checkoutPage shows an order to the customer that it belongs to.
func (s *Site) checkoutPage(r *http.Request, who models.Principal) (CheckoutPage, error) {
	ctx := r.Context()
	order, err := s.orderOf(r, who)
	if err != nil {
		return CheckoutPage{}, err
	}
	id := order.ID
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
	held := holds[order.HoldID].PendingMinor()
	balance.Available.Minor += held
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
	if saving := order.OfficialMinor - order.TotalMinor; saving > 0 {
		page.OfficialTotal, page.Saving = order.OfficialTotal().String(), models.NewMoney(saving, order.Currency).String()
	}
	money, err := s.addCoupons(ctx, who, &page, order, couponsOf(r))
	if err != nil {
		return CheckoutPage{}, err
	}
	onAccount, err := s.onAccount(ctx, who, order, money, held)
	if err != nil {
		return CheckoutPage{}, err
	}
	s.judge(&page, order, money-onAccount, balance)
	if page.Payable() || page.BalanceTooLow() {
		if err := s.addChoices(ctx, who, &page, order); err != nil {
			return CheckoutPage{}, err
		}
		page.Sources, page.Cancellable = sourcesOf(order, money, held, onAccount), true
		page.PartnerAsked = order.PartnerAskedAt != nil
		page.AskPartner = !page.PartnerAsked && order.PayableByPartnerOf(customer)
	}
	err = s.addWays(ctx, &page, partner.ID, order)
	return page, err
}

// addCoupons adds the coupons that the order may be paid with, and returns what the chosen ones leave for money to pay.
func (s *Site) addCoupons(ctx context.Context, who models.Principal, page *CheckoutPage, order models.Order, named []models.ID) (money int64, err error) {
	offers, err := s.Orders.CouponOffers(ctx, who, order, named)
	if err != nil {
		return 0, err
	}
	money = order.TotalMinor
	for _, offer := range offers {
		coupon := CheckoutCoupon{
			ID: string(offer.Coupon.ID), Type: string(offer.Coupon.Type), Balance: offer.Coupon.Balance().String(), Until: shownTime(offer.Coupon.ExpiresAt),
			Memo: offer.Coupon.Memo, Place: offer.Place,
		}
		if offer.Refusal != nil {
			coupon.Why = offer.Refusal.Reason()
		} else {
			coupon.Pays = models.NewMoney(offer.PaysMinor, order.Currency).String()
		}
		if offer.Place > 0 {
			money -= offer.PaysMinor
		}
		page.Coupons = append(page.Coupons, coupon)
	}
	page.Money = models.NewMoney(money, order.Currency).String()
	if paid := order.TotalMinor - money; paid > 0 {
		page.CouponsPay = models.NewMoney(paid, order.Currency).String()
	}
	return money, nil
}

// addChoices adds the prices that the order may be paid at: those of its quote's discounts, and the list price; none when its seller has set one.
func (s *Site) addChoices(ctx context.Context, who models.Principal, page *CheckoutPage, order models.Order) error {
	if order.AdjustmentID != "" {
		return nil
	}
	offers, err := s.Orders.Choices(ctx, who, order)
	if err != nil || len(offers) == 0 {
		return err
	}
	for _, offer := range offers {
		page.Choices = append(page.Choices, CheckoutChoice{
			Value: string(offer.DiscountID), Kind: string(offer.Kind), Chosen: offer.DiscountID == order.DiscountID,
			Amount: offer.Amount.StringFixed(order.Currency.Scale()) + " " + string(order.Currency),
		})
	}
	page.Choices = append(page.Choices, CheckoutChoice{Value: ListPrice, Kind: "NONE", Chosen: order.DiscountID == "", Amount: order.OfficialTotal().String()})
	return nil
}

// onAccount is how much of the money the customer would pay on account (O04): nothing of an order that money is set aside for.
func (s *Site) onAccount(ctx context.Context, who models.Principal, order models.Order, money, held int64) (int64, error) {
	if s.Settlements == nil || held > 0 {
		return 0, nil
	}
	accounts, err := s.Settlements.AccountsFor(ctx, who, []models.ID{order.CustomerID})
	return min(money, accounts[order.CustomerID].Available.Minor), err
}

// sourcesOf says what the total would be paid from: first coupons, which leave so much for money, then what is set aside for the order or what goes on
// account, then the balance.
func sourcesOf(order models.Order, money, held, onAccount int64) []CheckoutSource {
	var sources []CheckoutSource
	if paid := order.TotalMinor - money; paid > 0 {
		sources = append(sources, CheckoutSource{"COUPONS", models.NewMoney(paid, order.Currency).String()})
	}
	held = min(held, money)
	if held > 0 {
		sources = append(sources, CheckoutSource{"HELD", models.NewMoney(held, order.Currency).String()})
	}
	if onAccount > 0 {
		sources = append(sources, CheckoutSource{"ACCOUNT", models.NewMoney(onAccount, order.Currency).String()})
	}
	if rest := money - held - onAccount; rest > 0 {
		sources = append(sources, CheckoutSource{"BALANCE", models.NewMoney(rest, order.Currency).String()})
	}
	return sources
}

// judge says what can be done with the order now, when the balance has to pay so much of it.
func (s *Site) judge(page *CheckoutPage, order models.Order, money int64, balance models.Balance) {
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
	if short := money - balance.Available.Minor; short > 0 {
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
	if page.State == CheckoutBalanceTooLow && platform.OrderRechargeURL != "" {
		page.RechargeURL = "/checkout/" + string(order.ID) + "/recharge"
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
