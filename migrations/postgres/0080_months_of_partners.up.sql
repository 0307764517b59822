-- The dashboard of a year reads a partner's sums of some months, whatever there was before.
CREATE INDEX bill_months_partner_cycle ON bill_months (partner_id, cycle);
--bun:split
-- Sums are added to in place: with room on their page no index needs a new entry.
ALTER TABLE bill_months SET (fillfactor = 80);
--bun:split
ALTER TABLE performance_months SET (fillfactor = 80);
