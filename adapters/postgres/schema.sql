-- The ledger's tables. Owned by leaseledger_owner; programs work as leaseledger_app, which may only add.
-- Keys begin with the shard, so that a distributed PostgreSQL can spread them by it.

CREATE SCHEMA ledger AUTHORIZATION leaseledger_owner;
CREATE SCHEMA read AUTHORIZATION leaseledger_app;
SET ROLE leaseledger_owner;

CREATE TABLE ledger.schema_version (version integer PRIMARY KEY);

-- One row: the sequencer. Whoever holds its lock decides what is next; size and root change with the events.
CREATE TABLE ledger.head (
    shard       smallint PRIMARY KEY,
    origin      text     NOT NULL,
    size        bigint   NOT NULL DEFAULT 0,
    frontier    bytea    NOT NULL DEFAULT '',
    root        bytea    NOT NULL CHECK (length(root) = 32),
    recorded_at text     NOT NULL DEFAULT '',
    partition_rows bigint NOT NULL CHECK (partition_rows > 0),
    room        bigint   NOT NULL DEFAULT 0  -- highest position that a partition exists for
);

CREATE TABLE ledger.events (
    shard    smallint NOT NULL,
    position bigint   NOT NULL CHECK (position > 0),
    stream   uuid     NOT NULL,
    seq      integer  NOT NULL CHECK (seq > 0),
    type     text     NOT NULL,
    entry    bytea    NOT NULL,
    leaf     bytea    NOT NULL,
    PRIMARY KEY (shard, position)
) PARTITION BY RANGE (position);
CREATE INDEX events_by_stream ON ledger.events (shard, stream, seq);

-- The last event of every stream: the compare-and-set target of every append.
CREATE TABLE ledger.stream_heads (
    shard  smallint NOT NULL,
    stream uuid     NOT NULL,
    seq    integer  NOT NULL,
    leaf   bytea    NOT NULL,
    PRIMARY KEY (shard, stream)
) WITH (fillfactor = 80);

-- The last event of every case, of whatever stream: what the next one links to. No append is refused by it.
CREATE TABLE ledger.case_heads (
    shard       smallint NOT NULL,
    tenant      uuid     NOT NULL,
    correlation uuid     NOT NULL,
    seq         integer  NOT NULL,
    leaf        bytea    NOT NULL,
    PRIMARY KEY (shard, tenant, correlation)
) WITH (fillfactor = 80);

-- Every command that was ever accepted, by its idempotency key: where all its events stand, and the numbers of the
-- first and the last event of the stream that it was for. What the program does on its own has keys of its own (system):
-- no caller can take one of them.
CREATE TABLE ledger.commands (
    shard     smallint NOT NULL,
    tenant    uuid     NOT NULL,
    key       text     NOT NULL,
    digest    bytea    NOT NULL,
    stream    uuid     NOT NULL,
    seq       integer  NOT NULL,
    version   integer  NOT NULL,
    position  bigint   NOT NULL,
    events    integer  NOT NULL,
    system    boolean  NOT NULL,
    digest_key smallint NOT NULL,  -- which key made the digest
    PRIMARY KEY (shard, tenant, system, key)
);

-- One key for each person of each tenant, wrapped by a key-encryption key; destroyed keys keep their row without it.
CREATE TABLE ledger.subject_keys (
    shard        smallint NOT NULL,
    tenant       uuid     NOT NULL,
    subject      uuid     NOT NULL,
    wrapped      bytea,
    destroyed_at text,
    shared       boolean  NOT NULL DEFAULT false,  -- one key for several tenants, from before persons were apart
    PRIMARY KEY (shard, tenant, subject),
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
);

