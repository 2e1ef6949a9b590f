-- Mnemon on PostgreSQL, layout 1. Times are microseconds since 1970, UTC. Text is UTF-8 and compared by
-- code points, metadata is JSON.
--
-- A tenant is the first segment of a namespace. Its number leads every primary key, every index and
-- every foreign key, so that all rows of a tenant lie together on one node of a distributed database,
-- and every transaction touches one node. The exceptions: `store`, `spaces`, `tenants` (the same on every
-- node) and `directory` (found by a cube's id alone).

CREATE TABLE store (key text COLLATE "C" PRIMARY KEY, value text NOT NULL);

-- A tenant's number is never used for another one. `digest` is a salted SHA-256 of its name, so that
-- nothing but the namespaces says the name, and these go with their last cube.
CREATE TABLE tenants (
  num    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY CHECK (num BETWEEN 1 AND 268435455),
  digest bytea NOT NULL UNIQUE
);

-- The last number a tenant has given out of each kind. Who writes locks the row until the commit, so
-- numbers are committed in their order: a reader who has seen one has seen all before it.
CREATE TABLE counters (
  tenant bigint PRIMARY KEY,
  seq    bigint NOT NULL DEFAULT 0,   -- of the journal
  row    bigint NOT NULL DEFAULT 0,   -- of versions
  num    bigint NOT NULL DEFAULT 0,   -- of links and artifacts
  place  bigint NOT NULL DEFAULT 0    -- of namespaces
) WITH (fillfactor = 50);

CREATE TABLE namespaces (
  tenant bigint NOT NULL,
  num    bigint NOT NULL,             -- tenant << 31 | a number of the tenant's own
  path   text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, num),
  UNIQUE (tenant, path)
);

-- Where a cube is whose id is all that is known, and which ids were purged: a late write or an old
-- export does not bring them back. Tenant 0 has tombstones of cubes that were never here.
CREATE TABLE directory (
  id        text COLLATE "C" PRIMARY KEY,
  tenant    bigint NOT NULL,
  purged_at bigint
);

-- Who a cube is: never changes. `num` is the row of its first version. `key` is the caller's
-- idempotency key.
CREATE TABLE cubes (
  tenant    bigint NOT NULL,
  num       bigint NOT NULL,
  id        text COLLATE "C" NOT NULL,
  namespace bigint NOT NULL,
  key       text COLLATE "C",
  PRIMARY KEY (tenant, num),
  UNIQUE (tenant, id)
);
CREATE UNIQUE INDEX cubes_key ON cubes (tenant, namespace, key) WHERE key IS NOT NULL;

-- What a cube said, version by version. The current one has no retired_at; a forgotten cube has no
-- current one. `row` is tenant << 35 | a number of the tenant's own, never used twice.
CREATE TABLE versions (
  tenant       bigint NOT NULL,
  row          bigint NOT NULL,
  cube         bigint NOT NULL,
  version      bigint NOT NULL,
  namespace    bigint NOT NULL,
  kind         text NOT NULL,
  speaker      text COLLATE "C",
  session      text,
  valid_from   bigint NOT NULL,
  valid_to     bigint,
  recorded_at  bigint NOT NULL,
  retired_at   bigint,
  length       bigint NOT NULL,          -- in terms, for ranking
  asks         boolean NOT NULL,         -- whether it asks a question, for ranking
  readers      text,                     -- JSON list of actors; NULL is everyone
  writers      text,
  retain_until bigint,
  compile      boolean NOT NULL DEFAULT true,  -- may be compiled into weights
  producer     text NOT NULL,
  source       text,
  confidence   double precision NOT NULL DEFAULT 1.0,
  digest       bytea NOT NULL,           -- SHA-256 of the content
  metadata     text,
  content      text NOT NULL,
  PRIMARY KEY (tenant, row),
  UNIQUE (tenant, cube, version),
  FOREIGN KEY (tenant, cube) REFERENCES cubes (tenant, num)
);
CREATE INDEX versions_namespace ON versions (tenant, namespace, row);
CREATE INDEX versions_session ON versions (tenant, namespace, session, row) WHERE session IS NOT NULL;
CREATE INDEX versions_retention ON versions (tenant, retain_until) WHERE retain_until IS NOT NULL;

-- Who has spoken where: their names are taken out of the text given to an embedder.
CREATE TABLE speakers (
  tenant    bigint NOT NULL,
  namespace bigint NOT NULL,
  speaker   text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, namespace, speaker)
);

-- Which cubes (and characters of them) a version was made from.
CREATE TABLE spans (
  tenant   bigint NOT NULL,
  row      bigint NOT NULL,
  position bigint NOT NULL,
  cube     text COLLATE "C" NOT NULL,    -- by id: the source may be purged, the trace stays
  version  bigint NOT NULL,
  "start"  bigint,
  "end"    bigint,
  PRIMARY KEY (tenant, row, position),
  FOREIGN KEY (tenant, row) REFERENCES versions (tenant, row)
);
CREATE INDEX spans_cube ON spans (tenant, cube);

