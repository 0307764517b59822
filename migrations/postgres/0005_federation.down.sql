DROP TABLE bind_notifications;
--bun:split
DROP TABLE signing_keys;
--bun:split
DROP TABLE first_logins;
--bun:split
DROP TABLE saml_replays;
--bun:split
DROP TABLE saml_requests;
--bun:split
DROP TABLE federated_identities;
--bun:split
DROP TABLE federated_accounts;
