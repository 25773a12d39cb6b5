-- postgres
DO $$ BEGIN EXECUTE 'drop table customers'; END $$;
CALL tidy_up();
ALTER TABLE customers FROBNICATE;
