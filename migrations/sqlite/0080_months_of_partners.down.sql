DROP INDEX bill_months_partner_cycle;
