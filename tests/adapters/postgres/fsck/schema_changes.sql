-- What somebody who may do everything can do to the schema. A heading names a change; {table} and {column} are each one.

-- schema: refuse_change does nothing
CREATE OR REPLACE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';

-- schema: refuse_change is gone
DROP FUNCTION ledger.refuse_change() CASCADE;

-- schema: refuse_change is another's
ALTER FUNCTION ledger.refuse_change() OWNER TO leaseledger_app;

-- schema: make_room as its caller
ALTER FUNCTION ledger.make_room(smallint, bigint) SECURITY INVOKER;

-- schema: make_room looks elsewhere
ALTER FUNCTION ledger.make_room(smallint, bigint) SET search_path = public;

-- schema: make_room for everybody
GRANT EXECUTE ON FUNCTION ledger.make_room(smallint, bigint) TO PUBLIC;

-- schema: make_room for nobody
REVOKE EXECUTE ON FUNCTION ledger.make_room(smallint, bigint) FROM leaseledger_app;

-- schema: another function
CREATE FUNCTION ledger.more() RETURNS integer LANGUAGE sql AS 'SELECT 1';

-- schema: another table
CREATE TABLE ledger.more (x integer);

-- schema: another type
CREATE TYPE ledger.more AS ENUM ('x');

-- schema: another sequence
CREATE SEQUENCE ledger.more;

-- schema: schema for everybody
GRANT CREATE ON SCHEMA ledger TO PUBLIC;

-- schema: schema of another
ALTER SCHEMA ledger OWNER TO leaseledger_app;

-- schema: read for everybody
GRANT USAGE ON SCHEMA read TO PUBLIC;

-- schema: read for no reader
REVOKE USAGE ON SCHEMA read FROM leaseledger_reader;

-- schema: view in read
CREATE VIEW read.more AS SELECT 1 AS x;

-- schema: read model for everybody
CREATE TABLE read.more (x integer);
GRANT INSERT ON read.more TO PUBLIC;

-- schema: read models to come for nobody
ALTER DEFAULT PRIVILEGES FOR ROLE leaseledger_app IN SCHEMA read REVOKE SELECT ON TABLES FROM leaseledger_reader;

-- schema: tables to come for everybody
ALTER DEFAULT PRIVILEGES FOR ROLE leaseledger_owner IN SCHEMA ledger GRANT UPDATE ON TABLES TO leaseledger_app;

-- schema: app is superuser
ALTER ROLE leaseledger_app SUPERUSER;

-- schema: app is above policies
ALTER ROLE leaseledger_app BYPASSRLS;

-- schema: owner logs in
ALTER ROLE leaseledger_owner LOGIN;

-- schema: app is owner
GRANT leaseledger_owner TO leaseledger_app;

-- schema: app has no triggers
ALTER ROLE leaseledger_app SET session_replication_role = replica;

-- schema: another partition
CREATE TABLE ledger.events_more PARTITION OF ledger.events DEFAULT;

-- schema: no partition
ALTER TABLE ledger.events DETACH PARTITION ledger.events_0;

-- schema: partition of another's
ALTER TABLE ledger.events_0 OWNER TO leaseledger_app;

-- schema: partition to be changed
GRANT UPDATE ON ledger.events_0 TO leaseledger_app;

-- schema: head's origin to be changed
GRANT UPDATE (origin) ON ledger.head TO leaseledger_app;

-- schema: head's size not to be changed
REVOKE UPDATE (size) ON ledger.head FROM leaseledger_app;

-- schema: keys cannot be revoked
REVOKE UPDATE (revoked_at) ON ledger.api_keys FROM leaseledger_app;

-- schema: readers see fewer events
ALTER TABLE ledger.events ENABLE ROW LEVEL SECURITY;
CREATE POLICY a ON ledger.events TO leaseledger_app USING (true);
CREATE POLICY b ON ledger.events TO leaseledger_reader USING (position <> 2);

-- schema: readers see other events
ALTER TABLE ledger.events RENAME TO true_events;
CREATE VIEW ledger.events AS SELECT shard, position, stream, seq, type, CASE current_user WHEN 'leaseledger_app' THEN entry ELSE 'forged'::bytea END AS entry, leaf FROM ledger.true_events;
GRANT SELECT ON ledger.events TO leaseledger_app, leaseledger_reader;

-- schema: version 4
INSERT INTO ledger.schema_version VALUES (4);

-- schema: another shard
INSERT INTO ledger.head SELECT 1, origin, size, frontier, root, recorded_at, partition_rows, room FROM ledger.head;

-- table: gone
DROP TABLE ledger.{table} CASCADE;

-- table: renamed
ALTER TABLE ledger.{table} RENAME TO renamed;

-- table: of another
ALTER TABLE ledger.{table} OWNER TO leaseledger_app;

-- table: row security
ALTER TABLE ledger.{table} ENABLE ROW LEVEL SECURITY;

-- table: policy
CREATE POLICY odd ON ledger.{table} USING (true);

-- table: rule
CREATE RULE odd AS ON INSERT TO ledger.{table} DO ALSO SELECT 1;

-- table: trigger
CREATE TRIGGER odd BEFORE INSERT ON ledger.{table} FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- table: another column
ALTER TABLE ledger.{table} ADD COLUMN odd integer;

-- table: another constraint
ALTER TABLE ledger.{table} ADD CONSTRAINT odd CHECK (true);

-- table: a view in its place
ALTER TABLE ledger.{table} RENAME TO renamed;
CREATE VIEW ledger.{table} AS SELECT * FROM ledger.renamed;
GRANT SELECT ON ledger.{table} TO leaseledger_app;

-- column: gone
ALTER TABLE ledger.{table} DROP COLUMN {column} CASCADE;

-- column: renamed
ALTER TABLE ledger.{table} RENAME COLUMN {column} TO renamed;

-- column: of another type
ALTER TABLE ledger.{table} ALTER COLUMN {column} TYPE {other} USING {column}::text::{other};

-- column: may be missing
UPDATE pg_attribute SET attnotnull = NOT attnotnull WHERE attrelid = 'ledger.{table}'::regclass AND attname = '{column}';

-- column: default
ALTER TABLE ledger.{table} ALTER COLUMN {column} SET DEFAULT ('7'::text)::{kind};

-- column: a right of its own
GRANT UPDATE ({column}) ON ledger.{table} TO leaseledger_reader;

-- column: an index
CREATE INDEX odd ON ledger.{table} ({column});
