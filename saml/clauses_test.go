package saml_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/samltest"
)

// TestMetadataClauses holds what we read from a platform's metadata to its clauses.
func TestMetadataClauses(t *testing.T) {
	t.Parallel()
	now := samltest.Now()
	curve := func(c elliptic.Curve) samltest.Key {
		private, err := ecdsa.GenerateKey(c, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return samltest.Key{Signer: private, Cert: samltest.Certificate(t, private, "ec", now.Add(-time.Hour), now.Add(time.Hour))}
	}
	strong := key(t, "signing", samltest.RSA(t, "idp", 2048))
	scope := `<md:Extensions><shibmd:Scope xmlns:shibmd="urn:mace:shibboleth:metadata:1.0" regexp="true">.*</shibmd:Scope></md:Extensions>`
	for name, c := range map[string]struct {
		doc  string
		keys int // of the result; 0: refused
	}{
		"SDP-MD02 a key inside the file vouches for nothing": {file(` ID="x"`, `<ds:Signature><ds:KeyInfo/></ds:Signature>`+strong, ssoRedirect), 1},
		"SDP-MD03 over":                         {file(` validUntil="`+now.Add(-4*time.Minute).Format(time.RFC3339)+`"`, strong, ssoRedirect), 0},
		"SDP-MD03 SDP-G01 over within the skew": {file(` validUntil="`+now.Add(-2*time.Minute).Format(time.RFC3339)+`"`, strong, ssoRedirect), 1},
		"SDP-MD06 RSA of 2048 bits":             {file("", strong, ssoRedirect), 1},
		"SDP-MD06 RSA of 1024 bits":             {file("", key(t, "signing", samltest.RSA(t, "weak", 1024)), ssoRedirect), 0},
		"SDP-MD07 EC of 256 bits":               {file("", key(t, "signing", curve(elliptic.P256())), ssoRedirect), 1},
		"SDP-MD07 EC of 224 bits":               {file("", key(t, "signing", curve(elliptic.P224())), ssoRedirect), 0},
		"IIP-MD11 a key without use signs":      {file("", key(t, "", samltest.RSA(t, "idp", 2048)), ssoRedirect), 1},
		"SDP-SP17 a Scope grants nothing":       {file("", scope+strong, ssoRedirect), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			md, _, err := saml.ParseIdPMetadata([]byte(c.doc), saml.At(now))
			if (err != nil) != (c.keys == 0) || len(md.SigningCerts) != c.keys {
				t.Errorf("%d keys, %v", len(md.SigningCerts), err)
			}
		})
	}
}

// clauses are the ids that the pages of docs/federation.md have to answer for: of the Kantara deployment (SDP) and interoperability (IIP)
// profiles, and the sections of the OASIS standard.
const clauses = `SDP-G01 SDP-G02 SDP-G03 IIP-G01 IIP-G02 IIP-G03
SDP-MD02 SDP-MD03 SDP-MD04 SDP-MD05 SDP-MD06 SDP-MD07 SDP-MD08 SDP-MD09 SDP-MD10 SDP-MD11 SDP-MD12 IIP-MD03 IIP-MD04 IIP-MD07 IIP-MD11 IIP-MD12
SDP-SP02 SDP-SP04 SDP-SP05 SDP-SP06 SDP-SP07 SDP-SP08 SDP-SP09 SDP-SP10 SDP-SP11 SDP-SP12 SDP-SP13 SDP-SP14 SDP-SP16 SDP-SP17 SDP-SP20
SDP-SP24 SDP-SP25 SDP-SP26 SDP-SP27 SDP-SP28 SDP-SP29 SDP-SP30 SDP-SP31 SDP-SP32 SDP-SP33 SDP-SP34 SDP-SP35 SDP-SP36 SDP-SP37 SDP-SP38
IIP-SP01 IIP-SP02 IIP-SP03 IIP-SP05 IIP-SP06 IIP-SP07 IIP-SP08 IIP-SP10 IIP-SP11 IIP-SP12 IIP-SP13 IIP-SP14 IIP-SP15 IIP-SP16 IIP-SP17
IIP-ALG04 IIP-ALG06 IIP-ALG08 SDP-ALG01
SDP-IDP02 SDP-IDP04 SDP-IDP05 SDP-IDP06 SDP-IDP07 SDP-IDP09 SDP-IDP10 SDP-IDP11 SDP-IDP12 SDP-IDP13 SDP-IDP18 SDP-IDP19 SDP-IDP20
SDP-IDP21 SDP-IDP22 SDP-IDP23 SDP-IDP24 SDP-IDP25 SDP-IDP26 SDP-IDP27 SDP-IDP28 SDP-IDP29 SDP-IDP30 SDP-IDP31 SDP-IDP32 SDP-IDP33
IIP-SSO02 IIP-SSO04 IIP-IDP05 IIP-IDP06 IIP-IDP07 IIP-IDP08 IIP-IDP10 IIP-IDP12 IIP-IDP17 IIP-IDP18
Core_1.3.4 Core_2.3.3 Core_2.5.1.2 Core_2.5.1.4 Core_2.5.1.5 Core_3.4.1 Core_5.4.1 Core_5.4.2 Core_5.4.3 Core_5.4.4 Core_8.3.7
Prof_4.1.4.2 Prof_4.1.4.3 Bind_3.4.3 Bind_3.4.4.1 Bind_3.4.5.2 Bind_3.5.3 Bind_3.5.5.2`

