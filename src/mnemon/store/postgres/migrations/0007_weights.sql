-- Where an alias of adapters points and ever pointed: a row each move, the newest counts. Keys and
-- figures, never content.
CREATE TABLE promotions (
  tenant    bigint NOT NULL,
  num       bigint NOT NULL,
  path      text COLLATE "C" NOT NULL,    -- the namespace
  alias     text COLLATE "C" NOT NULL,
  model     text COLLATE "C" NOT NULL,    -- digest of the base
  action    text NOT NULL,
  members   text NOT NULL,                -- JSON: keys that it points at from now on
  candidate text NOT NULL,                -- JSON: keys that were judged, or are tried
  figures   text NOT NULL,                -- JSON: what was measured
  why       text NOT NULL,
  actor     text NOT NULL,
  at        bigint NOT NULL,
  PRIMARY KEY (tenant, num)
);
CREATE INDEX promotions_alias ON promotions (tenant, path, alias, model, num);

-- Namespace prefixes whose cubes may not be compiled to weights.
CREATE TABLE withheld (
  tenant bigint NOT NULL,
  path   text COLLATE "C" NOT NULL,
  since  bigint NOT NULL,
  PRIMARY KEY (tenant, path)
);

-- What was said of answers that an adapter gave.
ALTER TABLE artifacts ADD COLUMN helpful bigint NOT NULL DEFAULT 0;
ALTER TABLE artifacts ADD COLUMN unhelpful bigint NOT NULL DEFAULT 0;

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['promotions', 'withheld'] LOOP
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
