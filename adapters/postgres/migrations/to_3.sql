-- Version 2 to 3. No event changes.
SET LOCAL ROLE leaseledger_owner;

-- Every event becomes a link of its case's chain, too: the first new one of each case links to its last one of before.
CREATE TABLE ledger.case_heads (
    shard       smallint NOT NULL,
    tenant      uuid     NOT NULL,
    correlation uuid     NOT NULL,
    seq         integer  NOT NULL,
    leaf        bytea    NOT NULL,
    PRIMARY KEY (shard, tenant, correlation)
) WITH (fillfactor = 80);
INSERT INTO ledger.case_heads (shard, tenant, correlation, seq, leaf)
SELECT DISTINCT ON (shard, tenant, correlation)
       shard, tenant, correlation, count(*) OVER (PARTITION BY shard, tenant, correlation), leaf
FROM (SELECT shard, position, leaf, (said ->> 'tenant')::uuid AS tenant, (said ->> 'correlation')::uuid AS correlation
      FROM (SELECT shard, position, leaf, convert_from(entry, 'UTF8')::jsonb AS said FROM ledger.events) AS entries
     ) AS cases
ORDER BY shard, tenant, correlation, position DESC;

-- What the program does on its own has idempotency keys of its own.
ALTER TABLE ledger.commands ADD COLUMN system boolean;
ALTER TABLE ledger.commands DISABLE TRIGGER commands_stay;
UPDATE ledger.commands SET system = position('"role":"system"'::bytea IN entry) > 0
FROM ledger.events WHERE events.shard = commands.shard AND events.position = commands.position;
ALTER TABLE ledger.commands ENABLE TRIGGER commands_stay;
ALTER TABLE ledger.commands ALTER COLUMN system SET NOT NULL;
ALTER TABLE ledger.commands DROP CONSTRAINT commands_pkey;
ALTER TABLE ledger.commands ADD PRIMARY KEY (shard, tenant, system, key);

-- The subjects of two tenants are two subjects: what one has of a person, and its erasure, are nothing of the other's.
ALTER TABLE ledger.vault ADD COLUMN tenant uuid;
UPDATE ledger.vault SET tenant = (convert_from(entry, 'UTF8')::jsonb ->> 'tenant')::uuid
FROM ledger.events WHERE events.shard = vault.shard AND events.position = vault.position;
ALTER TABLE ledger.vault ALTER COLUMN tenant SET NOT NULL;
DROP INDEX ledger.vault_by_subject;
CREATE INDEX vault_by_subject ON ledger.vault (shard, tenant, subject);
ALTER TABLE ledger.subject_keys RENAME TO subject_keys_of_before;
ALTER TABLE ledger.subject_keys_of_before RENAME CONSTRAINT subject_keys_pkey TO subject_keys_of_before_pkey;
CREATE TABLE ledger.subject_keys (
    shard        smallint NOT NULL,
    tenant       uuid     NOT NULL,
    subject      uuid     NOT NULL,
    wrapped      bytea,
    destroyed_at text,
    PRIMARY KEY (shard, tenant, subject),
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
);
INSERT INTO ledger.subject_keys (shard, tenant, subject, wrapped, destroyed_at)
SELECT DISTINCT shard, tenant, subject, wrapped, destroyed_at
FROM ledger.subject_keys_of_before JOIN ledger.vault USING (shard, subject);
DROP TABLE ledger.subject_keys_of_before;
GRANT SELECT, INSERT, UPDATE ON ledger.subject_keys TO leaseledger_app;

GRANT SELECT, INSERT, UPDATE ON ledger.case_heads TO leaseledger_app;
GRANT SELECT ON ledger.case_heads TO leaseledger_reader;
RESET ROLE;
