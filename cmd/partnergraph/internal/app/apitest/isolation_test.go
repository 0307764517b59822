package apitest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/partnergraph/partnergraph/cmd/partnergraph/internal/app/apitest"
	"github.com/partnergraph/partnergraph/models"
)

// candidate is a value for an argument, and the object that whoever gets an answer with it must see.
type candidate struct {
	value   string
	governs models.ID
}

// argumentRows says what to try for every argument that can name somebody's object: "field.argument" before "argument".
// A new argument of type ID or String needs a row here; the test says so.
func argumentRows(t *testing.T) map[string]func(w *apitest.World) []candidate {
	ids := func(prefixes ...string) func(w *apitest.World) []candidate {
		return func(w *apitest.World) (all []candidate) {
			for _, id := range w.IDs(prefixes...) {
				all = append(all, candidate{string(id), id})
			}
			return all
		}
	}
	partners := func(text func(*apitest.Org) string) func(w *apitest.World) []candidate {
		return func(w *apitest.World) (all []candidate) {
			for _, o := range w.Orgs() {
				all = append(all, candidate{text(o), o.Partner.ID})
			}
			return all
		}
	}
	// What a partner keeps is found by whoever knows the partner's keys: itself, not its distributor.
	partnersOwn := func(text func(*apitest.Org) string) func(w *apitest.World) []candidate {
		return func(w *apitest.World) (all []candidate) {
			for _, o := range w.Orgs() {
				all = append(all, candidate{text(o), o.KeyID})
			}
			return all
		}
	}
	buyers := func(text func(*apitest.Buyer) (string, models.ID)) func(w *apitest.World) []candidate {
		return func(w *apitest.World) (all []candidate) {
			for _, b := range w.Buyers() {
				value, governs := text(b)
				all = append(all, candidate{value, governs})
			}
			return all
		}
	}
	nobodys := func(*apitest.World) []candidate { return nil }
	return map[string]func(w *apitest.World) []candidate{
		"partnerId": ids(models.PrefixPartner), "parentId": ids(models.PrefixPartner), "customerId": ids(models.PrefixCustomer),
		"orderId": ids(models.PrefixOrder), "reportId": ids(models.PrefixCustomerReport),
		"subjectId": func(w *apitest.World) (all []candidate) { // money moved is told of its owner
			for _, id := range w.IDs() {
				if prefix := id.Prefix(); prefix != models.PrefixEntry && prefix != models.PrefixTransfer {
					all = append(all, candidate{string(id), id})
				}
			}
			return all
		},
		"partners.query":             partners(func(o *apitest.Org) string { return o.Partner.Name }),
		"customers.query":            buyers(func(b *apitest.Buyer) (string, models.ID) { return b.Customer.Name, b.Customer.ID }),
		"customers.externalId":       buyers(func(b *apitest.Buyer) (string, models.ID) { return b.Customer.ExternalID, b.Customer.ID }),
		"customers.tag":              partnersOwn((*apitest.Org).Label),
		"customers.accountManagerId": partnersOwn(func(o *apitest.Org) string { return string(o.ManagerID) }),
		"customers.email":            buyers(func(b *apitest.Buyer) (string, models.ID) { return *b.Customer.Email, b.Customer.ID }),
		"customers.phone":            buyers(func(b *apitest.Buyer) (string, models.ID) { return *b.Customer.Phone, b.Customer.ID }),
		"orders.externalId":          buyers(func(b *apitest.Buyer) (string, models.ID) { return b.Waiting.ExternalID, b.Waiting.ID }),
		"orders.number":              buyers(func(b *apitest.Buyer) (string, models.ID) { return b.Waiting.Number, b.Waiting.ID }),
		"resources.externalId": func(w *apitest.World) (all []candidate) {
			for _, id := range w.IDs(models.PrefixResource) {
				all = append(all, candidate{w.ResourceKey(id), id})
			}
			return all
		},
		"resources.ids":             ids(models.PrefixResource),
		"resourceId":                ids(models.PrefixResource),
		"packageId":                 ids(models.PrefixResourcePackage),
		"itemId":                    ids(models.PrefixPackageItem),
		"resourcePackages.region":   nobodys, // these name what is sold, not an object
		"resourcePackages.specCode": nobodys, "resourcePackages.serviceType": nobodys,
		"packageUsageRecords.specCode": nobodys, "packageUsageRecords.resourceType": nobodys,
		"resources.serviceType":       nobodys, // names a service, not an object
		"resources.enterpriseProject": nobodys, // the customers' own words, of whom the world has none
		"jobs.kinds":                  nobodys, // names a kind of job, not an object
		"objectId":                    ids(models.PrefixResource),
		"remittances.signingEntity": func(w *apitest.World) []candidate {
			return []candidate{{"Cloud", w.IDs(models.PrefixRemittance)[0]}}
		},
		"remittances.bankReference": func(w *apitest.World) (all []candidate) {
			for reference, id := range w.References(t) {
				all = append(all, candidate{reference, id})
			}
			return all
		},
		"couponId": ids(models.PrefixCoupon), "quotaId": ids(models.PrefixCouponQuota), "couponQuotas.parentId": ids(models.PrefixCouponQuota),
		"billLines.serviceType": nobodys, "billMonths.serviceType": nobodys, "performanceLines.serviceType": nobodys, // the same
		"resellerId":            ids(models.PrefixPartner),
		"schemeId":              ids(models.PrefixStaffScheme),
		"discounts.serviceType": nobodys,                    // names what is sold, not an object
		"events.type":           nobodys,                    // names a kind of event, not an object
		"events.actorId":        nobodys,                    // TestActorsOfOthersStayUnnamed of sales/events
		"after":                 nobodys, "before": nobodys, // walked by TestCursorsOfOthersShowNothing
	}
}

