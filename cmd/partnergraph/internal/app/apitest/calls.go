package apitest

import (
	"bytes"
	"image"
	"image/png"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/customers"
	"github.com/partnergraph/partnergraph/sales/files"
	"github.com/partnergraph/partnergraph/sales/identity"
	"github.com/partnergraph/partnergraph/sales/verification"
)

// Call is one call of a mutation that takes effect.
type Call struct {
	Key   string // the credential
	Input map[string]any
}

// Calls has for every mutation of the schema how it is called with success, each on objects that no other call changes; the test
// of the audit record says when one is missing. Site is where a service provider's metadata can be fetched.
func Calls(site string) map[string]func(t *testing.T, s *Server, w *World) Call {
	all := map[string]func(t *testing.T, s *Server, w *World) Call{}
	for name, row := range MoneyMutations() {
		all[name] = func(t *testing.T, _ *Server, w *World) Call {
			made := row.Prepare(t, w, 1)
			input := maps.Clone(made.Input(0))
			input["idempotencyKey"] = "audit " + name
			return Call{made.Key, input}
		}
	}
	maps.Copy(all, relationCalls())
	maps.Copy(all, managementCalls())
	maps.Copy(all, codeCalls())
	maps.Copy(all, verificationCalls())
	maps.Copy(all, exposureCalls(site))
	maps.Copy(all, identityCalls())
	maps.Copy(all, webhookCalls())
	maps.Copy(all, moneyCalls())
	maps.Copy(all, catalogueCalls())
	maps.Copy(all, companyCalls())
	maps.Copy(all, orderCalls())
	maps.Copy(all, resourceCalls())
	maps.Copy(all, billCalls())
	maps.Copy(all, couponCalls())
	maps.Copy(all, payoutCalls())
	maps.Copy(all, benefitCalls())
	maps.Copy(all, brandCalls())
	maps.Copy(all, staffCalls())
	maps.Copy(all, transferCalls())
	maps.Copy(all, cooperationCalls())
	return all
}

// calls is a call for each of these with what it needs.
type calls = map[string]func(t *testing.T, s *Server, w *World) Call

// single is a resale customer of the first provider with an address, and nothing that keeps it from anything.
func (w *World) single(t *testing.T, mode models.AssociationMode) *Buyer {
	t.Helper()
	return w.newcomer(t, w.Providers[0], mode)
}

// Newcomer makes a customer that belongs to no partner.
func (w *World) Newcomer(t *testing.T) *Buyer {
	t.Helper()
	return w.newcomer(t, nil, "")
}

// newcomer makes a customer of a partner's, or of nobody's, with an address and a key.
func (w *World) newcomer(t *testing.T, owner *Org, mode models.AssociationMode) *Buyer {
	t.Helper()
	b := &Buyer{Tag: w.tag(), Owner: owner}
	cmd := customers.CreateCustomer{Name: b.Tag, Cloud: w.Cloud, Currency: models.CNY, Email: b.Tag + "@example.com", Mode: mode}
	if owner != nil {
		cmd.PartnerID = owner.Partner.ID
	}
	var err error
	b.Customer, err = w.Customers.Create(t.Context(), w.who, cmd)
	must(t, err)
	key := w.key(t.Context(), t, identity.CreateKey{Name: b.Tag, CustomerID: &b.Customer.ID})
	b.Key, b.KeyID = key.Secret, key.APIKey.ID
	return b
}

var sixDigits = regexp.MustCompile("[0-9]{6}")

// Code asks for a one-time code and returns it from the letter that goes out.
func (s *Server) Code(t *testing.T, ask func() error) string {
	t.Helper()
	must(t, ask())
	must(t, s.App.Rooms.DeliverOutbox(t.Context()))
	sent := s.Mails.Sent()
	return sixDigits.FindString(sent[len(sent)-1].Subject)
}

// codeOf is a code that a customer has asked for with its key.
func (w *World) codeOf(t *testing.T, s *Server, b *Buyer, purpose models.CodePurpose) string {
	t.Helper()
	return s.Code(t, func() error {
		_, err := w.Codes.Send(t.Context(), w.as(b), identity.SendVerificationCode{Purpose: purpose})
		return err
	})
}

