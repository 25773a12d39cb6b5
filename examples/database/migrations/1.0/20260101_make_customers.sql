-- migrate:up
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);

-- migrate:down
DROP TABLE customers;
