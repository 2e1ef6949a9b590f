-- Where an alias of adapters points and ever pointed: a row each move, the newest counts. Keys and
-- figures, never content.
CREATE TABLE promotions (
  num       INTEGER PRIMARY KEY AUTOINCREMENT,
  path      TEXT NOT NULL,                -- the namespace
  alias     TEXT NOT NULL,
  model     TEXT NOT NULL,                -- digest of the base
  action    TEXT NOT NULL,
  members   TEXT NOT NULL,                -- JSON: keys that it points at from now on
  candidate TEXT NOT NULL,                -- JSON: keys that were judged, or are tried
  figures   TEXT NOT NULL,                -- JSON: what was measured
  why       TEXT NOT NULL,
  actor     TEXT NOT NULL,
  at        INTEGER NOT NULL
);
CREATE INDEX promotions_alias ON promotions (path, alias, model, num);

-- Namespace prefixes whose cubes may not be compiled to weights.
CREATE TABLE withheld (path TEXT PRIMARY KEY, since INTEGER NOT NULL) WITHOUT ROWID;

-- What was said of answers that an adapter gave.
ALTER TABLE artifacts ADD COLUMN helpful INTEGER NOT NULL DEFAULT 0;
ALTER TABLE artifacts ADD COLUMN unhelpful INTEGER NOT NULL DEFAULT 0;
