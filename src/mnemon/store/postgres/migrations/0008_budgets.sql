-- How many bytes a namespace, with all below it, may hold in a compiled form.
CREATE TABLE budgets (
  tenant bigint NOT NULL,
  path   text COLLATE "C" NOT NULL,
  form   text COLLATE "C" NOT NULL,
  bytes  bigint NOT NULL,
  PRIMARY KEY (tenant, path, form)
);

ALTER TABLE budgets ENABLE ROW LEVEL SECURITY;
ALTER TABLE budgets FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON budgets
  USING (tenant = (SELECT nullif(current_setting('mnemon.tenant', true), '')::bigint));
CREATE POLICY whole ON budgets
  USING ((SELECT current_setting('mnemon.whole', true) = 'on'));
