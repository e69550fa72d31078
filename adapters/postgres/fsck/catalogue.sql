-- What the ledger's schema is made of, as rows of object, aspect, value. What a server says by itself (names of NOT NULL
-- constraints, an owner's own privileges) and what a good administrator may tune (storage, statistics) stays out.
WITH spaces AS (SELECT * FROM pg_namespace WHERE nspname IN ('ledger', 'read')),
classes AS (
    SELECT c.*, format('%s.%s', n.nspname, c.relname) AS name, n.nspname FROM pg_class c JOIN spaces n ON n.oid = c.relnamespace
),
-- Read models come and go; of them it only counts that they are plain tables of the program.
tables AS (SELECT * FROM classes WHERE nspname = 'ledger' AND relkind NOT IN ('i', 'I', 'c')),
granted (object, owner, rights, made) AS (
    SELECT 'schema ' || nspname, nspowner, nspacl, acldefault('n', nspowner) FROM spaces
    UNION ALL SELECT 'table ' || name, relowner, relacl, acldefault('r', relowner) FROM tables
    UNION ALL SELECT format('table %s.%s', t.name, a.attname), t.relowner, a.attacl, acldefault('c', t.relowner)
    FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped
    UNION ALL SELECT format('function %s', p.oid::regprocedure), proowner, proacl, acldefault('f', proowner)
    FROM pg_proc p JOIN spaces n ON n.oid = p.pronamespace
    UNION ALL SELECT format('tables to come of %s in %s', defaclrole::regrole, coalesce(n.nspname, 'any schema')),
                     defaclrole, defaclacl, '{}'
    FROM pg_default_acl d LEFT JOIN spaces n ON n.oid = defaclnamespace
    WHERE n.oid IS NOT NULL OR defaclrole::regrole::text LIKE 'leaseledger\_%'
)
SELECT object, 'privileges of ' || CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,
       string_agg(privilege_type || CASE WHEN is_grantable THEN ' to pass on' ELSE '' END, ', ' ORDER BY privilege_type)
FROM granted, aclexplode(coalesce(rights, made)) WHERE grantee <> owner GROUP BY object, grantee
UNION ALL SELECT 'schema ' || nspname, 'owner', nspowner::regrole::text FROM spaces
UNION ALL SELECT 'table ' || name, 'owner', relowner::regrole::text FROM tables
UNION ALL SELECT 'table ' || name, 'kind',
    CASE relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                 WHEN 'f' THEN 'foreign table' WHEN 'S' THEN 'sequence' ELSE relkind::text END
    || CASE relpersistence WHEN 'p' THEN '' ELSE ', lost in a crash' END FROM tables
UNION ALL SELECT 'table ' || name, 'partition of', format('%s %s', inhparent::regclass, pg_get_expr(relpartbound, oid))
    FROM tables JOIN pg_inherits ON inhrelid = oid
UNION ALL SELECT 'table ' || name, 'row security', 'on' FROM classes
    WHERE relforcerowsecurity OR relrowsecurity AND nspname <> 'read'