// eachCaller runs fn for every caller of a world on both engines.
func eachCaller(t *testing.T, fn func(t *testing.T, s *apitest.Server, w *apitest.World, c apitest.Caller)) {
	t.Helper()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		for _, c := range w.Callers() {
			t.Run(c.Name, func(t *testing.T) { fn(t, s, w, c) })
		}
	}, apitest.Wide)
}

// wantRefused checks the answer to a caller whose credential is not valid or lacks the root field's permission, and
// reports whether it is one.
func wantRefused(t *testing.T, c apitest.Caller, f *ast.FieldDefinition, answer apitest.Answer) bool {
	t.Helper()
	permission, guarded := apitest.Permission(f)
	var want string
	switch {
	case c.Void() && c.Key != "", c.Void() && guarded:
		want = "UNAUTHENTICATED"
	case guarded && !slices.Contains(c.Permissions(), permission):
		want = "FORBIDDEN"
	default:
		return false
	}
	if got := answer.Codes(); !cmp.Equal(got, []string{want}) {
		t.Errorf("%s: codes %v, want only %s", f.Name, got, want)
	}
	for _, value := range answer.Data {
		if value != nil {
			t.Errorf("%s: refused, and yet it answers %v", f.Name, value)
		}
	}
	return true
}

func wantNoLeak(t *testing.T, w *apitest.World, c apitest.Caller, what string, answer apitest.Answer) {
	t.Helper()
	if leaks := w.Leaks(c, map[string]any{"data": answer.Data, "errors": fmt.Sprint(answer.Errors)}); len(leaks) > 0 {
		t.Errorf("%s shows what %s may not know: %s", what, c.Name, strings.Join(leaks[:min(len(leaks), 8)], ", "))
	}
}

