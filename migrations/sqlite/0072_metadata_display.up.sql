ALTER TABLE access_configurations ADD COLUMN display TEXT NOT NULL DEFAULT '{}';
--bun:split
ALTER TABLE access_configurations ADD COLUMN publish_contact INTEGER NOT NULL DEFAULT 0;
--bun:split
ALTER TABLE access_configurations ADD COLUMN idp_facts TEXT NOT NULL DEFAULT '{}';
