ALTER TABLE access_configurations ADD COLUMN authn_contexts jsonb NOT NULL DEFAULT '[]';
--bun:split
ALTER TABLE access_configurations ADD COLUMN subject_scopes jsonb NOT NULL DEFAULT '[]';
