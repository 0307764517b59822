DROP TABLE brand_versions;
