-- The dashboard of a year reads a partner's sums of some months, whatever there was before.
CREATE INDEX bill_months_partner_cycle ON bill_months (partner_id, cycle);