// TestEveryRootFieldShowsItsOwnOnly walks three objects deep from every root field of the schema.
func TestEveryRootFieldShowsItsOwnOnly(t *testing.T) {
	t.Parallel()
	schema := apitest.Schema()
	eachCaller(t, func(t *testing.T, s *apitest.Server, w *apitest.World, c apitest.Caller) {
		for _, f := range apitest.Fields(schema.Query) {
			target := schema.Types[f.Type.Name()]
			if ofOneOwner(f) {
				continue // TestEveryLedgerShowsItsOwnOnly walks it
			}
			if node := apitest.NodeOf(schema, target); node != nil && ofEverybody(f) {
				walkShared(t, s, w, c, schema, f, node)
				continue
			}
			if node := apitest.NodeOf(schema, target); node != nil {
				walkList(t, s, w, c, schema, f, node)
				continue
			}
			if required := requiredArguments(f); len(required) == 0 {
				for _, selection := range apitest.Selections(t, schema, target) {
					answer := s.Ask(t, c.Key, "{"+f.Name+selection+"}", nil)
					if wantRefused(t, c, f, answer) {
						continue
					}
					wantWhole(t, c, f.Name, answer)
					wantNoLeak(t, w, c, f.Name, answer)
				}
			}
		}
	})
}

// ofOneOwner tells the lists that are one owner's ledger, without an owner the caller's own, from those of everything that the
// caller may see.
func ofOneOwner(f *ast.FieldDefinition) bool {
	return f.Name == "statementEntries" || f.Name == "adjustmentRecords"
}

// ofEverybody tells the lists of the catalogue and of the register of companies: what is sold, and at which list price, and what is known of companies, is
// the same for whoever may read it.
func ofEverybody(f *ast.FieldDefinition) bool {
	return slices.Contains([]string{
		"catalogueVersions", "regions", "serviceTypes", "resourceTypes", "specifications", "usageTypes", "measures", "measureConversions", "prices", "discountPolicies",
		"incentiveVersions", "incentivePolicies", "companies",
	}, f.Name)
}

// walkShared asks for a list that is everybody's: with the permission it is there, and leads to nobody's objects.
func walkShared(t *testing.T, s *apitest.Server, w *apitest.World, c apitest.Caller, schema *ast.Schema, f *ast.FieldDefinition, node *ast.Definition) {
	t.Helper()
	for _, selection := range apitest.Selections(t, schema, node) {
		answer := s.Ask(t, c.Key, "{"+f.Name+"(first: 5){totalCount edges{cursor node{id}} nodes"+selection+"}}", nil)
		if wantRefused(t, c, f, answer) {
			return
		}
		wantWhole(t, c, f.Name, answer)
		wantNoLeak(t, w, c, f.Name, answer)
		if total, _ := answer.At(f.Name, "totalCount").(float64); total == 0 {
			t.Errorf("%s is empty for %s", f.Name, c.Name)
		}
	}
}

func requiredArguments(f *ast.FieldDefinition) (names []string) {
	for _, arg := range f.Arguments {
		if arg.Type.NonNull && arg.DefaultValue == nil {
			names = append(names, arg.Name)
		}
	}
	return names
}

// wantWhole makes sure that a walk was a walk: an error would hide what lies below it.
func wantWhole(t *testing.T, c apitest.Caller, what string, answer apitest.Answer) {
	t.Helper()
	if len(answer.Errors) > 0 {
		t.Errorf("%s as %s: %d errors, the first %+v", what, c.Name, len(answer.Errors), answer.Errors[0])
	}
}

// walkList asks for a whole list, which must be exactly what the caller may see, and for each of its filters.
func walkList(t *testing.T, s *apitest.Server, w *apitest.World, c apitest.Caller, schema *ast.Schema, f *ast.FieldDefinition, node *ast.Definition) {
	t.Helper()
	prefix := apitest.Prefix(t, node)
	for _, selection := range apitest.Selections(t, schema, node) {
		list := "{totalCount edges{cursor node{id}} nodes" + selection + "}"
		answer := s.Ask(t, c.Key, "{"+f.Name+"(first: 40)"+list+"}", nil)
		if wantRefused(t, c, f, answer) {
			return
		}
		wantWhole(t, c, f.Name, answer)
		wantNoLeak(t, w, c, f.Name, answer)
	}
	answer := s.Ask(t, c.Key, "{list: "+f.Name+"(first: 100){totalCount nodes{id}}}", nil)
	want := w.Visible(c, prefix)
	if got := idsOf(answer.At("list", "nodes")); len(want) <= 100 && !cmp.Equal(got, want) {
		t.Errorf("%s: %s", f.Name, cmp.Diff(want, got))
	}
	if got := answer.At("list", "totalCount"); got != float64(len(want)) {
		t.Errorf("%s: totalCount %v, may see %d", f.Name, got, len(want))
	}
	for _, arg := range f.Arguments {
		tryArgument(t, s, w, c, f, arg)
	}
}

