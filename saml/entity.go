package saml

import (
	"encoding/xml"
	"errors"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"
)

const nsMetadata = "urn:oasis:names:tc:SAML:2.0:metadata"

// unmarshalEntity turns an already guarded metadata document into crewjam's type. Everything but the identity provider role is cut out
// first, and from that its signatures, extensions and cache durations: none is used, and the type stumbles over some legal ones.
func unmarshalEntity(data []byte) (*crewjam.EntityDescriptor, error) {
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(data); err != nil {
		return nil, err
	}
	root := doc.Root()
	if root == nil || root.Tag != "EntityDescriptor" || root.NamespaceURI() != nsMetadata {
		return nil, errors.New("not an EntityDescriptor")
	}
	for _, c := range root.ChildElements() {
		if c.Tag != "IDPSSODescriptor" {
			root.RemoveChild(c)
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
