package models

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"go.jetify.com/typeid"
	"go.jetify.com/typeid/base32"
)

// ID is a TypeID: a lower-case prefix that names the kind, an underscore, and 26 characters of a UUIDv7 in base 32.
// Ids of one kind sort by creation time, byte by byte. The zero value is "no id".
type ID string

// The prefixes of every kind of id, in the order of the rooms that own them.
const (
	PrefixPartner             = "par"
	PrefixCustomer            = "cus"
	PrefixAssociation         = "asc"
	PrefixAccessConfiguration = "acf"
	PrefixUser                = "usr"
	PrefixAPIKey              = "key"
	PrefixOrder               = "ord"
	PrefixOrderItem           = "itm"
	PrefixOrderRefund         = "rfd"
	PrefixRefundInfo          = "rfi"
	PrefixResource            = "res"
	PrefixAccount             = "acc"
	PrefixTransfer            = "trf"
	PrefixEntry               = "ent"
	PrefixHold                = "hld"
	PrefixIncentiveStatement  = "ist"
	PrefixIncentiveLine       = "isl"
	PrefixSession             = "ses"
	PrefixEvent               = "evt"
	PrefixFederatedIdentity   = "fid"
	PrefixParkedRequest       = "req"
	PrefixFirstLogin          = "fst"
	PrefixSigningKey          = "skey"
	PrefixBindNotification    = "bnd"
	PrefixTestLogin           = "tlg"
	PrefixStatementExport     = "sxp"
	PrefixAnnouncement        = "ann"
	PrefixWithdrawal          = "wdr"
	PrefixRestriction         = "wrs"
	PrefixRecharge            = "rch"
	PrefixRemittance          = "rmt"
	PrefixRemittanceClaim     = "rmc"
	PrefixPayerAgreement      = "pag"
	PrefixServiceProvider     = "svp"
	PrefixCloudBinding        = "cbd"
	PrefixWebhookEndpoint     = "whe"
	PrefixWebhookDelivery     = "whd"
	PrefixCustomerReport      = "crp"
	PrefixInvitation          = "inv"
	PrefixAssociationRequest  = "arq"
	PrefixCustomerRestriction = "csr"
	PrefixAuthorization       = "aut"
	PrefixVerificationCode    = "vcd"
	PrefixCatalogueVersion    = "ctv"
	PrefixCatalogueEntry      = "cte"
	PrefixPrice               = "prc"
	PrefixDiscount            = "dsc"
	PrefixQuote               = "qot"
	PrefixUpload              = "upl"
	PrefixVerification        = "vrf"
	PrefixJob                 = "job"
	PrefixCouponQuota         = "cqt"
	PrefixCouponQuotaRecord   = "cqr"
	PrefixCoupon              = "cpn"
	PrefixCouponRecord        = "cpr"
	PrefixCouponUse           = "cpu"
	PrefixUsageRecord         = "usg"
	PrefixBillLine            = "bil"
	PrefixBillSettlement      = "bst"
	PrefixBillMonth           = "bmo"
	PrefixDebtPayment         = "bdp"
	PrefixMonthlySettlement   = "mst"
	PrefixPriceAdjustment     = "pad"
	PrefixIncentiveVersion    = "ipv"
	PrefixIncentivePolicy     = "ipl"
	PrefixPerformanceLine     = "pfl"
	PrefixCertification       = "ccf"
	PrefixPayout              = "pyt"
	PrefixPartnerCapability   = "pcp"
	PrefixBenefitApplication  = "bap"
	PrefixCooperation         = "cop"
	PrefixCooperationRequest  = "crq"
	PrefixResellerManager     = "rsm"
	PrefixResellerUpgrade     = "rup"
	PrefixBrandVersion        = "brv"
	PrefixStaffScheme         = "sfs"
	PrefixStaffMember         = "sfm"
	PrefixStaffMonth          = "sft"
	PrefixStaffPayment        = "sfp"
	PrefixIncentiveTransfer   = "itr"
	PrefixCompany             = "cmp"
	PrefixCompanyFact         = "cmf" // a row below a company: a relation, a financing, a product, a brand, a ranking, a right
	PrefixCompanyLoad         = "cld"
	PrefixResourcePackage     = "rpk"
	PrefixPackageItem         = "pki"
	PrefixPackageUsage        = "pku"
)

