"""An identity provider made of pysaml2: one person, who is always signed in.

usage: pysaml2_idp.py ADDRESS PORT DIRECTORY BPID; the directory holds peer.key, peer.crt and the service provider's sp.xml.
"""
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAME_FORMAT_URI, NAMEID_FORMAT_TRANSIENT, NameID
from saml2.server import Server
from saml2.sigver import verify_redirect_signature
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

address, port, directory, bp_id = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
config = IdPConfig().load({
    "entityid": address + "/metadata",
    "key_file": directory + "/peer.key",
    "cert_file": directory + "/peer.crt",
    "xmlsec_binary": "/usr/bin/xmlsec1",
    "signing_algorithm": SIG_RSA_SHA256,
    "digest_algorithm": DIGEST_SHA256,
    "metadata": {"local": [directory + "/sp.xml"]},
    "service": {"idp": {
        "endpoints": {
            "single_sign_on_service": [(address + "/sso", BINDING_HTTP_REDIRECT), (address + "/sso", BINDING_HTTP_POST)],
            "single_logout_service": [(address + "/slo", BINDING_HTTP_REDIRECT)],
        },
        "sign_assertion": True,
        "sign_response": True,
        "policy": {"default": {"lifetime": {"minutes": 5}, "name_form": NAME_FORMAT_URI}},
    }},
})
idp = Server(config=config)
who = {"xUserId": ["pym-1"], "xAccountId": ["snake-77"], "bpId": [bp_id], "name": ["Pym & sons"]}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlsplit(self.path)
        self.route(url.path, {k: v[0] for k, v in parse_qs(url.query).items()}, BINDING_HTTP_REDIRECT)

    def do_POST(self):
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.route(urlsplit(self.path).path, {k: v[0] for k, v in parse_qs(form).items()}, BINDING_HTTP_POST)

    def route(self, path, params, binding):
        if path == "/metadata":
            return self.answer(200, [("Content-Type", "text/xml")], str(entity_descriptor(config)))
        serve = {"/sso": self.sso, "/slo": self.slo}[path]
        sent = serve(params, binding)
        self.answer(sent["status"], sent["headers"], sent["data"])

    def sso(self, params, binding):
        request = self.trusted(idp.parse_authn_request(params["SAMLRequest"], binding), params, binding)
        to = idp.response_args(request.message, [BINDING_HTTP_POST])
        to["name_id"] = NameID(format=NAMEID_FORMAT_TRANSIENT, text="pym-transient")
        response = idp.create_authn_response(
            who, userid="pym", authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"},
            sign_assertion=True, sign_response=True, sign_alg=SIG_RSA_SHA256, digest_alg=DIGEST_SHA256, **to)
        return idp.apply_binding(
            BINDING_HTTP_POST, str(response), to["destination"], params.get("RelayState", ""), response=True)

    def slo(self, params, binding):
        request = self.trusted(idp.parse_logout_request(params["SAMLRequest"], binding), params, binding)
        if request.message.name_id.text != "pym-transient":
            raise ValueError("somebody else is to be logged out")
        response = idp.create_logout_response(request.message, [binding], sign=False)
        to = idp.response_args(request.message, [binding])
        return idp.apply_binding(
            binding, str(response), to["destination"], params.get("RelayState", ""), response=True, sign=True,
            sigalg=SIG_RSA_SHA256)

    def trusted(self, request, params, binding):
        """Parsing has verified a signature inside a posted message, if there was one; a redirect's it leaves to us."""
        signed = request.message.signature is not None
        if binding == BINDING_HTTP_REDIRECT:
            parts = {k: params[k] for k in ("SAMLRequest", "RelayState", "SigAlg", "Signature") if k in params}
            certs = idp.metadata.certs(request.message.issuer.text, "any", "signing")
            signed = any(verify_redirect_signature(parts, idp.sec.sec_backend, cert) for cert in certs)
        if not signed:
            raise ValueError("the request is not signed by a key of the service provider")
        return request

    def answer(self, status, headers, body):
        if isinstance(body, list):
            body = "".join(body)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body if isinstance(body, bytes) else body.encode())


HTTPServer(("127.0.0.1", port), Handler).serve_forever()
