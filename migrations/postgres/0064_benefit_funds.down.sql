DROP TABLE benefit_downloads;
--bun:split
DROP TABLE benefit_orders;
--bun:split
DROP TABLE mdf_caps;
