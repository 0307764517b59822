package verify

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // OAEP parameters only, where SHA-1 needs no collision resistance
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/base64"
	"strings"

	"github.com/beevik/etree"

	"github.com/partnergraph/partnergraph/saml"
	"github.com/partnergraph/partnergraph/saml/xmlguard"
)

const nsXEnc = "http://www.w3.org/2001/04/xmlenc#"

// Algorithms of XML Encryption that we open. rsa-1_5 and 3DES are absent on purpose.
const (
	encOAEP      = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"
	encOAEP11    = "http://www.w3.org/2009/xmlenc11#rsa-oaep"
	encAES128GCM = "http://www.w3.org/2009/xmlenc11#aes128-gcm"
	encAES192GCM = "http://www.w3.org/2009/xmlenc11#aes192-gcm"
	encAES256GCM = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
	encAES128CBC = "http://www.w3.org/2001/04/xmlenc#aes128-cbc"
	encAES192CBC = "http://www.w3.org/2001/04/xmlenc#aes192-cbc"
	encAES256CBC = "http://www.w3.org/2001/04/xmlenc#aes256-cbc"
)

// errSealed is the one answer to everything that goes wrong here: distinguishable answers are what padding oracles are made of.
func errSealed() error { return refuse(saml.DecryptionFailed, "") }

// decryptAssertion opens an EncryptedAssertion with the first of our keys that fits and returns the guarded assertion inside.
func decryptAssertion(sealed *etree.Element, want Expect) (*etree.Element, error) {
	data := child(sealed, nsXEnc, "EncryptedData")
	if data == nil {
		return nil, errSealed()
	}
	ciphertext, ok := cipherValue(data)
	if !ok {
		return nil, errSealed()
	}
	alg := algorithm(data)
	for _, ek := range encryptedKeys(sealed, data) {
		for _, key := range want.Keys {
			content, ok := unwrapKey(ek, key)
			if !ok {
				continue
			}
			plain, ok := openContent(alg, content, ciphertext, want.AllowCBC)
			if !ok {
				continue
			}
			if root, err := xmlguard.ReadAssertion(plain); err == nil {
				return root, nil
			}
		}
	}
	return nil, errSealed()
}

// encryptedKeys finds the wrapped keys in both places the schema allows: inside the data's KeyInfo and beside the data.
func encryptedKeys(sealed, data *etree.Element) []*etree.Element {
	keys := children(sealed, nsXEnc, "EncryptedKey")
	if info := child(data, nsDSig, "KeyInfo"); info != nil {
		keys = append(children(info, nsXEnc, "EncryptedKey"), keys...)
	}
	return keys
}

func algorithm(e *etree.Element) string {
	if m := child(e, nsXEnc, "EncryptionMethod"); m != nil {
		return m.SelectAttrValue("Algorithm", "")
	}
	return ""
}

func cipherValue(e *etree.Element) ([]byte, bool) {
	data := child(e, nsXEnc, "CipherData")
	if data == nil {
		return nil, false
	}
	value := child(data, nsXEnc, "CipherValue")
	if value == nil {
		return nil, false
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(value.Text()), ""))
	return raw, err == nil
}

func unwrapKey(ek *etree.Element, key crypto.Decrypter) ([]byte, bool) {
	opts, ok := oaepOptions(ek)
	if !ok {
		return nil, false
	}
	wrapped, ok := cipherValue(ek)
	if !ok {
		return nil, false
	}
	content, err := key.Decrypt(rand.Reader, wrapped, opts)
	return content, err == nil
}

// oaepOptions reads the key transport's parameters. Absent ones mean SHA-1, as both specifications say.
func oaepOptions(ek *etree.Element) (*rsa.OAEPOptions, bool) {
	method := child(ek, nsXEnc, "EncryptionMethod")
	if method == nil || child(method, nsXEnc, "OAEPparams") != nil {
		return nil, false
	}
	opts := &rsa.OAEPOptions{Hash: crypto.SHA1, MGFHash: crypto.SHA1}
	if d := child(method, nsDSig, "DigestMethod"); d != nil {
		if opts.Hash = oaepDigest(d.SelectAttrValue("Algorithm", "")); opts.Hash == 0 {
			return nil, false
		}
	}
	switch method.SelectAttrValue("Algorithm", "") {
	case encOAEP:
		return opts, true
	case encOAEP11:
		if m := child(method, "http://www.w3.org/2009/xmlenc11#", "MGF"); m != nil {
			if opts.MGFHash = oaepMGF(m.SelectAttrValue("Algorithm", "")); opts.MGFHash == 0 {
				return nil, false
			}
		}
		return opts, true
	}
	return nil, false
}

func oaepDigest(uri string) crypto.Hash {
	switch uri {
	case "http://www.w3.org/2000/09/xmldsig#sha1":
		return crypto.SHA1
	case "http://www.w3.org/2001/04/xmlenc#sha256":
		return crypto.SHA256
	case "http://www.w3.org/2001/04/xmldsig-more#sha384":
		return crypto.SHA384
	case "http://www.w3.org/2001/04/xmlenc#sha512":
		return crypto.SHA512
	}
	return 0
}

func oaepMGF(uri string) crypto.Hash {
	switch uri {
	case "http://www.w3.org/2009/xmlenc11#mgf1sha1":
		return crypto.SHA1
	case "http://www.w3.org/2009/xmlenc11#mgf1sha256":
		return crypto.SHA256
	case "http://www.w3.org/2009/xmlenc11#mgf1sha384":
		return crypto.SHA384
	case "http://www.w3.org/2009/xmlenc11#mgf1sha512":
		return crypto.SHA512
	}
	return 0
}

// openContent decrypts the data with the content key, whose length must be the algorithm's.
func openContent(alg string, key, ciphertext []byte, allowCBC bool) ([]byte, bool) {
	size := map[string]int{encAES128GCM: 16, encAES192GCM: 24, encAES256GCM: 32, encAES128CBC: 16, encAES192CBC: 24, encAES256CBC: 32}[alg]
	if size == 0 || len(key) != size {
		return nil, false
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, false
	}
	switch alg {
	case encAES128GCM, encAES192GCM, encAES256GCM:
		return openGCM(block, ciphertext)
	}
	if !allowCBC {
		return nil, false
	}
	return openCBC(block, ciphertext)
}

// openGCM expects a 12-byte nonce before and a 16-byte tag behind the text (XML Encryption 1.1, 5.2.4).
func openGCM(block cipher.Block, ciphertext []byte) ([]byte, bool) {
	gcm, err := cipher.NewGCM(block)
	if err != nil || len(ciphertext) < gcm.NonceSize()+gcm.Overhead() {
		return nil, false
	}
	plain, err := gcm.Open(nil, ciphertext[:gcm.NonceSize()], ciphertext[gcm.NonceSize():], nil)
	return plain, err == nil
}

// openCBC expects the initialization vector before the text and the padding of XML Encryption, whose last byte counts it.
func openCBC(block cipher.Block, ciphertext []byte) ([]byte, bool) {
	if len(ciphertext) < 2*aes.BlockSize || len(ciphertext)%aes.BlockSize != 0 {
		return nil, false
	}
	plain := make([]byte, len(ciphertext)-aes.BlockSize)
	cipher.NewCBCDecrypter(block, ciphertext[:aes.BlockSize]).CryptBlocks(plain, ciphertext[aes.BlockSize:])
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > aes.BlockSize {
		return nil, false
	}
	return plain[:len(plain)-pad], true
}
