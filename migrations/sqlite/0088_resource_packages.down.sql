DROP TABLE package_usages;
--bun:split
DROP TABLE package_cycles;
--bun:split
DROP TABLE package_items;
--bun:split
DROP TABLE resource_packages;
--bun:split
ALTER TABLE catalogue_specs DROP COLUMN package;
