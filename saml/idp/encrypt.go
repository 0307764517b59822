package idp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // OAEP parameter that every peer knows; no collision resistance is needed there
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
)

const (
	nsXEnc      = "http://www.w3.org/2001/04/xmlenc#"
	encOAEP     = nsXEnc + "rsa-oaep-mgf1p"
	encOAEP11   = "http://www.w3.org/2009/xmlenc11#rsa-oaep"
	digestSHA1  = nsDSig + "sha1"
	typeElement = nsXEnc + "Element"
)

// sealing is one way to encrypt data.
type sealing struct {
	id  string
	key int // bytes
	cbc bool
}

// sealings are ours in the order of preference. CBC has no integrity of its own and comes last: it is used when the service provider's
// metadata names it and no GCM, and then the Response's signature covers it.
func sealings() []sealing {
	return []sealing{
		{"http://www.w3.org/2009/xmlenc11#aes256-gcm", 32, false},
		{"http://www.w3.org/2009/xmlenc11#aes128-gcm", 16, false},
		{nsXEnc + "aes256-cbc", 32, true},
		{nsXEnc + "aes128-cbc", 16, true},
	}
}

// choose picks data and key algorithm out of what the service provider's metadata names. Where it names nothing that we do, which most
// files do, the best is taken (SDP-ALG01). RSA 1.5 key transport and 3DES are never used, whatever the file says.
func choose(methods []string) (data sealing, transport string) {
	all := sealings()
	data, transport = all[0], encOAEP
	if i := slices.IndexFunc(all, func(s sealing) bool { return slices.Contains(methods, s.id) }); i >= 0 {
		data = all[i]
	}
	if slices.Contains(methods, encOAEP11) && !slices.Contains(methods, encOAEP) {
		transport = encOAEP11
	}
	return data, transport
}

// encryptAssertion writes the EncryptedAssertion around an assertion, in canonical form like everything here. OAEP is with SHA-1 and
// MGF1 over SHA-1 in both spellings: those are the parameters peers have in common.
func encryptAssertion(assertion []byte, to *x509.Certificate, methods []string, rand io.Reader) ([]byte, error) {
	pub, ok := to.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("idp: encryption key is not RSA")
	}
	data, transport := choose(methods)
	key := make([]byte, data.key)
	if _, err := io.ReadFull(rand, key); err != nil {
		return nil, fmt.Errorf("idp: random: %w", err)
	}
	sealed, err := data.seal(key, assertion, rand)
	if err != nil {
		return nil, err
	}
	wrapped, err := rsa.EncryptOAEP(sha1.New(), rand, pub, key, nil) //nolint:gosec // see the import
	if err != nil {
		return nil, fmt.Errorf("idp: encrypt key: %w", err)
	}
	b := make([]byte, 0, len(sealed)*4/3+2048)
	b = add(b, `<saml:EncryptedAssertion xmlns:saml="`, nsAssertion, `"><xenc:EncryptedData xmlns:xenc="`, nsXEnc, `" Type="`, typeElement,
		`"><xenc:EncryptionMethod Algorithm="`, data.id, `"></xenc:EncryptionMethod><ds:KeyInfo xmlns:ds="`, nsDSig,
		`"><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="`, transport, `"><ds:DigestMethod Algorithm="`, digestSHA1,
		`"></ds:DigestMethod></xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue>`, base64.StdEncoding.EncodeToString(wrapped),
		`</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue>`)
	b = base64.StdEncoding.AppendEncode(b, sealed)
	return add(b, `</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData></saml:EncryptedAssertion>`), nil
}

// seal encrypts with the nonce or initialization vector in front, as XML Encryption 5.2 has it.
func (s sealing) seal(key, plain []byte, rand io.Reader) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("idp: cipher: %w", err)
	}
	if s.cbc {
		pad := aes.BlockSize - len(plain)%aes.BlockSize
		out := make([]byte, aes.BlockSize+len(plain)+pad)
		if _, err := io.ReadFull(rand, out[:aes.BlockSize]); err != nil {
			return nil, fmt.Errorf("idp: random: %w", err)
		}
		copy(out[aes.BlockSize:], plain)
		out[len(out)-1] = byte(pad)
		cipher.NewCBCEncrypter(block, out[:aes.BlockSize]).CryptBlocks(out[aes.BlockSize:], out[aes.BlockSize:])
		return out, nil
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("idp: cipher: %w", err)
	}
	nonce := make([]byte, gcm.NonceSize(), gcm.NonceSize()+len(plain)+gcm.Overhead())
	if _, err := io.ReadFull(rand, nonce); err != nil {
		return nil, fmt.Errorf("idp: random: %w", err)
	}
	return gcm.Seal(nonce, nonce, plain, nil), nil
}
