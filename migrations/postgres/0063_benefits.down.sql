DROP TABLE benefit_applications;
--bun:split
DROP TABLE partner_capabilities;
--bun:split
DROP TABLE benefit_standings;
--bun:split
DROP TABLE capability_tags;
