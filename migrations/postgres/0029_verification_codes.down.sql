DROP TABLE step_ups;
--bun:split
DROP TABLE verification_codes;
