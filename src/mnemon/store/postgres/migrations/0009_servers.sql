-- What servers over the database share beside the memory. All of it is tenant 0's, which nobody has.

-- API keys, as hashes. `told` is JSON, as in the file that a server over a file keeps.
CREATE TABLE keys (
  tenant bigint NOT NULL CHECK (tenant = 0),
  id     text COLLATE "C" NOT NULL,
  sha256 text COLLATE "C" NOT NULL,      -- of the token
  told   text NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX keys_sha256 ON keys (tenant, sha256);

-- Who is signed in to the page.
CREATE TABLE sessions (
  tenant bigint NOT NULL CHECK (tenant = 0),
  digest text COLLATE "C" NOT NULL,      -- SHA-256 of what is in the cookie
  key    text COLLATE "C" NOT NULL,
  ends   bigint NOT NULL,
  PRIMARY KEY (tenant, digest)
);
CREATE INDEX sessions_ends ON sessions (tenant, ends);

-- The audit log: one chain, whoever appends. `audit_head` says where it ended last, and is locked by
-- who appends.
CREATE TABLE audit (
  tenant bigint NOT NULL CHECK (tenant = 0),
  seq    bigint NOT NULL,
  entry  text NOT NULL,                  -- canonical JSON: a line of the file
  PRIMARY KEY (tenant, seq)
);
CREATE TABLE audit_head (
  tenant bigint PRIMARY KEY CHECK (tenant = 0),
  seq    bigint NOT NULL,
  hash   text NOT NULL
) WITH (fillfactor = 50);

-- How much of its rate a key has left.
CREATE TABLE rates (
  tenant bigint NOT NULL CHECK (tenant = 0),
  key    text COLLATE "C" NOT NULL,
  have   double precision NOT NULL,      -- requests
  at     bigint NOT NULL,
  taken  boolean NOT NULL,               -- whether the last one got in
  PRIMARY KEY (tenant, key)
) WITH (fillfactor = 50);

-- When work that comes round by itself was last begun.
CREATE TABLE rounds (
  tenant bigint NOT NULL CHECK (tenant = 0),
  name   text COLLATE "C" NOT NULL,
  at     bigint NOT NULL,
  PRIMARY KEY (tenant, name)
);

-- Not for `mnemon.whole`, as elsewhere: what concerns all tenants does not concern keys.
DO $$
DECLARE
  name text;
  mine text := '(tenant = (SELECT nullif(current_setting(''mnemon.tenant'', true), '''')::bigint))';
BEGIN
  FOREACH name IN ARRAY ARRAY['keys', 'sessions', 'audit', 'audit_head', 'rates', 'rounds'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    IF name != 'audit' THEN
      EXECUTE format('CREATE POLICY servers ON %I USING %s', name, mine);
    END IF;
  END LOOP;
  -- No policy for changing or deleting: Mnemon's own role never does so.
  EXECUTE format('CREATE POLICY servers_read ON audit FOR SELECT USING %s', mine);
  EXECUTE format('CREATE POLICY servers_append ON audit FOR INSERT WITH CHECK %s', mine);
END $$;
