ALTER TABLE access_configurations DROP COLUMN subject_scopes;
--bun:split
ALTER TABLE access_configurations DROP COLUMN authn_contexts;
