DROP TABLE catalogue_conversions;
--bun:split
DROP TABLE catalogue_measures;
--bun:split
DROP TABLE catalogue_usage_types;
--bun:split
DROP TABLE catalogue_specs;
--bun:split
DROP TABLE catalogue_resource_types;
--bun:split
DROP TABLE catalogue_service_types;
--bun:split
DROP TABLE catalogue_regions;
--bun:split
DROP TABLE catalogue_versions;
