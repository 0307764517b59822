ALTER TABLE access_configurations DROP COLUMN idp_facts;
--bun:split
ALTER TABLE access_configurations DROP COLUMN publish_contact;
--bun:split
ALTER TABLE access_configurations DROP COLUMN display;
