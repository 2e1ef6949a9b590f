-- How much a namespace prefix may hold. NULL is no limit.
CREATE TABLE quotas (path TEXT PRIMARY KEY, cubes INTEGER, bytes INTEGER) WITHOUT ROWID;

-- How much each namespace holds: current cubes, and the bytes of content and metadata of all
-- versions. Kept by the triggers below, so that checking a quota need not count.
CREATE TABLE holdings (
  namespace INTEGER PRIMARY KEY REFERENCES namespaces,
  cubes     INTEGER NOT NULL,
  bytes     INTEGER NOT NULL
);
INSERT INTO holdings
  SELECT namespace, count(*) FILTER (WHERE retired_at IS NULL),
    sum(length(CAST(content AS BLOB)) + coalesce(length(CAST(metadata AS BLOB)), 0))
  FROM versions GROUP BY namespace;

CREATE TRIGGER holdings_insert AFTER INSERT ON versions BEGIN
  INSERT INTO holdings VALUES (NEW.namespace, NEW.retired_at IS NULL,
    length(CAST(NEW.content AS BLOB)) + coalesce(length(CAST(NEW.metadata AS BLOB)), 0))
  ON CONFLICT (namespace) DO UPDATE SET
    cubes = cubes + excluded.cubes, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER holdings_update AFTER UPDATE OF retired_at, content, metadata ON versions BEGIN
  UPDATE holdings SET cubes = cubes + (NEW.retired_at IS NULL) - (OLD.retired_at IS NULL),
    bytes = bytes + length(CAST(NEW.content AS BLOB)) - length(CAST(OLD.content AS BLOB))
      + coalesce(length(CAST(NEW.metadata AS BLOB)), 0)
      - coalesce(length(CAST(OLD.metadata AS BLOB)), 0)
  WHERE namespace = NEW.namespace;
END;
CREATE TRIGGER holdings_delete AFTER DELETE ON versions BEGIN
  UPDATE holdings SET cubes = cubes - (OLD.retired_at IS NULL),
    bytes = bytes - length(CAST(OLD.content AS BLOB))
      - coalesce(length(CAST(OLD.metadata AS BLOB)), 0)
  WHERE namespace = OLD.namespace;
END;
CREATE TRIGGER holdings_gone AFTER DELETE ON namespaces BEGIN
  DELETE FROM holdings WHERE namespace = OLD.num;
END;

-- For how long a namespace prefix keeps cubes; the longest prefix of a namespace counts.
CREATE TABLE retention (
  path    TEXT PRIMARY KEY,
  seconds INTEGER NOT NULL,               -- since a cube's newest version was recorded
  purge   INTEGER NOT NULL                -- 0 retires
) WITHOUT ROWID;

-- What must not be forgotten whatever any policy says: a cube by its id, or a namespace prefix.
CREATE TABLE holds (what TEXT PRIMARY KEY, since INTEGER NOT NULL) WITHOUT ROWID;