func relationCalls() calls {
	report := func(t *testing.T, w *World) models.ID {
		t.Helper()
		tag := w.tag()
		made, err := w.Customers.Report(t.Context(), selfOf(w.Providers[0]), customers.ReportCustomer{Company: tag, Email: tag + "@example.com"})
		must(t, err)
		return made.Report.ID
	}
	link := func(t *testing.T, w *World) (models.ID, string) { // for one
		t.Helper()
		from := report(t, w)
		made, err := w.Customers.Invite(t.Context(), selfOf(w.Providers[0]), customers.CreateInvitation{ReportID: &from, Channel: models.InviteByLink, Mode: models.Resale})
		must(t, err)
		return made.Invitation.ID, (*made.Link)[strings.LastIndexByte(*made.Link, '/')+1:]
	}
	leaving := func(t *testing.T, w *World) (*Buyer, models.ID) {
		t.Helper()
		b := w.single(t, models.Resale)
		asked, err := w.Customers.RequestDisassociation(t.Context(), w.as(b), customers.RequestDisassociation{Reason: "audit"})
		must(t, err)
		return b, asked.Request.ID
	}
	authorization := func(t *testing.T, w *World) (*Buyer, models.ID) {
		t.Helper()
		b := w.single(t, models.Resale)
		asked, err := w.Customers.RequestAuthorization(t.Context(), selfOf(b.Owner), customers.RequestAuthorization{
			CustomerID: b.Customer.ID, Scope: models.AuthorizedToOrder, Reason: "audit", ValidUntil: w.Now().AddDate(0, 6, 0),
		})
		must(t, err)
		return b, asked.Authorization.ID
	}
	return calls{
		"reportCustomer": func(t *testing.T, _ *Server, w *World) Call {
			t.Helper()
			company := w.Company(t, "Sample Qinghe Data Co., Ltd.")
			return Call{w.Providers[0].Key, map[string]any{"companyId": company, "email": w.tag() + "@example.com"}}
		},
		"withdrawReport": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.Providers[0].Key, map[string]any{"reportId": report(t, w)}}
		},
		"createInvitation": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.Providers[0].Key, map[string]any{"reportId": report(t, w), "channel": "EMAIL", "mode": "RESALE"}}
		},
		"resendInvitation": func(t *testing.T, s *Server, w *World) Call {
			id := report(t, w)
			made, err := w.Customers.Invite(t.Context(), selfOf(w.Providers[0]), customers.CreateInvitation{ReportID: &id, Channel: models.InviteByEmail, Mode: models.Resale})
			must(t, err)
			must(t, w.DeliverOutbox(t.Context()))
			s.Clock.Advance(customers.ResendInterval)
			return Call{w.Providers[0].Key, map[string]any{"invitationId": made.Invitation.ID}}
		},
		"revokeInvitation": func(t *testing.T, _ *Server, w *World) Call {
			id, _ := link(t, w)
			return Call{w.Providers[0].Key, map[string]any{"invitationId": id}}
		},
		"acceptInvitation": func(t *testing.T, _ *Server, w *World) Call {
			_, token := link(t, w)
			return Call{w.Newcomer(t).Key, map[string]any{"token": token}}
		},
		"refuseInvitation": func(t *testing.T, _ *Server, w *World) Call {
			_, token := link(t, w)
			return Call{w.Newcomer(t).Key, map[string]any{"token": token}}
		},
		"requestModeSwitch": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.Providers[0].Key, map[string]any{"customerId": w.single(t, models.Resale).Customer.ID, "mode": "ADVISORY", "reason": "audit"}}
		},
		"requestDisassociation": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.single(t, models.Resale).Key, map[string]any{"reason": "audit"}}
		},
		"rejectAssociationRequest": func(t *testing.T, _ *Server, w *World) Call {
			b, id := leaving(t, w)
			return Call{b.Owner.Key, map[string]any{"requestId": id, "reason": "audit"}}
		},
		"cancelAssociationRequest": func(t *testing.T, _ *Server, w *World) Call {
			b, id := leaving(t, w)
			return Call{b.Key, map[string]any{"requestId": id}}
		},
		"requestAuthorization": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.Providers[0].Key, map[string]any{
				"customerId": w.single(t, models.Resale).Customer.ID, "scope": "OPERATE", "reason": "audit", "validUntil": "2027-03-01T00:00:00Z",
			}}
		},
		"grantAuthorization": func(t *testing.T, s *Server, w *World) Call {
			b, id := authorization(t, w)
			return Call{b.Key, map[string]any{"authorizationId": id, "code": w.codeOf(t, s, b, models.CodeGrantAuthorization)}}
		},
		"refuseAuthorization": func(t *testing.T, _ *Server, w *World) Call {
			b, id := authorization(t, w)
			return Call{b.Key, map[string]any{"authorizationId": id, "reason": "audit"}}
		},
		"revokeAuthorization": func(t *testing.T, s *Server, w *World) Call {
			b, id := authorization(t, w)
			return Call{b.Key, map[string]any{"authorizationId": id, "reason": "audit", "code": w.codeOf(t, s, b, models.CodeRevokeAuthorization)}}
		},
		"restrictCustomer": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.OperatorKey, map[string]any{"customerId": w.single(t, models.Resale).Customer.ID, "kind": "SUPPORT_PLAN", "note": "audit"}}
		},
		"liftCustomerRestriction": func(t *testing.T, _ *Server, w *World) Call {
			known, err := w.Customers.Restrict(t.Context(), w.who, customers.RestrictCustomer{
				CustomerID: w.single(t, models.Resale).Customer.ID, Kind: models.RestrictSubsidy, Note: "audit",
			})
			must(t, err)
			return Call{w.OperatorKey, map[string]any{"restrictionId": known.Restriction.ID}}
		},
	}
}

