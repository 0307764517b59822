package apitest

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"maps"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/partnergraph/partnergraph/models"
	"github.com/partnergraph/partnergraph/sales/benefits"
)

// benefits gives the partner a capability with an application for the incentive that it brings, a request to the market development fund of an amount
// of its own, and an opportunity with an order.
func (w *World) benefits(ctx context.Context, t *testing.T, o *Org) {
	t.Helper()
	w.certified(t, o, "DATABASE")
	w.drafted(t, o, "DATABASE")
	w.requested++
	requested := w.fund(t, o, decimal.New(2_000_003+7_919*w.requested*w.requested, -2)) // of its own: taking part in next would move every amount after it
	w.amount(t, *requested.Amount(), string(requested.ID))
	_, err := w.Benefits.JoinPCE(ctx, selfOf(o), benefits.JoinPCE{CommitmentMade: true, AgreementAccepted: true})
	must(t, err)
	shared, err := w.Benefits.RequestOpportunity(ctx, selfOf(o), benefits.RequestOpportunity{PONumber: o.Tag + "-po", OrderIDs: []models.ID{o.Resale.Paid.ID}})
	must(t, err)
	w.text(o.Tag+"-po", shared.BenefitApplication.ID)
}

// certified puts the partner on the service path and grants it a tag.
func (w *World) certified(t *testing.T, o *Org, tag string) models.ID {
	t.Helper()
	ctx := t.Context()
	path, stage := models.PathService, models.StageCertified
	cmd := benefits.SetStanding{PartnerID: o.Partner.ID, Path: &path, Stage: &stage}
	if o.Partner.Kind == models.Distributor {
		cmd.Region = ptr(1)
	}
	_, err := w.Benefits.SetStanding(ctx, w.who, cmd)
	must(t, err)
	applied, err := w.Benefits.ApplyForCapability(ctx, selfOf(o), benefits.ApplyForCapability{TagCode: tag})
	must(t, err)
	id := *applied.PartnerCapability.CapabilityID()
	_, err = w.Benefits.DecideCapability(ctx, w.who, benefits.DecideCapability{CapabilityID: id, Granted: true})
	must(t, err)
	return id
}

func (w *World) drafted(t *testing.T, o *Org, tag string) models.BenefitApplication {
	t.Helper()
	done, err := w.Benefits.DraftUplift(t.Context(), selfOf(o), benefits.DraftUplift{TagCode: tag, Form: models.UpliftTraining})
	must(t, err)
	return done.BenefitApplication
}

// fund asks for money of the market development fund.
func (w *World) fund(t *testing.T, o *Org, amount decimal.Decimal) models.BenefitApplication {
	t.Helper()
	done, err := w.Benefits.RequestMDF(t.Context(), selfOf(o), benefits.RequestMDF{Amount: amount, Purpose: o.Tag + " fair", From: "2026-12-01", Until: "2026-12-02"})
	must(t, err)
	w.text(o.Tag+" fair", done.BenefitApplication.ID)
	return done.BenefitApplication
}

// indexBenefits learns whose benefits there are.
func (w *World) indexBenefits(ctx context.Context, t *testing.T, orgs map[models.ID]*Org) {
	t.Helper()
	var applications []models.BenefitApplication
	var capabilities []models.PartnerCapability
	for _, rows := range []any{&applications, &capabilities} {
		must(t, w.DB.NewSelect().Model(rows).Scan(ctx))
	}
	for _, row := range applications {
		w.owners[row.ID] = holder{org: orgs[row.PartnerID]}
	}
	for _, row := range capabilities {
		w.owners[row.ID] = holder{org: orgs[row.PartnerID]}
	}
}

