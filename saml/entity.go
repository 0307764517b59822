package saml

import (
	"encoding/xml"
	"errors"
	"net/url"
	"slices"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"
)

const nsMetadata = "urn:oasis:names:tc:SAML:2.0:metadata"

// roleIdP and roleSP are the roles that are read.
const (
	roleIdP = "IDPSSODescriptor"
	roleSP  = "SPSSODescriptor"
)

// errLocation says that some address is not one that a browser could be sent to, whatever binding it was filed under.
var errLocation = errors.New("location is no web address")

// unmarshalEntity turns an already guarded metadata document into crewjam's type. Everything but the wanted role is cut out first, and
// from that its signatures, extensions and cache durations: none is used, and the type stumbles over some legal ones. Of a service
// provider only what is read stays. The error is errLocation for a script or the like among the service provider's addresses: crewjam's
// type lets them pass under bindings that it does not know.
//
// extended is shown the document before anything is cut out of it.
func unmarshalEntity(data []byte, role string, extended func(root *etree.Element)) (*crewjam.EntityDescriptor, error) {
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(data); err != nil {
		return nil, err
	}
	root := doc.Root()
	if root == nil || root.Tag != "EntityDescriptor" || root.NamespaceURI() != nsMetadata {
		return nil, errors.New("not an EntityDescriptor")
	}
	extended(root)
	for _, c := range root.ChildElements() {
		if c.Tag != role {
			root.RemoveChild(c)
		} else if role == roleSP {
			if !webLocations(c) {
				return nil, errLocation
			}
			keepOnly(c, "KeyDescriptor", "SingleLogoutService", "NameIDFormat", "AssertionConsumerService")
		}
	}
	prune(root)
	clean, err := doc.WriteToBytes()
	if err != nil {
		return nil, err
	}
	entity := &crewjam.EntityDescriptor{}
	if err := xml.Unmarshal(clean, entity); err != nil {
		return nil, err
	}
	return entity, nil
}

// webLocations reports whether every address below the element is http or https.
func webLocations(e *etree.Element) bool {
	for _, c := range e.ChildElements() {
		for _, a := range c.Attr {
			if a.Key != "Location" && a.Key != "ResponseLocation" {
				continue
			}
			if u, err := url.Parse(a.Value); err != nil || u.Scheme != "https" && u.Scheme != "http" {
				return false
			}
		}
		if !webLocations(c) {
			return false
		}
	}
	return true
}

func keepOnly(e *etree.Element, tags ...string) {
	for _, c := range e.ChildElements() {
		if !slices.Contains(tags, c.Tag) {
			e.RemoveChild(c)
		}
	}
}

func prune(e *etree.Element) {
	e.RemoveAttr("cacheDuration")
	for _, c := range e.ChildElements() {
		if c.Tag == "Signature" || c.Tag == "Extensions" {
			e.RemoveChild(c)
			continue
		}
		prune(c)
	}
}
