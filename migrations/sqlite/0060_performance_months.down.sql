DROP TABLE performance_months;