// tryArgument filters the list by everybody's objects in turn: a foreign one finds and counts nothing.
func tryArgument(t *testing.T, s *apitest.Server, w *apitest.World, c apitest.Caller, f *ast.FieldDefinition, arg *ast.ArgumentDefinition) {
	t.Helper()
	tries, total := candidates(t, w, f, arg), 0
	for chunk := range slices.Chunk(tries, 150) {
		var document strings.Builder
		for i, tried := range chunk {
			fmt.Fprintf(&document, " a%d: %s(first: 100, %s: %q){totalCount nodes{id}}", i, f.Name, arg.Name, tried.value)
		}
		answer := s.Ask(t, c.Key, "{"+document.String()+"}", nil)
		wantWhole(t, c, f.Name+"."+arg.Name, answer)
		wantNoLeak(t, w, c, f.Name+"."+arg.Name, answer)
		for i, tried := range chunk {
			found, count := idsOf(answer.At(fmt.Sprintf("a%d", i), "nodes")), answer.At(fmt.Sprintf("a%d", i), "totalCount")
			if whole, _ := count.(float64); min(whole, 100) != float64(len(found)) { // a page has no more
				t.Errorf("%s(%s: %s): totalCount %v of %d", f.Name, arg.Name, tried.value, count, len(found))
			}
			if len(found) > 0 && !w.Sees(c, tried.governs) {
				t.Errorf("%s(%s: %s) finds %v", f.Name, arg.Name, tried.value, found)
			}
			total += len(found)
		}
	}
	if c.Operator && total == 0 && len(tries) > 0 {
		t.Errorf("%s(%s) finds nothing at all: the test proves nothing", f.Name, arg.Name)
	}
}

func candidates(t *testing.T, w *apitest.World, f *ast.FieldDefinition, arg *ast.ArgumentDefinition) []candidate {
	t.Helper()
	row, ok := argumentRows(t)[f.Name+"."+arg.Name]
	if !ok {
		row, ok = argumentRows(t)[arg.Name]
	}
	if kind := arg.Type.Name(); !ok && (kind == "ID" || kind == "String") {
		t.Errorf("argumentRows needs a row for %s.%s", f.Name, arg.Name)
	}
	if !ok {
		return nil
	}
	return row(w)
}

// TestEveryLookupFindsItsOwnOnly looks every object of the world up, by the root field of its kind, by node and by nodes.
func TestEveryLookupFindsItsOwnOnly(t *testing.T) {
	t.Parallel()
	schema := apitest.Schema()
	kinds := apitest.NodeKinds(t, schema)
	eachCaller(t, func(t *testing.T, s *apitest.Server, w *apitest.World, c apitest.Caller) {
		for kind, prefix := range kinds {
			if len(w.IDs(prefix)) < 4 {
				t.Fatalf("the world has %d objects of kind %s: make each organisation one", len(w.IDs(prefix)), kind)
			}
		}
		for _, f := range apitest.Fields(schema.Query) {
			required := requiredArguments(f)
			switch {
			case len(required) == 0:
			case f.Name == "unsubscribePreview":
				previewResources(t, s, w, c, f)
			case f.Name == "companyGraph":
				lookUpGraphs(t, s, w, c, f)
			case f.Name == "resourcePackageUsage":
				lookUpItems(t, s, w, c, f)
			case cmp.Equal(required, []string{"ids"}):
				lookUpMany(t, s, w, c, f, kinds)
			case !cmp.Equal(required, []string{"id"}):
				t.Errorf("this test needs a row for %s(%s)", f.Name, strings.Join(required, ", "))
			case schema.Types[f.Type.Name()].IsAbstractType():
				for _, prefix := range kinds {
					lookUp(t, s, w, c, f, prefix)
				}
			default:
				lookUp(t, s, w, c, f, kinds[f.Type.Name()])
			}
		}
	})
}

