DROP TABLE bank_letter_downloads;
--bun:split
DROP TABLE commercial_certifications;
