-- How much a namespace prefix may hold. NULL is no limit.
CREATE TABLE quotas (
  tenant bigint NOT NULL,
  path   text COLLATE "C" NOT NULL,
  cubes  bigint,
  bytes  bigint,
  PRIMARY KEY (tenant, path)
);

-- How much each namespace holds: current cubes, and the bytes of content and metadata of all versions.
-- Kept by every write in its transaction, so that checking a quota need not count. No triggers: a table
-- with some cannot be spread over nodes.
CREATE TABLE holdings (
  tenant    bigint NOT NULL,
  namespace bigint NOT NULL,
  cubes     bigint NOT NULL,
  bytes     bigint NOT NULL,
  PRIMARY KEY (tenant, namespace)
);
SET LOCAL mnemon.whole = 'on';
INSERT INTO holdings
  SELECT tenant, namespace, count(*) FILTER (WHERE retired_at IS NULL),
    sum(octet_length(content) + coalesce(octet_length(metadata), 0))
  FROM versions GROUP BY tenant, namespace;
SET LOCAL mnemon.whole = 'off';

-- For how long a namespace prefix keeps cubes; the longest prefix of a namespace counts.
CREATE TABLE retention (
  tenant  bigint NOT NULL,
  path    text COLLATE "C" NOT NULL,
  seconds bigint NOT NULL,               -- since a cube's newest version was recorded
  purge   boolean NOT NULL,              -- false retires
  PRIMARY KEY (tenant, path)
);

-- What must not be forgotten whatever any policy says: a cube by its id, or a namespace prefix.
CREATE TABLE holds (
  tenant bigint NOT NULL,
  what   text COLLATE "C" NOT NULL,
  since  bigint NOT NULL,
  PRIMARY KEY (tenant, what)
);

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['quotas', 'holdings', 'retention', 'holds'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format(
      'CREATE POLICY tenant ON %I USING (tenant = '
      '(SELECT nullif(current_setting(''mnemon.tenant'', true), '''')::bigint))', name
    );
    EXECUTE format(
      'CREATE POLICY whole ON %I USING ((SELECT current_setting(''mnemon.whole'', true) = ''on''))',
      name
    );
  END LOOP;
END $$;
