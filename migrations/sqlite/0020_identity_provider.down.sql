ALTER TABLE access_configurations DROP COLUMN sign_in_url;
--bun:split
DROP INDEX users_external;
--bun:split
ALTER TABLE users DROP COLUMN external_id;
--bun:split
DROP TABLE cloud_bindings;
--bun:split
DROP TABLE sign_in_tickets;
--bun:split
DROP TABLE idp_logouts;
--bun:split
DROP TABLE idp_participants;
--bun:split
DROP TABLE idp_requests;
--bun:split
DROP TABLE service_providers;
