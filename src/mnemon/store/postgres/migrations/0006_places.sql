-- An artifact may continue another: what it was made of begins with all that stands there.
ALTER TABLE artifacts ADD COLUMN parent text COLLATE "C";  -- key of the artifact it continues
CREATE INDEX artifacts_parent ON artifacts (tenant, parent) WHERE parent IS NOT NULL;

-- Where the bytes of artifacts may lie that have no payload.
CREATE TABLE places (
  num     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  address text NOT NULL,                 -- a folder, or a URL
  host    text,                          -- whose folder it is; NULL for a URL
  mark    text NOT NULL                  -- what a file in the folder says, whatever its host is called
);
CREATE UNIQUE INDEX places_address ON places (address, coalesce(host, ''));

-- What was deleted and may still lie in a place. Written with the deletion, gone when the bytes are.
CREATE TABLE removals (
  tenant   bigint NOT NULL,
  place    bigint NOT NULL,
  key      text COLLATE "C" NOT NULL,
  deletion text COLLATE "C" NOT NULL,    -- which one: the same key may be made and deleted again
  tried_at bigint,
  PRIMARY KEY (tenant, place, key)
);

ALTER TABLE removals ENABLE ROW LEVEL SECURITY;
ALTER TABLE removals FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON removals USING (tenant =
  (SELECT nullif(current_setting('mnemon.tenant', true), '')::bigint));
CREATE POLICY whole ON removals USING ((SELECT current_setting('mnemon.whole', true) = 'on'));
