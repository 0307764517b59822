DROP TABLE account_floors;
