package samltest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/base64"
	"testing"

	"github.com/beevik/etree"
)

// Sealing says how Encrypt wraps an assertion. The zero value is AES-256-GCM with RSA-OAEP.
type Sealing struct {
	Data       string // algorithm of the data, default AES-256-GCM; also AES-128-GCM and AES-256-CBC
	Transport  string // algorithm of the key; rsa-1_5 is honoured so that it can be refused
	Plain      []byte // seals this instead of the element
	Ciphertext func([]byte) []byte
}

// Encrypt returns a recipe step that seals the assertion to the key.
func Encrypt(t testing.TB, to Key, s Sealing) func(*etree.Element) *etree.Element {
	t.Helper()
	return func(e *etree.Element) *etree.Element {
		plain := s.Plain
		if plain == nil {
			plain = Write(t, e)
		}
		if s.Data == "" {
			s.Data = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
		}
		if s.Transport == "" {
			s.Transport = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"
		}
		content, sealed := seal(t, s.Data, plain)
		if s.Ciphertext != nil {
			sealed = s.Ciphertext(sealed)
		}
		return encryptedAssertion(s, wrap(t, s.Transport, to.Signer.Public().(*rsa.PublicKey), content), sealed)
	}
}

func seal(t testing.TB, alg string, plain []byte) (key, sealed []byte) {
	t.Helper()
	key = make([]byte, 32)
	if alg == "http://www.w3.org/2009/xmlenc11#aes128-gcm" {
		key = key[:16]
	}
	_, _ = rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	if alg == "http://www.w3.org/2001/04/xmlenc#aes256-cbc" {
		pad := 16 - len(plain)%16
		padded := append(append([]byte{}, plain...), make([]byte, pad)...)
		padded[len(padded)-1] = byte(pad)
		iv := make([]byte, 16)
		_, _ = rand.Read(iv)
		cipher.NewCBCEncrypter(block, iv).CryptBlocks(padded, padded)
		return key, append(iv, padded...)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	nonce := make([]byte, gcm.NonceSize())
	_, _ = rand.Read(nonce)
	return key, gcm.Seal(nonce, nonce, plain, nil)
}

func wrap(t testing.TB, alg string, pub *rsa.PublicKey, key []byte) []byte {
	t.Helper()
	var out []byte
	var err error
	if alg == "http://www.w3.org/2001/04/xmlenc#rsa-1_5" {
		out, err = rsa.EncryptPKCS1v15(rand.Reader, pub, key) //nolint:staticcheck // made only to be refused
	} else {
		out, err = rsa.EncryptOAEP(sha1.New(), rand.Reader, pub, key, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func encryptedAssertion(s Sealing, wrapped, sealed []byte) *etree.Element {
	out := etree.NewElement("saml:EncryptedAssertion")
	out.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
	data := out.CreateElement("xenc:EncryptedData")
	data.CreateAttr("xmlns:xenc", "http://www.w3.org/2001/04/xmlenc#")
	data.CreateAttr("Type", "http://www.w3.org/2001/04/xmlenc#Element")
	data.CreateElement("xenc:EncryptionMethod").CreateAttr("Algorithm", s.Data)
	info := data.CreateElement("ds:KeyInfo")
	info.CreateAttr("xmlns:ds", "http://www.w3.org/2000/09/xmldsig#")
	ek := info.CreateElement("xenc:EncryptedKey")
	ek.CreateElement("xenc:EncryptionMethod").CreateAttr("Algorithm", s.Transport)
	ek.CreateElement("xenc:CipherData").CreateElement("xenc:CipherValue").SetText(base64.StdEncoding.EncodeToString(wrapped))
	data.CreateElement("xenc:CipherData").CreateElement("xenc:CipherValue").SetText(base64.StdEncoding.EncodeToString(sealed))
	return out
}
