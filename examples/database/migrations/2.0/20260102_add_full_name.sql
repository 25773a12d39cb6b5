-- pilotage: expand
-- migrate:up
ALTER TABLE customers ADD COLUMN full_name TEXT;

-- migrate:down
ALTER TABLE customers DROP COLUMN full_name;
