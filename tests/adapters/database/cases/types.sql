-- postgres
ALTER TABLE customers ALTER COLUMN name TYPE varchar(10);
ALTER TABLE customers ALTER COLUMN level TYPE smallint;
ALTER TABLE customers ALTER COLUMN name TYPE text;
