ALTER TABLE access_configurations DROP COLUMN contact_sealed;
