-- pilotage: migrate
-- migrate:up
UPDATE customers SET full_name = name WHERE full_name IS NULL;

-- migrate:down
UPDATE customers SET name = full_name WHERE name IS NULL;
