package models

import (
	"fmt"
	"regexp"
	"strings"
)

// creditCodeDigits are what a unified social credit code (GB 32100-2015) is written with: no I, O, S, V and Z.
const creditCodeDigits = "0123456789ABCDEFGHJKLMNPQRTUWXY"

var (
	creditCode     = regexp.MustCompile(`^[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}$`)
	registration   = regexp.MustCompile(`^[0-9A-Z]([0-9A-Z./-]{0,38}[0-9A-Z])?$`)
	countryPattern = regexp.MustCompile(`^[A-Z]{2}$`)
)

// Registration is by which number a company stands in the register of its country. The zero value is none.
type Registration struct {
	Country string // ISO 3166-1, two letters
	Number  string // without spaces, in capitals; in China the unified social credit code
}

// ParseRegistration checks a country and a number, and returns them as they are kept: in capitals, without spaces. In China it is the
// unified social credit code with its check digit. The error is INVALID and names the field, "country" or "registrationNumber".
func ParseRegistration(country, number string) (Registration, error) {
	if len(number) > 200 {
		return Registration{}, Invalid("registrationNumber", "A registration number has at most 40 characters.")
	}
	r := Registration{Country: strings.ToUpper(country), Number: strings.ToUpper(strings.Join(strings.Fields(number), ""))}
	switch {
	case !countryPattern.MatchString(r.Country):
		return Registration{}, Invalid("country", "A country is two letters of ISO 3166-1, such as CN.")
	case r.Country == "CN":
		return r, checkCreditCode(r.Number)
	case !registration.MatchString(r.Number):
		return Registration{}, Invalid("registrationNumber", "A registration number has 1 to 40 letters, digits, dots, slashes and hyphens.")
	}
	return r, nil
}

// checkCreditCode compares the last of the 18 characters with the sum of the others, each times a power of 3, modulo 31.
func checkCreditCode(code string) error {
	if !creditCode.MatchString(code) {
		return Invalid("registrationNumber", "A unified social credit code has 18 characters: two, six digits of the place, and ten; without I, O, S, V and Z.")
	}
	sum, weight := 0, 1
	for _, c := range code[:17] {
		sum += strings.IndexRune(creditCodeDigits, c) * weight
		weight = weight * 3 % 31
	}
	if want := creditCodeDigits[(31-sum%31)%31]; code[17] != want {
		return Invalid("registrationNumber", fmt.Sprintf("The check digit of this unified social credit code is %c, not %c.", want, code[17]))
	}
	return nil
}

// Key returns what makes two registrations the same, as in CN/91990000MA00000017; empty for none.
func (r Registration) Key() string {
	if r.Number == "" {
		return ""
	}
	return r.Country + "/" + r.Number
}
