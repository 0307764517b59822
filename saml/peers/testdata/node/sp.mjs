// A service provider made of node-saml. usage: node sp.mjs ADDRESS PORT DIRECTORY
// The directory holds peer.key, peer.crt and idp.json: {entityID, sso, slo, cert}. There are two of them: /plain wants the response
// signed, /sealed wants assertion and response signed and has a key to decrypt with.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { SAML } from "@node-saml/node-saml";

const [address, port, directory] = process.argv.slice(2);
const read = (name) => readFileSync(`${directory}/${name}`, "utf8");
const privateKey = read("peer.key");
const publicCert = read("peer.crt");
const idp = JSON.parse(read("idp.json"));

const provider = (mode, more) =>
  new SAML({
    issuer: `${address}/${mode}/metadata`,
    audience: `${address}/${mode}/metadata`,
    callbackUrl: `${address}/${mode}/acs`,
    logoutCallbackUrl: `${address}/${mode}/slo`,
    entryPoint: idp.sso,
    logoutUrl: idp.slo,
    idpIssuer: idp.entityID,
    idpCert: idp.cert,
    privateKey,
    publicCert,
    signatureAlgorithm: "sha256",
    digestAlgorithm: "sha256",
    identifierFormat: null,
    disableRequestedAuthnContext: true,
    // "always" looks for it in a posted LogoutResponse where only a Response has it.
    validateInResponseTo: "ifPresent",
    wantAuthnResponseSigned: true,
    wantAssertionsSigned: false,
    acceptedClockSkewMs: 0,
    ...more,
  });

const providers = {
  plain: provider("plain", {}),
  sealed: provider("sealed", { wantAssertionsSigned: true, decryptionPvk: privateKey }),
};
const people = {}; // who is signed in, by mode: the tests use one browser at a time

async function serve(mode, action, url, form) {
  const saml = providers[mode];
  switch (action) {
    case "metadata":
      return { text: saml.generateServiceProviderMetadata(mode === "sealed" ? publicCert : null, publicCert) };
    case "login":
      // Without blanks: node-saml signs them as %20 and sends them as +, which no signature over the query as sent can survive.
      return { to: await saml.getAuthorizeUrlAsync("here&there", address, {}) };
    case "acs": {
      const { profile } = await saml.validatePostResponseAsync(form);
      people[mode] = profile;
      return { text: JSON.stringify({ ...profile, relayState: form.RelayState }) };
    }
    case "home":
      return { text: people[mode] ? "signed in" : "signed out" };
    case "logout":
      return { to: await saml.getLogoutUrlAsync(people[mode], "bye", {}) };
    case "slo": {
      const { profile } = form.SAMLRequest ? await saml.validatePostRequestAsync(form) : await saml.validatePostResponseAsync(form);
      delete people[mode];
      if (form.SAMLRequest) {
        return { to: await saml.getLogoutResponseUrlAsync(profile, form.RelayState ?? "", {}, true) };
      }
      return { text: "signed out" };
    }
  }
  throw new Error(`nothing at ${action}`);
}

createServer(async (request, response) => {
  const url = new URL(request.url, address);
  const [mode, action] = url.pathname.slice(1).split("/");
  try {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
    const { to, text } = await serve(mode, action, url, form);
    response.writeHead(to ? 302 : 200, to ? { Location: to } : { "Content-Type": "text/plain; charset=utf-8" }).end(text);
  } catch (error) {
    console.error(error);
    response.writeHead(500, { "Content-Type": "text/plain; charset=utf-8" }).end(`refused: ${error.message}`);
  }
}).listen(Number(port), "127.0.0.1");
