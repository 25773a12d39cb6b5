-- postgres
-- a comment with DROP TABLE in it; and a semicolon
CREATE TABLE mails (id bigint PRIMARY KEY, text text NOT NULL);
CREATE INDEX by_text ON mails (text);
ALTER TABLE mails ADD COLUMN more text NOT NULL;
ALTER TYPE mood ADD VALUE 'calm';
INSERT INTO notes (text) VALUES ('DROP TABLE x; rest');
UPDATE customers SET full_name = name WHERE full_name IS NULL;
DELETE FROM visits WHERE day < '2020-01-01';
SET lock_timeout = '2s';
COMMENT ON TABLE mails IS 'of customers';
