-- Version 2 to 3. No event changes. What entries say stands in pg_temp.said: position, tenant, correlation, actor and role.
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
FROM ledger.events JOIN pg_temp.said USING (position)
ORDER BY shard, tenant, correlation, position DESC;
GRANT SELECT, INSERT, UPDATE ON ledger.case_heads TO leaseledger_app;
GRANT SELECT ON ledger.case_heads TO leaseledger_reader;

-- What the program does on its own has idempotency keys of its own: callers of version 2 came by an API key. Digests of
-- payloads were made with vault.kek (1), but of imports and of the library's events with no key (0).
ALTER TABLE ledger.commands ADD COLUMN system boolean, ADD COLUMN digest_key smallint;
ALTER TABLE ledger.commands DISABLE TRIGGER commands_stay;
UPDATE ledger.commands
SET system = said.actor !~ '^key_[0-9a-f]{16}$',
    digest_key = CASE WHEN key LIKE 'import:%' OR said.role = 'library' THEN 0 ELSE 1 END
FROM pg_temp.said WHERE said.position = commands.position;
ALTER TABLE ledger.commands ENABLE TRIGGER commands_stay;
ALTER TABLE ledger.commands ALTER COLUMN system SET NOT NULL, ALTER COLUMN digest_key SET NOT NULL;
ALTER TABLE ledger.commands DROP CONSTRAINT commands_pkey;
ALTER TABLE ledger.commands ADD PRIMARY KEY (shard, tenant, system, key);

-- The subjects of two tenants are two subjects: what one has of a person, and its erasure, are nothing of the other's.
ALTER TABLE ledger.vault ADD COLUMN tenant uuid;
UPDATE ledger.vault SET tenant = said.tenant FROM pg_temp.said WHERE said.position = vault.position;
ALTER TABLE ledger.vault ALTER COLUMN tenant SET NOT NULL;
DROP INDEX ledger.vault_by_subject;
CREATE INDEX vault_by_subject ON ledger.vault (shard, tenant, subject);
ALTER TABLE ledger.subject_keys RENAME TO subject_keys_of_before;
ALTER TABLE ledger.subject_keys_of_before RENAME CONSTRAINT subject_keys_pkey TO subject_keys_of_before_pkey;
ALTER TABLE ledger.subject_keys_of_before RENAME CONSTRAINT subject_keys_check TO subject_keys_of_before_check;
CREATE TABLE ledger.subject_keys (
    shard        smallint NOT NULL,
    tenant       uuid     NOT NULL,
    subject      uuid     NOT NULL,
    wrapped      bytea,
    destroyed_at text,
    shared       boolean  NOT NULL DEFAULT false,
    PRIMARY KEY (shard, tenant, subject),
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
);
INSERT INTO ledger.subject_keys (shard, tenant, subject, wrapped, destroyed_at, shared)
SELECT shard, tenant, subject, wrapped, destroyed_at, count(*) OVER (PARTITION BY shard, subject) > 1
FROM (SELECT DISTINCT shard, tenant, subject, wrapped, destroyed_at
      FROM ledger.subject_keys_of_before JOIN ledger.vault USING (shard, subject)) AS of_tenants;
DROP TABLE ledger.subject_keys_of_before;
GRANT SELECT, INSERT, UPDATE ON ledger.subject_keys TO leaseledger_app;

-- A checkpoint of less than nothing would blind whoever compares checkpoints; nobody has the program's own role.
ALTER TABLE ledger.checkpoints ADD CHECK (size >= 0);
ALTER TABLE ledger.log_keys ADD CHECK (from_size >= 0);
ALTER TABLE ledger.api_keys ADD CHECK (role <> 'system');
RESET ROLE;