// codesByAlias are the codes of an answer's errors by the root field that they are below.
func codesByAlias(answer apitest.Answer) map[string]string {
	codes := map[string]string{}
	for _, e := range answer.Errors {
		codes[fmt.Sprint(e.Path[0])] = e.Code()
	}
	return codes
}

// lookUpItems asks for what is left of everybody's items of packages: those of others are left out.
func lookUpItems(t *testing.T, s *apitest.Server, w *apitest.World, c apitest.Caller, f *ast.FieldDefinition) {
	t.Helper()
	seen, hidden := w.PackageItems(c)
	if len(seen)+len(hidden) < 4 {
		t.Fatal("the world has no items of packages")
	}
	answer := s.Ask(t, c.Key, "query Usage($ids: [ID!]!){"+f.Name+"(itemIds: $ids){id remaining}}", map[string]any{"ids": slices.Concat(hidden, seen)})
	if wantRefused(t, c, f, answer) {
		return
	}
	wantWhole(t, c, f.Name, answer)
	slices.Sort(seen)
	if got := idsOf(answer.At(f.Name)); !cmp.Equal(got, seen) && len(got)+len(seen) > 0 {
		t.Errorf("%s as %s: %s", f.Name, c.Name, cmp.Diff(seen, got))
	}
}

func lookUp(t *testing.T, s *apitest.Server, w *apitest.World, c apitest.Caller, f *ast.FieldDefinition, prefix string) {
	t.Helper()
	for ids := range slices.Chunk(w.IDs(prefix), 10) { // an answer holds ten errors
		var document strings.Builder
		for i, id := range ids {
			fmt.Fprintf(&document, " a%d: %s(id: %q){__typename id}", i, f.Name, id)
		}
		answer := s.Ask(t, c.Key, "{"+document.String()+"}", nil)
		if wantRefused(t, c, f, answer) {
			return
		}
		wantNoLeak(t, w, c, f.Name, answer)
		codes := codesByAlias(answer)
		for i, id := range ids {
			alias := fmt.Sprintf("a%d", i)
			want, wantCode := any(string(id)), ""
			if !w.Sees(c, id) {
				want, wantCode = nil, refusalOf(c, prefix)
			}
			if got := answer.At(alias, "id"); got != want || codes[alias] != wantCode {
				t.Errorf("%s(%s): %v with code %q, want %v with code %q", f.Name, id, got, codes[alias], want, wantCode)
			}
		}
	}
}