CREATE TABLE links (
  tenant      bigint NOT NULL,
  num         bigint NOT NULL,
  src         bigint NOT NULL,
  type        text COLLATE "C" NOT NULL,
  dst         bigint NOT NULL,
  weight      double precision NOT NULL DEFAULT 1.0,
  metadata    text,
  recorded_at bigint NOT NULL,
  retired_at  bigint,
  PRIMARY KEY (tenant, num),
  FOREIGN KEY (tenant, src) REFERENCES cubes (tenant, num),
  FOREIGN KEY (tenant, dst) REFERENCES cubes (tenant, num)
);
CREATE UNIQUE INDEX links_live ON links (tenant, src, type, dst) WHERE retired_at IS NULL;
CREATE INDEX links_src ON links (tenant, src);
CREATE INDEX links_dst ON links (tenant, dst);

CREATE TABLE usage (
  tenant    bigint NOT NULL,
  cube      bigint NOT NULL,
  reads     bigint NOT NULL DEFAULT 0,
  last_read bigint,
  helpful   bigint NOT NULL DEFAULT 0,
  unhelpful bigint NOT NULL DEFAULT 0,
  strength  double precision NOT NULL DEFAULT 1.0,
  PRIMARY KEY (tenant, cube),
  FOREIGN KEY (tenant, cube) REFERENCES cubes (tenant, num)
);

-- Embedding spaces live side by side; one is active. `embedder` says how to make the model again.
CREATE TABLE spaces (
  num        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name       text NOT NULL UNIQUE,
  model      text NOT NULL,
  revision   text NOT NULL,
  dimension  bigint NOT NULL,
  embedder   text NOT NULL,
  state      text NOT NULL CHECK (state IN ('building', 'active', 'retired')),
  created_at bigint NOT NULL
);
CREATE UNIQUE INDEX spaces_active ON spaces (state) WHERE state = 'active';

-- A vector is an artifact with one source, its version. int8 components; the float32 scale in the
-- first four bytes multiplies them.
CREATE TABLE vectors (
  tenant    bigint NOT NULL,
  namespace bigint NOT NULL,
  space     bigint NOT NULL,
  row       bigint NOT NULL,
  vector    bytea NOT NULL,
  PRIMARY KEY (tenant, namespace, space, row)
);
ALTER TABLE vectors ALTER COLUMN vector SET STORAGE PLAIN;

-- Which versions hold a term, and how often. A search walks the lists of its own namespaces only.
CREATE TABLE words (
  tenant    bigint NOT NULL,
  namespace bigint NOT NULL,
  term      text COLLATE "C" NOT NULL,
  row       bigint NOT NULL,
  count     integer NOT NULL,
  PRIMARY KEY (tenant, namespace, term, row)
);
CREATE INDEX words_row ON words (tenant, row);

-- Compiled forms: embeddings of groups, summaries, KV caches, adapters. Fresh iff every source is
-- its cube's current version; nothing here says so, the join does.
CREATE TABLE artifacts (
  tenant     bigint NOT NULL,
  num        bigint NOT NULL,
  key        text COLLATE "C" NOT NULL,  -- digest of everything that decides the content
  form       text NOT NULL,
  namespace  bigint NOT NULL,
  method     text NOT NULL,
  model      text,
  header     text NOT NULL,              -- JSON: options, figures, shapes
  size       bigint NOT NULL,            -- bytes of the payload
  checksum   bytea NOT NULL,             -- SHA-256 of the payload
  payload    bytea,
  created_at bigint NOT NULL,
  PRIMARY KEY (tenant, num),
  UNIQUE (tenant, key)
);
ALTER TABLE artifacts ALTER COLUMN payload SET STORAGE EXTERNAL;
CREATE INDEX artifacts_form ON artifacts (tenant, namespace, form);

CREATE TABLE artifact_sources (
  tenant   bigint NOT NULL,
  artifact bigint NOT NULL,
  position bigint NOT NULL,
  cube     bigint NOT NULL,
  version  bigint NOT NULL,
  PRIMARY KEY (tenant, artifact, position),
  FOREIGN KEY (tenant, artifact) REFERENCES artifacts (tenant, num)
);
CREATE INDEX artifact_sources_cube ON artifact_sources (tenant, cube);

-- What happened, never what was said. Caches catch up from it.
CREATE TABLE journal (
  tenant    bigint NOT NULL,
  seq       bigint NOT NULL,
  at        bigint NOT NULL,
  verb      text NOT NULL,
  actor     text NOT NULL,
  namespace bigint,
  cube      text COLLATE "C",
  version   bigint,
  detail    text,
  PRIMARY KEY (tenant, seq)
);
CREATE INDEX journal_cube ON journal (tenant, cube) WHERE cube IS NOT NULL;
