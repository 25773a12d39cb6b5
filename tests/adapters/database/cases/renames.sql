-- postgres
ALTER TABLE customers
    RENAME COLUMN name TO full_name;
ALTER TABLE orders RENAME TO purchases;