// refusalOf is how an object is refused that the caller may not see: not told apart from one that does not exist, unless
// the caller may read nothing of its kind at all.
func refusalOf(c apitest.Caller, prefix string) string {
	reads := map[string]models.Permission{
		models.PrefixPartner: models.ReadPartners, models.PrefixCustomer: models.ReadCustomers, models.PrefixOrder: models.ReadOrders,
		models.PrefixOrderRefund: models.ReadOrders,
		models.PrefixResource:    models.ReadResources, models.PrefixIncentiveStatement: models.ReadIncentives,
		models.PrefixServiceProvider:     models.ReadExposure,
		models.PrefixBrandVersion:        models.ReadExposure,
		models.PrefixAccessConfiguration: models.ReadExposure, models.PrefixWithdrawal: models.ReadBalances,
		models.PrefixWebhookEndpoint: models.ReadExposure, models.PrefixWebhookDelivery: models.ReadExposure,
		models.PrefixRecharge: models.ReadBalances, models.PrefixRemittance: models.ReadBalances,
		models.PrefixBindNotification: models.ReadExposure, models.PrefixTestLogin: models.WriteExposure,
		models.PrefixRemittanceClaim: models.ReadBalances, models.PrefixPayerAgreement: models.ReadBalances,
		models.PrefixBillLine: models.ReadBills, models.PrefixResourcePackage: models.ReadResources,
		models.PrefixMonthlySettlement: models.ReadBalances,
		models.PrefixQuote:             models.ReadCatalogue, models.PrefixDiscount: models.ReadCatalogue,
		models.PrefixCustomerReport: models.ReadCustomers, models.PrefixInvitation: models.ReadCustomers,
		models.PrefixAssociationRequest: models.ReadCustomers, models.PrefixAuthorization: models.ReadCustomers, models.PrefixVerification: models.ReadCustomers,
		models.PrefixCooperationRequest: models.ReadPartners, models.PrefixResellerUpgrade: models.ReadPartners,
		models.PrefixJob:         models.ManageJobs,
		models.PrefixCompany:     models.ReadCompanies,
		models.PrefixCouponQuota: models.ReadCoupons, models.PrefixCoupon: models.ReadCoupons,
		models.PrefixCertification: models.ReadIncentives, models.PrefixPayout: models.ReadIncentives, models.PrefixBenefitApplication: models.ReadIncentives,
		models.PrefixStaffScheme: models.ReadIncentives, models.PrefixStaffPayment: models.ReadIncentives, models.PrefixIncentiveTransfer: models.ReadIncentives,
	}
	switch {
	case c.Void():
		return "UNAUTHENTICATED"
	case reads[prefix] != "" && !slices.Contains(c.Permissions(), reads[prefix]):
		return "FORBIDDEN"
	}
	return "NOT_FOUND"
}

func lookUpMany(t *testing.T, s *apitest.Server, w *apitest.World, c apitest.Caller, f *ast.FieldDefinition, kinds map[string]string) {
	t.Helper()
	var ids []models.ID
	for _, prefix := range kinds {
		ids = append(ids, w.IDs(prefix)...)
	}
	for chunk := range slices.Chunk(ids, 100) {
		answer := s.Ask(t, c.Key, "query($ids: [ID!]!){"+f.Name+"(ids: $ids){id}}", map[string]any{"ids": chunk})
		if wantRefused(t, c, f, answer) {
			return
		}
		for i, id := range chunk {
			want := any(nil)
			if w.Sees(c, id) {
				want = string(id)
			}
			if got := answer.At(f.Name, i, "id"); got != want {
				t.Errorf("%s: %v at %d, want %v", f.Name, got, i, want)
			}
		}
	}
}

// TestEveryNodeLeadsToItsOwnOnly walks three objects deep from every object that the caller may see: a reseller's
// distributor, a customer's partner and an advisory customer are seen, but not what they have.
func TestEveryNodeLeadsToItsOwnOnly(t *testing.T) {
	t.Parallel()
	schema := apitest.Schema()
	kinds := apitest.NodeKinds(t, schema)
	eachCaller(t, func(t *testing.T, s *apitest.Server, w *apitest.World, c apitest.Caller) {
		for kind, prefix := range kinds {
			seen := w.Visible(c, prefix)
			if c.Operator {
				seen = seen[:1] // nothing is hidden from it
			}
			for _, selection := range apitest.Selections(t, schema, schema.Types[kind]) {
				for _, id := range seen {
					answer := s.Ask(t, c.Key, "query($id: ID!){node(id: $id){... on "+kind+selection+"}}", map[string]any{"id": id})
					wantWhole(t, c, string(id), answer)
					wantNoLeak(t, w, c, "node "+string(id), answer)
				}
			}
		}
	})
}

