-- A row is seen and written only by who says whose it is: `SET LOCAL mnemon.tenant` to a tenant's
-- number, or `SET LOCAL mnemon.whole = 'on'` for what concerns the whole store. Who says nothing sees
-- nothing. FORCE: the tables' owner too.

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY[
    'counters', 'namespaces', 'directory', 'cubes', 'versions', 'speakers', 'spans', 'links', 'usage',
    'vectors', 'words', 'artifacts', 'artifact_sources', 'journal', 'tenants'
  ] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    -- As subqueries: asked once a statement, not once a row.
    EXECUTE format(
      'CREATE POLICY tenant ON %I USING (%I = '
      '(SELECT nullif(current_setting(''mnemon.tenant'', true), '''')::bigint))',
      name, CASE name WHEN 'tenants' THEN 'num' ELSE 'tenant' END
    );
    EXECUTE format(
      'CREATE POLICY whole ON %I USING ((SELECT current_setting(''mnemon.whole'', true) = ''on''))',
      name
    );
  END LOOP;
END $$;

CREATE POLICY nobodys ON directory FOR SELECT USING (tenant = 0);