// attackClasses are the kinds of attacks that the same page has to answer for.
const attackClasses = `signature wrapping|same ID twice|parser differentials|void canonicalization|attribute pollution|signature exclusion|certificate faking|algorithm confusion|transforms|text tricks|XML parser|replay|audience, recipient, destination, issuer|time|InResponseTo|login CSRF|identity provider mix-up|takeover across tenants|relay state|encryption|sign-on requests|registered metadata|single logout`

func TestEveryClauseHasItsTest(t *testing.T) {
	t.Parallel()
	answered(t, "Clauses and their tests", strings.Fields(clauses), func(id string) string { return strings.ReplaceAll(id, "_", " ") })
}

func TestEveryAttackClassHasItsTest(t *testing.T) {
	t.Parallel()
	answered(t, "Attacks and their tests", strings.Split(attackClasses, "|"), func(class string) string { return class })
}

var testName = regexp.MustCompile("`([a-z/_]+)` (Test[A-Za-z0-9]+)")

// answered holds a section of docs/federation.md to the list: a row names one or more of it and the tests that answer, each of which must
// exist and name it; or it has no test and says why not.
func answered(t *testing.T, heading string, list []string, spelt func(string) string) {
	t.Helper()
	page, err := os.ReadFile("../docs/federation.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("docs/federation.md has no section %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	seen := map[string]bool{}
	for line := range strings.SplitSeq(section, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) != 4 || strings.HasPrefix(strings.TrimSpace(cells[1]), "-") {
			continue
		}
		tests := testName.FindAllStringSubmatch(cells[2], -1)
		for name := range strings.SplitSeq(cells[1], ";") {
			if name = strings.TrimSpace(name); name == "" {
				continue
			}
			if seen[name] {
				t.Errorf("%s has two rows", name)
			}
			seen[name] = true
			if len(tests) == 0 {
				if !strings.HasPrefix(strings.TrimSpace(cells[2]), "not built: ") && slices.ContainsFunc(list, func(id string) bool { return spelt(id) == name }) {
					t.Errorf("%s has neither a test nor a reason", name)
				}
				continue
			}
			if !slices.ContainsFunc(tests, func(test []string) bool { return strings.Contains(sourceOf(t, test[1], test[2]), name) }) {
				t.Errorf("%s: none of its tests names it: %s", name, cells[2])
			}
		}
	}
	for _, id := range list {
		if !seen[spelt(id)] {
			t.Errorf("%s has no row", spelt(id))
		}
	}
}

// sourceOf returns a test with its comment.
func sourceOf(t *testing.T, dir, name string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		before, after, found := strings.Cut(string(text), "\nfunc "+name+"(t *testing.T)")
		if !found {
			continue
		}
		comment := before[strings.LastIndex(before, "\n}")+1:]
		body, _, _ := strings.Cut(after, "\n}\n")
		return comment + body
	}
	t.Errorf("%s has no %s", dir, name)
	return ""
}

// TestNoMessageIsReadByTheLibrary: the library is for its types and for writing. Its readers of messages panic on what strangers send and
// accept what the specifications forbid, so that the servers' own code names none of them.
func TestNoMessageIsReadByTheLibrary(t *testing.T) {
	t.Parallel()
	reader := regexp.MustCompile(`\.(ParseResponse|ParseXMLResponse|ParseXMLArtifactResponse|NewIdpAuthnRequest|ServeSSO|ServeIDPInitiated|ValidateLogoutResponse\w*|FetchMetadata)\(|crewjam/saml/(samlsp|samlidp)"`)
	seen := 0
	for _, root := range []string{".", "../cmd", "../sales", "../session", "../resolvers", "../pages"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			if found := reader.Find(text); found != nil {
				t.Errorf("%s: %s", path, found)
			}
			if strings.Contains(string(text), `"github.com/crewjam/saml"`) {
				seen++
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if seen == 0 {
		t.Error("nobody uses the library's types: this looks in the wrong place")
	}
}
