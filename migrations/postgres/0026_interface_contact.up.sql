ALTER TABLE access_configurations ADD COLUMN contact_sealed bytea;
