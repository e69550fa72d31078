-- Version 2 to 3: every event becomes a link of its case's chain, too. The events of before keep their bytes; the first
-- new one of each case links to the last of them and counts on.
SET LOCAL ROLE leaseledger_owner;
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
GRANT SELECT, INSERT, UPDATE ON ledger.case_heads TO leaseledger_app;
GRANT SELECT ON ledger.case_heads TO leaseledger_reader;
RESET ROLE;
