-- postgres
CREATE INDEX by_name ON customers (name);
CREATE INDEX CONCURRENTLY by_mail ON customers (mail);
DROP INDEX by_age;
ALTER TABLE orders ADD CONSTRAINT whose FOREIGN KEY (customer) REFERENCES customers (id);
ALTER TABLE orders ADD CONSTRAINT whose2 FOREIGN KEY (customer) REFERENCES customers (id) NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT whose2;
ALTER TABLE orders ADD CHECK (amount > 0);
LOCK TABLE orders;
VACUUM FULL orders;
