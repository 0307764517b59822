package saml

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
)

// KeyState says what a key of ours is used for during a rotation.
type KeyState string

// The life of a key: published, then used, then kept to read what old metadata still makes partners encrypt to it.
const (
	KeyNext    KeyState = "NEXT"    // in the metadata, decrypts, does not sign yet
	KeyActive  KeyState = "ACTIVE"  // signs, decrypts, in the metadata
	KeyRetired KeyState = "RETIRED" // only decrypts, not in the metadata
)

// SigningKey is one of our keys, RSA or ECDSA. To open encrypted assertions the Signer must also be a crypto.Decrypter;
// *rsa.PrivateKey is both.
type SigningKey struct {
	Signer crypto.Signer
	Cert   *x509.Certificate
	State  KeyState
}

// IsRSA reports whether it is an RSA key, which every peer can verify.
func (k SigningKey) IsRSA() bool {
	if k.Signer == nil {
		return false
	}
	_, ok := k.Signer.Public().(*rsa.PublicKey)
	return ok
}

// ActiveRSA returns the RSA key that signs now. The error is a *Refusal with SigningKeyMissing.
func ActiveRSA(keys []SigningKey) (SigningKey, error) {
	for _, k := range keys {
		if k.State == KeyActive && k.Cert != nil && k.IsRSA() {
			return k, nil
		}
	}
	return SigningKey{}, &Refusal{Reason: SigningKeyMissing}
}
