ALTER TABLE access_configurations ADD COLUMN display jsonb NOT NULL DEFAULT '{}';
--bun:split
ALTER TABLE access_configurations ADD COLUMN publish_contact boolean NOT NULL DEFAULT false;
--bun:split
ALTER TABLE access_configurations ADD COLUMN idp_facts jsonb NOT NULL DEFAULT '{}';
