ALTER TABLE access_configurations ADD COLUMN authn_contexts TEXT NOT NULL DEFAULT '[]';
--bun:split
ALTER TABLE access_configurations ADD COLUMN subject_scopes TEXT NOT NULL DEFAULT '[]';
