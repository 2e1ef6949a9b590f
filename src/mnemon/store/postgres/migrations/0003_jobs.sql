-- Background work. A job names ids and options, never content. Its namespace is a path and no number,
-- since there may be no cube in it yet. Jobs of the whole store (NULL) are tenant 0's.
CREATE TABLE jobs (
  tenant       bigint NOT NULL,
  id           text COLLATE "C" NOT NULL,
  call         text NOT NULL,
  namespace    text COLLATE "C",
  actor        text NOT NULL,
  key          text COLLATE "C",         -- the caller's idempotency key
  options      text NOT NULL,            -- JSON
  machine      text,                     -- where the file is that it reads; NULL is everywhere
  state        text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'dead', 'cancelled')),
  attempts     bigint NOT NULL DEFAULT 0,
  max_attempts bigint NOT NULL,
  due_at       bigint NOT NULL,          -- not before this; of a running one: when its lease ends
  token        text,                     -- who holds it: only a running one has it
  cancelling   boolean NOT NULL DEFAULT false,
  progress     text,                     -- JSON: [done, in all]
  result       text,                     -- JSON
  error        text,                     -- JSON: a problem document
  created_at   bigint NOT NULL,
  started_at   bigint,
  finished_at  bigint,
  PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX jobs_key ON jobs (tenant, coalesce(namespace, ''), key) WHERE key IS NOT NULL;
CREATE INDEX jobs_due ON jobs (tenant, due_at) WHERE state IN ('waiting', 'running');

-- The cubes that a job names: it goes when one of them is purged.
CREATE TABLE job_cubes (
  tenant bigint NOT NULL,
  job    text COLLATE "C" NOT NULL,
  cube   text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, job, cube),
  FOREIGN KEY (tenant, job) REFERENCES jobs (tenant, id)
);
CREATE INDEX job_cubes_cube ON job_cubes (tenant, cube);

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['jobs', 'job_cubes'] LOOP
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
