DROP INDEX federated_identities_user;
--bun:split
DROP INDEX bind_notifications_partner;
--bun:split
DROP INDEX bind_notifications_identity;
--bun:split
ALTER TABLE bind_notifications DROP COLUMN repeat;
--bun:split
ALTER TABLE bind_notifications DROP COLUMN last_sent_at;
--bun:split
ALTER TABLE bind_notifications DROP COLUMN attempts;
--bun:split
ALTER TABLE bind_notifications DROP COLUMN customer_name;
--bun:split
ALTER TABLE bind_notifications DROP COLUMN x_user_id;
--bun:split
ALTER TABLE bind_notifications DROP COLUMN identity_id;
--bun:split
ALTER TABLE bind_notifications DROP COLUMN partner_id;
--bun:split
DROP TABLE test_logins;
--bun:split
DROP TABLE saml_logouts;
--bun:split
ALTER TABLE saml_requests DROP COLUMN test_login_id;
--bun:split
ALTER TABLE access_configurations DROP COLUMN allow_cbc;
--bun:split
ALTER TABLE access_configurations DROP COLUMN attribute_mapping;