// TestPartnersOfAdvisoryCustomersSeeThemWithoutMoneyOrOrders says in words what the generated walks prove in general.
func TestPartnersOfAdvisoryCustomersSeeThemWithoutMoneyOrOrders(t *testing.T) {
	t.Parallel()
	const query = `query($id: ID!){customer(id: $id){name balance{available{amount}} orders{totalCount nodes{id}} resources{totalCount nodes{id}}}}`
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		for _, b := range []*apitest.Buyer{w.Providers[0].Advisory, w.Resellers[0].Advisory, w.Distributors[0].Advisory} {
			keys := []string{b.Owner.Key}
			if b.Owner.Parent != nil {
				keys = append(keys, b.Owner.Parent.Key)
			}
			for _, key := range keys {
				answer := s.Ask(t, key, query, map[string]any{"id": b.Customer.ID})
				empty := map[string]any{"totalCount": 0.0, "nodes": []any{}}
				want := map[string]any{"customer": map[string]any{
					"name": b.Customer.Name, "balance": nil, "orders": empty, "resources": empty,
				}}
				if diff := cmp.Diff(want, answer.Data); diff != "" || len(answer.Errors) > 0 {
					t.Errorf("%s: %v %s", b.Tag, answer.Errors, diff)
				}
			}
			own := s.Ask(t, b.Key, query, map[string]any{"id": b.Customer.ID})
			if own.At("customer", "orders", "totalCount") != 3.0 || own.At("customer", "balance") == nil {
				t.Errorf("%s does not see its own: %s", b.Tag, own.Body)
			}
		}
	})
}

// TestEventsConcernThoseWhoReadThem: a partner or customer that an event names may also see what it happened to.
func TestEventsConcernThoseWhoReadThem(t *testing.T) {
	t.Parallel()
	eachCaller(t, func(t *testing.T, _ *apitest.Server, w *apitest.World, c apitest.Caller) {
		if seen := w.Visible(c, models.PrefixEvent); !c.Void() && len(seen) == 0 {
			t.Error("sees no events: the test proves nothing")
		}
		for _, id := range w.Visible(c, models.PrefixEvent) {
			event := w.Event(id)
			subject := models.ID(event.SubjectID)
			if w.Known(subject) && !w.Sees(c, subject) {
				t.Errorf("%s about %s", event.Type, subject)
			}
		}
	})
}

// TestCursorsOfOthersShowNothing takes up a list at the position of somebody else's row.
func TestCursorsOfOthersShowNothing(t *testing.T) {
	t.Parallel()
	apitest.EachWorld(t, func(t *testing.T, s *apitest.Server, w *apitest.World) {
		me := apitest.Caller{Name: "provider0", Key: w.Providers[0].Key, Org: w.Providers[0]}
		for _, list := range []string{"orders", "customers", "partners", "resources", "incentiveStatements", "events", "apiKeys", "withdrawals", "recharges", "remittanceClaims", "payerAgreements", "coupons", "couponQuotas", "couponQuotaRecords", "couponRecords", "couponUses", "customerReports", "invitations", "associationRequests", "authorizations", "verifications", "billLines", "billMonths", "performanceLines", "commercialCertifications", "payoutRequests", "benefitApplications", "brandVersions", "staffSchemes", "staffMonths", "staffPayments", "incentiveTransfers", "resourcePackages", "packageUsageRecords"} {
			theirs := s.Ask(t, w.Providers[1].Key, "{"+list+"(first: 1){pageInfo{endCursor}}}", nil).At(list, "pageInfo", "endCursor")
			if theirs == nil {
				t.Fatalf("no cursor of %s", list)
			}
			for _, arg := range []string{"after", "before"} {
				answer := s.Ask(t, me.Key, "query($c: String){"+list+"("+arg+": $c){totalCount nodes{id}}}", map[string]any{"c": theirs})
				wantWhole(t, me, list, answer)
				wantNoLeak(t, w, me, list+"."+arg, answer)
			}
		}
	})
}

// idsOf returns the ids of a list of nodes, sorted.
func idsOf(nodes any) []models.ID {
	ids := []models.ID{}
	list, _ := nodes.([]any)
	for _, node := range list {
		object, _ := node.(map[string]any)
		id, _ := object["id"].(string)
		ids = append(ids, models.ID(id))
	}
	slices.Sort(ids)
	return ids
}