// IDSource makes a new id with the given prefix. It is a field of whoever needs ids, so that a test or the seed can
// make them repeatable.
type IDSource func(prefix string) ID

// RandomIDs returns the source for production: UUIDv7 from the clock and the operating system's randomness, each above the one before in this process, so
// that what is listed by id is listed in the order in which it was made. The returned function panics only when the system has no randomness left to give,
// and for an ill-formed prefix, which is a constant.
func RandomIDs() IDSource {
	return func(prefix string) ID {
		id, err := IDFromUUID(prefix, uuid.Must(uuid.NewV7()))
		if err != nil {
			panic(err)
		}
		return id
	}
}

// IDFromUUID makes the id of a kind from 16 bytes of a UUID. It fails only for an ill-formed prefix.
func IDFromUUID(prefix string, uuid [16]byte) (ID, error) {
	if !isPrefix(prefix) {
		return "", fmt.Errorf("id from uuid: %q is not 1 to 63 lower-case letters, with underscores only between them", prefix)
	}
	return ID(prefix + "_" + base32.Encode(uuid)), nil
}

// isPrefix is the rule of TypeID for prefixes, where there has to be one. Every new id is held against it.
func isPrefix(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '_' || s[len(s)-1] == '_' {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && c != '_' {
			return false
		}
	}
	return true
}

// IDFromNumber makes the id of a kind that a database numbers: ids sort as their numbers do. It panics for an ill-formed prefix, which
// is a constant.
func IDFromNumber(prefix string, n int64) ID {
	var uuid [16]byte
	binary.BigEndian.PutUint64(uuid[8:], uint64(n))
	id, err := IDFromUUID(prefix, uuid)
	if err != nil {
		panic(err)
	}
	return id
}

// Number returns what IDFromNumber made the id of; false for any other id.
func (id ID) Number() (int64, bool) {
	parsed, err := typeid.FromString(string(id))
	if err != nil {
		return 0, false
	}
	uuid := parsed.UUIDBytes()
	n := binary.BigEndian.Uint64(uuid[8:])
	if binary.BigEndian.Uint64(uuid[:8]) != 0 || n > math.MaxInt64 {
		return 0, false
	}
	return int64(n), true
}

// ParseID checks that s is a well-formed TypeID of any kind. The error is INVALID and names what is wrong.
func ParseID(s string) (ID, error) {
	if len(s) > 90 {
		return "", Invalid("id", "An id is at most 90 characters long.")
	}
	id, err := typeid.FromString(s)
	if err != nil || id.Prefix() == "" {
		return "", Invalid("id", "This is not an id: ids look like cus_01h455vb4pex5vsknk084sn02q.")
	}
	return ID(s), nil
}

// Prefix returns the part before the last underscore, or "" for the zero id.
func (id ID) Prefix() string {
	i := strings.LastIndexByte(string(id), '_')
	if i < 0 {
		return ""
	}
	return string(id[:i])
}

// IsZero reports whether there is no id.
func (id ID) IsZero() bool { return id == "" }

// String returns the id as it appears in the API, the logs and the support ticket.
func (id ID) String() string { return string(id) }

// Require returns INVALID, naming the field, unless the id is of the kind with this prefix.
func (id ID) Require(prefix, field string) error {
	if id.Prefix() == prefix {
		return nil
	}
	return Invalid(field, fmt.Sprintf("%s must be an id that starts with %q.", field, prefix+"_"))
}

// MarshalGQL writes the id as a JSON string, and no id as null.
func (id ID) MarshalGQL(w io.Writer) {
	if id == "" {
		_, _ = io.WriteString(w, "null")
		return
	}
	_, _ = io.WriteString(w, strconv.Quote(string(id)))
}

// UnmarshalGQL reads an id from a GraphQL literal or variable; anything but a well-formed TypeID is INVALID.
func (id *ID) UnmarshalGQL(v any) error {
	s, ok := v.(string)
	if !ok {
		return Invalid("id", "An id must be a string.")
	}
	parsed, err := ParseID(s)
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}

// Node is whatever has a global id and can be looked up by it alone.
type Node interface {
	IsNode()
	NodeID() ID
}