// benefitCalls are those of benefits.
func benefitCalls() calls {
	type prepared = func(t *testing.T, w *World, o *Org) models.ID
	named := func(id models.ID, more map[string]any) map[string]any {
		input := map[string]any{"applicationId": id}
		maps.Copy(input, more)
		return input
	}
	// by is a call by a new partner, or about it by an operator, on what was prepared.
	by := func(operator bool, prepare prepared, more map[string]any) func(t *testing.T, s *Server, w *World) Call {
		return func(t *testing.T, _ *Server, w *World) Call {
			o := w.rich(t, models.SolutionProvider, nil)
			key := o.Key
			if operator {
				key = w.OperatorKey
			}
			return Call{key, named(prepare(t, w, o), more)}
		}
	}
	then := func(before prepared, step func(t *testing.T, w *World, o *Org, id models.ID) error) prepared {
		return func(t *testing.T, w *World, o *Org) models.ID {
			id := before(t, w, o)
			must(t, step(t, w, o, id))
			return id
		}
	}
	drop := func(_ benefits.Changed, err error) error { return err }
	fund := func(t *testing.T, w *World, o *Org) models.ID { return w.fund(t, o, decimal.NewFromInt(100)).ID }
	withdrawn := then(fund, func(t *testing.T, w *World, o *Org, id models.ID) error {
		return drop(w.Benefits.Withdraw(t.Context(), selfOf(o), benefits.Application{ApplicationID: id}))
	})
	approve := func(t *testing.T, w *World, _ *Org, id models.ID) error {
		return drop(w.Benefits.Review(t.Context(), w.who, benefits.Review{ApplicationID: id, Approve: true, Amount: ptr(decimal.NewFromInt(9))}))
	}
	funded := then(fund, approve)
	proven := then(funded, func(t *testing.T, w *World, o *Org, id models.ID) error {
		return drop(w.Benefits.SubmitProof(t.Context(), selfOf(o), benefits.SubmitProof{ApplicationID: id, UploadIDs: []models.ID{w.proof(t, o)}}))
	})
	draft := func(t *testing.T, w *World, o *Org) models.ID {
		w.certified(t, o, "DATABASE")
		return w.drafted(t, o, "DATABASE").ID
	}
	submitted := then(draft, func(t *testing.T, w *World, o *Org, id models.ID) error {
		return drop(w.Benefits.Submit(t.Context(), selfOf(o), benefits.Application{ApplicationID: id}))
	})
	uplifted := then(then(submitted, func(t *testing.T, w *World, _ *Org, id models.ID) error {
		return drop(w.Benefits.StartReview(t.Context(), w.who, benefits.Application{ApplicationID: id}))
	}), approve)
	invoiced := then(uplifted, func(t *testing.T, w *World, o *Org, id models.ID) error {
		return drop(w.Benefits.SendInvoice(t.Context(), selfOf(o), benefits.SendInvoice{ApplicationID: id, InvoiceNumber: "audit"}))
	})
	shared := func(t *testing.T, w *World, o *Org) models.ID {
		done, err := w.Benefits.RequestOpportunity(t.Context(), selfOf(o), benefits.RequestOpportunity{PONumber: o.Tag, OrderIDs: []models.ID{w.opportunity(t, o)}})
		must(t, err)
		return done.BenefitApplication.ID
	}
	publicised := then(shared, approve)
	awaiting := then(publicised, func(t *testing.T, w *World, _ *Org, id models.ID) error {
		return drop(w.Benefits.EndPublicity(t.Context(), w.who, benefits.Application{ApplicationID: id}))
	})
	use := map[string]any{"amount": "5.00", "purpose": "audit", "from": "2026-12-01", "until": "2026-12-02"}
	return calls{
		"setCapabilityTag": func(_ *testing.T, _ *Server, w *World) Call {
			return Call{w.OperatorKey, map[string]any{"code": "AUDITED", "name": "Audited", "level": 2, "scope": "GLOBAL", "active": true}}
		},
		"setBenefitStanding": func(t *testing.T, _ *Server, w *World) Call {
			o := w.rich(t, models.Distributor, nil)
			return Call{w.OperatorKey, map[string]any{"partnerId": o.Partner.ID, "path": "DISTRIBUTION", "stage": "ROLE_SELECTED", "region": 3}}
		},
		"applyForCapability": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.rich(t, models.SolutionProvider, nil).Key, map[string]any{"tagCode": "BIG_DATA"}}
		},
		"decideCapability": func(t *testing.T, _ *Server, w *World) Call {
			o := w.rich(t, models.SolutionProvider, nil)
			applied, err := w.Benefits.ApplyForCapability(t.Context(), selfOf(o), benefits.ApplyForCapability{TagCode: "BIG_DATA"})
			must(t, err)
			return Call{w.OperatorKey, map[string]any{"capabilityId": applied.PartnerCapability.CapabilityID(), "granted": true}}
		},
		"draftCapabilityUplift": func(t *testing.T, _ *Server, w *World) Call {
			o := w.rich(t, models.SolutionProvider, nil)
			w.certified(t, o, "BIG_DATA")
			return Call{o.Key, map[string]any{"tagCode": "BIG_DATA", "form": "EXAM_VOUCHER"}}
		},
		"requestMdf": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.rich(t, models.SolutionProvider, nil).Key, use}
		},
		"joinPce": func(t *testing.T, _ *Server, w *World) Call {
			return Call{w.rich(t, models.SolutionProvider, nil).Key, map[string]any{"commitmentMade": true, "agreementAccepted": true}}
		},
		"requestOpportunityIncentive": func(t *testing.T, _ *Server, w *World) Call {
			o := w.rich(t, models.SolutionProvider, nil)
			return Call{o.Key, map[string]any{"poNumber": o.Tag, "orderIds": []models.ID{w.opportunity(t, o)}}}
		},
		"setMdfCap": func(_ *testing.T, _ *Server, w *World) Call {
			return Call{w.OperatorKey, map[string]any{"year": 2031, "class": "SOFTWARE_ADVANCED", "amount": "7.00", "source": "audit"}}
		},
		"submitBenefitProof": func(t *testing.T, _ *Server, w *World) Call {
			o := w.rich(t, models.SolutionProvider, nil)
			return Call{o.Key, named(funded(t, w, o), map[string]any{"uploadIds": []models.ID{w.proof(t, o)}})}
		},
		"submitBenefitApplication":   by(false, draft, nil),
		"withdrawBenefitApplication": by(false, fund, nil),
		"editMdf":                    by(false, withdrawn, use),
		"deleteBenefitApplication":   by(false, withdrawn, nil),
		"sendBenefitInvoice":         by(false, uplifted, map[string]any{"invoiceNumber": "audit"}),
		"startBenefitReview":         by(true, submitted, nil),
		"reviewBenefitApplication":   by(true, fund, map[string]any{"approve": true, "amount": "8.00"}),
		"endBenefitPublicity":        by(true, publicised, nil),
		"acceptBenefitInvoice":       by(true, invoiced, nil),
		"completeBenefitPayment":     by(true, awaiting, map[string]any{"reference": "audit"}),
		"reviewBenefitProof":         by(true, proven, map[string]any{"accept": false, "opinion": "audit"}),
		"downloadBenefitProof":       by(true, proven, map[string]any{"position": 0}),
	}
}

// proof is an upload of the partner's that proves something.
func (w *World) proof(t *testing.T, o *Org) models.ID {
	t.Helper()
	var b bytes.Buffer
	must(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, 3, 3))))
	return w.Upload(t, selfOf(o), models.UploadProof, "x.png", "image/png", b.Bytes())
}

// opportunity lets the partner join the programme, and returns an order of a customer of its.
func (w *World) opportunity(t *testing.T, o *Org) models.ID {
	t.Helper()
	_, err := w.Benefits.JoinPCE(t.Context(), selfOf(o), benefits.JoinPCE{CommitmentMade: true, AgreementAccepted: true})
	must(t, err)
	return w.Place(t, w.Empty(t, o, w.tag()), w.tag(), 100).ID
}