-- Personal values, encrypted under their subject's key; the ledger holds the digests.
CREATE TABLE ledger.vault (
    shard      smallint NOT NULL,
    eid        uuid     NOT NULL,
    path       text     NOT NULL,
    position   bigint   NOT NULL,
    subject    uuid     NOT NULL,
    digest     text     NOT NULL,
    nonce      bytea    NOT NULL,
    ciphertext bytea    NOT NULL,
    tenant     uuid     NOT NULL,
    PRIMARY KEY (shard, eid, path)
);
CREATE INDEX vault_by_subject ON ledger.vault (shard, tenant, subject);

-- Every checkpoint that was ever published, and the tiles up to the newest one.
CREATE TABLE ledger.checkpoints (
    shard        smallint NOT NULL,
    size         bigint   NOT NULL CHECK (size >= 0),
    note         text     NOT NULL,
    published_at text     NOT NULL,
    PRIMARY KEY (shard, size)
);
CREATE TABLE ledger.tiles (
    shard  smallint NOT NULL,
    level  smallint NOT NULL,
    index  bigint   NOT NULL,
    hashes bytea    NOT NULL,
    PRIMARY KEY (shard, level, index)
);


-- The keys that may sign checkpoints, each from a tree size on; an older key stays valid for what it signed.
CREATE TABLE ledger.log_keys (
    shard     smallint NOT NULL,
    from_size bigint   NOT NULL CHECK (from_size >= 0),
    vkey      text     NOT NULL,
    PRIMARY KEY (shard, vkey)
);

-- Who may ask: only hashes of the keys are kept.
CREATE TABLE ledger.api_keys (
    hash       bytea PRIMARY KEY CHECK (length(hash) = 32),
    tenant     uuid NOT NULL,
    role       text NOT NULL CHECK (role <> 'system'),
    label      text NOT NULL,
    created_at text NOT NULL,
    revoked_at text
);

-- What was written stays: no role may change or remove it, and a superuser who does is found by fsck.
CREATE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ledger.% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.events
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER commands_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.commands
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER checkpoints_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER log_keys_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.log_keys
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- Make room for positions up to the given one; runs with the owner's rights because programs may not create tables.
CREATE FUNCTION ledger.make_room(of_shard smallint, up_to bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, ledger AS $$
DECLARE
    step bigint; have bigint;
BEGIN
    SELECT partition_rows, room INTO STRICT step, have FROM ledger.head WHERE shard = of_shard FOR UPDATE;
    WHILE have < up_to LOOP
        EXECUTE format('CREATE TABLE ledger.%I PARTITION OF ledger.events FOR VALUES FROM (%s) TO (%s)',
                       'events_' || (have / step), have + 1, have + step + 1);
        EXECUTE format('CREATE TRIGGER partition_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()', 'events_' || (have / step));
        have := have + step;
    END LOOP;
    UPDATE ledger.head SET room = have WHERE shard = of_shard;
    RETURN have;
END $$;

RESET ROLE;
GRANT USAGE ON SCHEMA ledger TO leaseledger_app, leaseledger_reader;
GRANT USAGE ON SCHEMA read TO leaseledger_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO leaseledger_app;
GRANT SELECT ON ledger.schema_version, ledger.head, ledger.events, ledger.stream_heads, ledger.case_heads, ledger.commands, ledger.checkpoints, ledger.tiles,
    ledger.log_keys TO leaseledger_reader;
GRANT INSERT ON ledger.events, ledger.commands, ledger.checkpoints, ledger.log_keys, ledger.vault, ledger.api_keys
    TO leaseledger_app;
GRANT INSERT, UPDATE ON ledger.stream_heads, ledger.case_heads, ledger.tiles, ledger.subject_keys TO leaseledger_app;
GRANT UPDATE (size, frontier, root, recorded_at) ON ledger.head TO leaseledger_app;
GRANT UPDATE (revoked_at) ON ledger.api_keys TO leaseledger_app;
REVOKE ALL ON FUNCTION ledger.make_room(smallint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger.make_room(smallint, bigint) TO leaseledger_app;
ALTER DEFAULT PRIVILEGES FOR ROLE leaseledger_app IN SCHEMA read GRANT SELECT ON TABLES TO leaseledger_reader;
