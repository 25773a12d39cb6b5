-- pilotage: contract
-- migrate:up
ALTER TABLE customers DROP COLUMN name;

-- migrate:down
ALTER TABLE customers ADD COLUMN name TEXT;
