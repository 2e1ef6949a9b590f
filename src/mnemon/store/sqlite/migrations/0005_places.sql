-- An artifact may continue another: what it was made of begins with all that stands there.
ALTER TABLE artifacts ADD COLUMN parent TEXT;  -- key of the artifact it continues
CREATE INDEX artifacts_parent ON artifacts (parent) WHERE parent IS NOT NULL;

-- Where the bytes of artifacts may lie that have neither payload nor blob.
CREATE TABLE places (
  num     INTEGER PRIMARY KEY AUTOINCREMENT,
  address TEXT NOT NULL,                  -- a folder, or a URL
  host    TEXT,                           -- whose folder it is; NULL for a URL
  mark    TEXT NOT NULL                   -- what a file in the folder says, whatever its host is called
);
CREATE UNIQUE INDEX places_address ON places (address, coalesce(host, ''));

-- What was deleted and may still lie in a place. Written with the deletion, gone when the bytes are.
CREATE TABLE removals (
  place    INTEGER NOT NULL REFERENCES places,
  key      TEXT NOT NULL,
  deletion TEXT NOT NULL,                 -- which one: the same key may be made and deleted again
  tried_at INTEGER,
  PRIMARY KEY (place, key)
) WITHOUT ROWID;