func managementCalls() calls {
	of := func(more map[string]any, prepare func(t *testing.T, w *World, b *Buyer)) func(t *testing.T, s *Server, w *World) Call {
		return func(t *testing.T, _ *Server, w *World) Call {
			b := w.single(t, models.Resale)
			if prepare != nil {
				prepare(t, w, b)
			}
			input := map[string]any{"customerId": b.Customer.ID}
			maps.Copy(input, more)
			return Call{b.Owner.Key, input}
		}
	}
	return calls{
		"checkIdentity": func(_ *testing.T, _ *Server, w *World) Call {
			return Call{w.Providers[0].Key, map[string]any{"by": "NAME", "value": "somebody-new"}}
		},
		"updateCustomer":     of(map[string]any{"email": "changed@example.com", "externalId": "changed"}, nil),
		"changeCustomerTags": of(map[string]any{"add": []string{"audited"}}, nil),
		"setNewCustomerTag": func(t *testing.T, _ *Server, w *World) Call {
			b := w.single(t, models.Resale)
			_, err := w.DB.NewUpdate().Table("customers").Set("verified_status = ?", models.Verified).Where("id = ?", b.Customer.ID).Exec(t.Context())
			must(t, err)
			return Call{w.OperatorKey, map[string]any{"customerId": b.Customer.ID, "value": "YES", "from": "2026-11", "until": "2027-01"}}
		},
		"freezeCustomer": of(map[string]any{"scope": "ACCOUNT_AND_RESOURCES", "reason": "audit"}, nil),
		"unfreezeCustomer": of(map[string]any{"reason": "audit"}, func(t *testing.T, w *World, b *Buyer) {
			_, err := w.Customers.Freeze(t.Context(), selfOf(b.Owner), customers.FreezeCustomer{CustomerID: b.Customer.ID, Scope: models.FrozenAccount, Reason: "audit"})
			must(t, err)
		}),
		"assignAccountManager": func(t *testing.T, _ *Server, w *World) Call {
			b := w.single(t, models.Resale)
			return Call{b.Owner.Key, map[string]any{"customerId": b.Customer.ID, "userId": b.Owner.ManagerID}}
		},
		"removeAccountManager": of(nil, func(t *testing.T, w *World, b *Buyer) {
			_, err := w.Customers.AssignManager(t.Context(), w.who, customers.AssignAccountManager{CustomerID: b.Customer.ID, UserID: b.Owner.ManagerID})
			must(t, err)
		}),
		"setCustomerContacts": of(map[string]any{"contacts": []map[string]any{{"name": "Contact"}}}, nil),
		"setCustomerBudget":   of(map[string]any{"kind": "MONTHLY", "amount": "5.00"}, nil),
		"removeCustomerBudget": of(nil, func(t *testing.T, w *World, b *Buyer) {
			_, err := w.Customers.SetBudget(t.Context(), w.who, customers.SetCustomerBudget{CustomerID: b.Customer.ID, Kind: models.MonthlyBudget, Amount: amountOf(500)})
			must(t, err)
		}),
	}
}

