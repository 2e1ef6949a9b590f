-- Mnemon store, layout 1. One file holds everything. Times are microseconds since 1970, UTC. Text is UTF-8, metadata JSON.

CREATE TABLE store (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE namespaces (num INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL UNIQUE);

-- Who a cube is: never changes. `key` is the caller's idempotency key.
CREATE TABLE cubes (
  num       INTEGER PRIMARY KEY,
  id        TEXT NOT NULL UNIQUE,
  namespace INTEGER NOT NULL REFERENCES namespaces,
  key       TEXT
);
CREATE UNIQUE INDEX cubes_key ON cubes (namespace, key) WHERE key IS NOT NULL;

-- What a cube said, version by version. The current one has no retired_at; a forgotten cube has no
-- current one. `row` is never used twice: other tables and caches rely on it.
CREATE TABLE versions (
  row         INTEGER PRIMARY KEY AUTOINCREMENT,
  cube        INTEGER NOT NULL REFERENCES cubes,
  version     INTEGER NOT NULL,
  namespace   INTEGER NOT NULL REFERENCES namespaces,
  kind        TEXT NOT NULL,
  speaker     TEXT,
  session     TEXT,
  valid_from  INTEGER NOT NULL,
  valid_to    INTEGER,
  recorded_at INTEGER NOT NULL,
  retired_at  INTEGER,
  length      INTEGER NOT NULL,           -- in terms, for ranking
  asks        INTEGER NOT NULL,           -- whether it asks a question, for ranking
  readers     TEXT,                       -- JSON list of actors; NULL is everyone
  writers     TEXT,
  retain_until INTEGER,
  compile     INTEGER NOT NULL DEFAULT 1, -- may be compiled into weights
  producer    TEXT NOT NULL,
  source      TEXT,
  confidence  REAL NOT NULL DEFAULT 1.0,
  digest      BLOB NOT NULL,              -- SHA-256 of the content
  metadata    TEXT,
  content     TEXT NOT NULL,
  UNIQUE (cube, version)
);
CREATE INDEX versions_namespace ON versions (namespace, row);
CREATE INDEX versions_session ON versions (namespace, session, row) WHERE session IS NOT NULL;
CREATE INDEX versions_retention ON versions (retain_until) WHERE retain_until IS NOT NULL;

-- Who has spoken where: their names are taken out of the text given to an embedder.
CREATE TABLE speakers (
  namespace INTEGER NOT NULL REFERENCES namespaces,
  speaker   TEXT NOT NULL,
  PRIMARY KEY (namespace, speaker)
) WITHOUT ROWID;

-- Which cubes (and characters of them) a version was made from.
CREATE TABLE spans (
  row      INTEGER NOT NULL REFERENCES versions,
  position INTEGER NOT NULL,
  cube     TEXT NOT NULL,                 -- by id: the source may be purged, the trace stays
  version  INTEGER NOT NULL,
  "start"  INTEGER,
  "end"    INTEGER,
  PRIMARY KEY (row, position)
) WITHOUT ROWID;
CREATE INDEX spans_cube ON spans (cube);

CREATE TABLE links (
  num         INTEGER PRIMARY KEY,
  src         INTEGER NOT NULL REFERENCES cubes,
  type        TEXT NOT NULL,
  dst         INTEGER NOT NULL REFERENCES cubes,
  weight      REAL NOT NULL DEFAULT 1.0,
  metadata    TEXT,
  recorded_at INTEGER NOT NULL,
  retired_at  INTEGER
);
CREATE UNIQUE INDEX links_live ON links (src, type, dst) WHERE retired_at IS NULL;
CREATE INDEX links_src ON links (src);
CREATE INDEX links_dst ON links (dst);

CREATE TABLE usage (
  cube      INTEGER PRIMARY KEY REFERENCES cubes,
  reads     INTEGER NOT NULL DEFAULT 0,
  last_read INTEGER,
  helpful   INTEGER NOT NULL DEFAULT 0,
  unhelpful INTEGER NOT NULL DEFAULT 0,
  strength  REAL NOT NULL DEFAULT 1.0
);

-- Embedding spaces live side by side; one is active. `embedder` says how to make the model again.
CREATE TABLE spaces (
  num        INTEGER PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  model      TEXT NOT NULL,
  revision   TEXT NOT NULL,
  dimension  INTEGER NOT NULL,
  embedder   TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('building', 'active', 'retired')),
  created_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX spaces_active ON spaces (state) WHERE state = 'active';

-- A vector is an artifact with one source, its version: (space, row) is its whole key.
-- int8 components; the float32 scale in the first four bytes multiplies them.
CREATE TABLE vectors (
  namespace INTEGER NOT NULL,
  space     INTEGER NOT NULL REFERENCES spaces,
  row       INTEGER NOT NULL REFERENCES versions,
  vector    BLOB NOT NULL,
  PRIMARY KEY (namespace, space, row)
) WITHOUT ROWID;

-- Terms come analysed and each begins with its namespace's number, so that a search walks the
-- posting lists of its own namespace only. rowid is versions.row.
CREATE VIRTUAL TABLE words USING fts5 (terms, content='', tokenize='ascii');
CREATE VIRTUAL TABLE postings USING fts5vocab (words, instance);

-- Compiled forms: embeddings of groups, summaries, KV caches, adapters. Fresh iff every source is
-- its cube's current version; nothing here says so, the join does.
CREATE TABLE artifacts (
  num            INTEGER PRIMARY KEY,
  key            TEXT NOT NULL UNIQUE,    -- digest of everything that decides the content
  form           TEXT NOT NULL,
  namespace      INTEGER NOT NULL REFERENCES namespaces,
  method         TEXT NOT NULL,
  model          TEXT,
  header         TEXT NOT NULL,           -- JSON: options, figures, shapes
  size           INTEGER NOT NULL,        -- bytes of the payload
  checksum       BLOB NOT NULL,           -- SHA-256 of the payload
  payload        BLOB,                    -- small ones inside,
  blob           TEXT,                    -- large ones in this file of the blobs folder
  tier           TEXT NOT NULL DEFAULT 'disk',
  created_at     INTEGER NOT NULL,
  last_opened    INTEGER
);
CREATE INDEX artifacts_form ON artifacts (namespace, form);

CREATE TABLE artifact_sources (
  artifact INTEGER NOT NULL REFERENCES artifacts,
  position INTEGER NOT NULL,
  cube     INTEGER NOT NULL,
  version  INTEGER NOT NULL,
  PRIMARY KEY (artifact, position)
) WITHOUT ROWID;
CREATE INDEX artifact_sources_cube ON artifact_sources (cube);

-- What happened, never what was said. Caches catch up from it.
CREATE TABLE journal (
  seq       INTEGER PRIMARY KEY AUTOINCREMENT,
  at        INTEGER NOT NULL,
  verb      TEXT NOT NULL,
  actor     TEXT NOT NULL,
  namespace INTEGER,
  cube      TEXT,
  version   INTEGER,
  detail    TEXT
);
CREATE INDEX journal_cube ON journal (cube) WHERE cube IS NOT NULL;

-- Ids of purged cubes, so that a late write or an old export does not bring them back.
CREATE TABLE tombstones (id TEXT PRIMARY KEY, purged_at INTEGER NOT NULL) WITHOUT ROWID;
