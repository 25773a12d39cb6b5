-- sqlite
CREATE INDEX by_name ON customers (name);
ALTER TABLE customers DROP name;
ALTER TABLE customers ADD COLUMN mail TEXT NOT NULL DEFAULT '';