func codeCalls() calls {
	return calls{
		"sendVerificationCode": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.single(t, models.Resale).Key, map[string]any{"purpose": "RELATION_CHANGE"}}
		},
		"setStepUp": func(t *testing.T, s *Server, w *World) Call {
			b := w.single(t, models.Resale)
			return Call{b.Key, map[string]any{"actions": []string{"RELATIONS"}, "code": w.codeOf(t, s, b, models.CodeStepUp)}}
		},
		"sendRealNameCode": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.Providers[0].Key, map[string]any{"customerId": w.single(t, models.Resale).Customer.ID}}
		},
	}
}

// Upload brings a file for a purpose.
func (w *World) Upload(t *testing.T, who models.Principal, purpose models.UploadPurpose, name, kind string, content []byte) models.ID {
	t.Helper()
	made, err := w.Files.Create(t.Context(), who, files.CreateUpload{Purpose: purpose, FileName: name, ContentType: kind, Size: int64(len(content))})
	must(t, err)
	_, token, _ := strings.Cut(made.URL, files.UploadPath)
	_, err = w.Files.Receive(t.Context(), who, token, -1, "", bytes.NewReader(content))
	must(t, err)
	return made.UploadID
}

// Pictures brings so many pictures for the partner, each of its own size.
func (w *World) Pictures(t *testing.T, o *Org, n int) (ids []models.ID) {
	t.Helper()
	for i := range n {
		var b bytes.Buffer
		must(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, 10+i, 10))))
		ids = append(ids, w.Upload(t, selfOf(o), models.UploadAttachment, "x.png", "image/png", b.Bytes()))
	}
	return ids
}

func verificationCalls() calls {
	attached := func(t *testing.T, w *World, n int) (all []map[string]any) {
		t.Helper()
		for _, id := range w.Pictures(t, w.Providers[0], n) {
			all = append(all, map[string]any{"uploadId": id})
		}
		return all
	}
	enterprise := func(t *testing.T, w *World, b *Buyer) Call {
		t.Helper()
		return Call{b.Owner.Key, map[string]any{
			"customerId": b.Customer.ID, "certificateType": "BUSINESS_LICENCE", "name": "Audited Limited", "number": "91310000", "attachments": attached(t, w, 3),
		}}
	}
	waiting := func(t *testing.T, w *World) models.ID {
		t.Helper()
		b := w.single(t, models.Resale)
		var all []verification.Attachment
		for _, id := range w.Pictures(t, b.Owner, 3) {
			all = append(all, verification.Attachment{UploadID: &id})
		}
		made, err := w.Verify.SubmitEnterprise(t.Context(), selfOf(b.Owner), verification.SubmitEnterprise{
			CustomerID: b.Customer.ID, CertificateType: models.CertificateLicence, Name: "Audited Limited", Number: "91310000", Attachments: all,
		})
		must(t, err)
		return made.Verification.ID
	}
	return calls{
		"createUpload": func(_ *testing.T, _ *Server, w *World) Call {
			return Call{w.Providers[0].Key, map[string]any{"purpose": "VERIFICATION_ATTACHMENT", "fileName": "a.jpg", "contentType": "image/jpeg", "size": 10}}
		},
		"submitIndividualVerification": func(t *testing.T, s *Server, w *World) Call {
			b := w.single(t, models.Resale)
			return Call{b.Owner.Key, map[string]any{
				"customerId": b.Customer.ID, "identifyType": "BANK_CARD", "name": "Li Lei", "number": "310101199001011234", "bankCard": "6222021234567890",
				"phone": "0086-13800000000", "code": w.codeOf(t, s, b, models.CodeRealName), "attachments": attached(t, w, 1),
			}}
		},
		"submitEnterpriseVerification": func(t *testing.T, _ *Server, w *World) Call { return enterprise(t, w, w.single(t, models.Resale)) },
		"changeToEnterprise": func(t *testing.T, _ *Server, w *World) Call {
			b := w.single(t, models.Resale)
			_, err := w.DB.NewUpdate().Table("customers").Set("verified_status = ?", models.Verified).Set("kind = ?", models.Individual).
				Where("id = ?", b.Customer.ID).Exec(t.Context())
			must(t, err)
			return enterprise(t, w, b)
		},
		"reviewVerification": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.OperatorKey, map[string]any{"verificationId": waiting(t, w), "passed": true}}
		},
		"downloadVerificationAttachment": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.OperatorKey, map[string]any{"verificationId": waiting(t, w), "position": 0}}
		},
	}
}
