-- postgres
ALTER TABLE customers DROP COLUMN name;
DROP TABLE orders;
drop view totals;
TRUNCATE baskets;
DELETE FROM visits;
