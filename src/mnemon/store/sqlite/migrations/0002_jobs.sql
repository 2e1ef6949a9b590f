-- Background work. A job names ids and options, never content. Its namespace is a path and no
-- number, since there may be no cube in it yet; NULL is the whole store.
CREATE TABLE jobs (
  num          INTEGER PRIMARY KEY,
  id           TEXT NOT NULL UNIQUE,
  call         TEXT NOT NULL,
  namespace    TEXT,
  actor        TEXT NOT NULL,
  key          TEXT,                      -- the caller's idempotency key
  options      TEXT NOT NULL,             -- JSON
  state        TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'dead', 'cancelled')),
  attempts     INTEGER NOT NULL DEFAULT 0,
  max_attempts INTEGER NOT NULL,
  due_at       INTEGER NOT NULL,          -- not before this; of a running one: when its lease ends
  token        TEXT,                      -- who holds it: only a running one has it
  cancelling   INTEGER NOT NULL DEFAULT 0,
  progress     TEXT,                      -- JSON: [done, in all]
  result       TEXT,                      -- JSON
  error        TEXT,                      -- JSON: a problem document
  created_at   INTEGER NOT NULL,
  started_at   INTEGER,
  finished_at  INTEGER
);
CREATE UNIQUE INDEX jobs_key ON jobs (coalesce(namespace, ''), key) WHERE key IS NOT NULL;
CREATE INDEX jobs_due ON jobs (due_at) WHERE state IN ('waiting', 'running');

-- The cubes that a job names: it goes when one of them is purged.
CREATE TABLE job_cubes (
  job  INTEGER NOT NULL REFERENCES jobs,
  cube TEXT NOT NULL,
  PRIMARY KEY (job, cube)
) WITHOUT ROWID;
CREATE INDEX job_cubes_cube ON job_cubes (cube);
