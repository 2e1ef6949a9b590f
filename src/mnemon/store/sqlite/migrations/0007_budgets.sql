-- How many bytes a namespace, with all below it, may hold in a compiled form.
CREATE TABLE budgets (
  path  TEXT NOT NULL,
  form  TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY (path, form)
) WITHOUT ROWID;
