DROP TABLE verification_downloads;
--bun:split
DROP TABLE verifications;
