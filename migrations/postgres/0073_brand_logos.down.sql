DROP TABLE brand_logos;
