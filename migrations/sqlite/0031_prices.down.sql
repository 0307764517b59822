DROP TABLE discounts;
--bun:split
DROP TABLE catalogue_policies;
--bun:split
DROP TABLE catalogue_prices;
