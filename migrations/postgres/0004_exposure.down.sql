DROP TABLE access_configurations;