UNION ALL SELECT 'table ' || name, 'policy ' || polname,
    format('%s for %s: %s; %s', polcmd, (SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE r::regrole::text END, ', ')
           FROM unnest(polroles) r), pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
    FROM classes JOIN pg_policy ON polrelid = classes.oid
    WHERE NOT (nspname = 'read' AND polname = 'of_tenant' AND polcmd = 'r' AND polroles = '{0}' AND polpermissive
        AND pg_get_expr(polqual, polrelid)
            = '(tenant = (NULLIF(current_setting(''leaseledger.tenant''::text, true), ''''::text))::uuid)')
UNION ALL SELECT 'table ' || name, 'rule ' || rulename, pg_get_ruledef(r.oid)
    FROM classes JOIN pg_rewrite r ON ev_class = classes.oid
UNION ALL SELECT 'table ' || name, 'column ' || attname,
    format_type(atttypid, atttypmod)
    || CASE WHEN attnotnull AND NOT EXISTS (
            SELECT FROM pg_constraint WHERE conrelid = attrelid AND contype = 'n' AND conkey = ARRAY[attnum] AND NOT convalidated)
       THEN ' NOT NULL' ELSE '' END
    || coalesce(' DEFAULT ' || pg_get_expr(adbin, adrelid), '')
    || CASE WHEN attgenerated <> '' OR attidentity <> '' THEN ' made by the server' ELSE '' END
    || CASE WHEN attcollation IN (0, (SELECT typcollation FROM pg_type WHERE oid = atttypid)) THEN '' ELSE ' in another order' END
    FROM tables JOIN pg_attribute ON attrelid = tables.oid AND attnum > 0 AND NOT attisdropped
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
UNION ALL SELECT 'table ' || name, 'constraint ' || conname,
    pg_get_constraintdef(c.oid) || CASE WHEN convalidated THEN '' ELSE ', not validated' END
    FROM tables JOIN pg_constraint c ON conrelid = tables.oid AND contype <> 'n'
UNION ALL SELECT 'table ' || t.name, 'index ' || i.name,
    pg_get_indexdef(i.oid) || CASE WHEN indisvalid AND indisready AND indislive THEN '' ELSE ', not valid' END
    FROM tables t JOIN pg_index x ON x.indrelid = t.oid JOIN classes i ON i.oid = x.indexrelid
UNION ALL SELECT 'table ' || name, 'trigger ' || tgname,
    CASE tgenabled WHEN 'O' THEN '' WHEN 'D' THEN 'disabled: ' ELSE 'enabled otherwise: ' END || pg_get_triggerdef(t.oid)
    FROM classes JOIN pg_trigger t ON tgrelid = classes.oid AND NOT tgisinternal
UNION ALL SELECT format('function %s', p.oid::regprocedure), 'body',
    format('%s %s%s %s', lanname, encode(sha256(convert_to(prosrc, 'UTF8')), 'hex'),
           CASE WHEN prosecdef THEN ' as its owner' ELSE '' END, array_to_string(proconfig, ', '))
    FROM pg_proc p JOIN spaces n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = prolang
UNION ALL SELECT format('function %s', p.oid::regprocedure), 'owner', proowner::regrole::text
    FROM pg_proc p JOIN spaces n ON n.oid = p.pronamespace
UNION ALL SELECT 'type ' || t.oid::regtype, 'kind', typtype::text
    FROM pg_type t JOIN spaces n ON n.oid = typnamespace
    WHERE typrelid = 0 AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
UNION ALL SELECT 'read model ' || name, 'kind', relkind::text FROM classes
    WHERE nspname = 'read' AND relkind NOT IN ('r', 'i') OR nspname = 'read' AND relpersistence <> 'p'
UNION ALL SELECT 'read model ' || name, 'owner', relowner::regrole::text FROM classes
    WHERE nspname = 'read' AND relowner::regrole::text <> 'leaseledger_app'
UNION ALL SELECT 'read model ' || name, 'privileges of ' || CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,
       string_agg(privilege_type, ', ' ORDER BY privilege_type)
    FROM classes, aclexplode(relacl) WHERE nspname = 'read' AND grantee <> relowner
    GROUP BY name, grantee HAVING grantee = 0 OR grantee::regrole::text <> 'leaseledger_reader'
       OR string_agg(privilege_type, ', ') <> 'SELECT'
UNION ALL SELECT 'role ' || rolname, 'rights',
    concat_ws(', ', CASE WHEN rolsuper THEN 'superuser' END, CASE WHEN rolbypassrls THEN 'above row security' END,
              CASE WHEN rolcreaterole THEN 'makes roles' END, CASE WHEN rolcreatedb THEN 'makes databases' END,
              CASE WHEN rolreplication THEN 'replicates' END, CASE WHEN rolcanlogin THEN 'logs in' ELSE 'does not log in' END)
    FROM pg_roles WHERE rolname IN ('leaseledger_owner', 'leaseledger_app', 'leaseledger_reader')
UNION ALL SELECT 'role ' || member::regrole, 'member of', string_agg(roleid::regrole::text, ', ' ORDER BY roleid::regrole::text)
    FROM pg_auth_members WHERE member::regrole::text IN ('leaseledger_owner', 'leaseledger_app', 'leaseledger_reader')
      -- Programs may read as readers do; where an earlier release made the roles, they do not yet.
      AND NOT (member::regrole::text = 'leaseledger_app' AND roleid::regrole::text = 'leaseledger_reader' AND NOT admin_option)
    GROUP BY member
UNION ALL SELECT 'setting ' || split_part(setting, '=', 1),
    format('for %s', CASE setrole WHEN 0 THEN 'every role' ELSE setrole::regrole::text END), setting
    FROM pg_db_role_setting, unnest(setconfig) AS setting
    WHERE setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
      AND split_part(setting, '=', 1) IN ('session_replication_role', 'search_path', 'row_security', 'role')
