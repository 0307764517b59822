DROP INDEX performance_months_reseller;
--bun:split
DROP TABLE reseller_upgrades;
