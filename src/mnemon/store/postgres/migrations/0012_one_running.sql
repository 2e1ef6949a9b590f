-- Of one call in one namespace one job runs: the index says so, and who claims needs no lock for it.
SELECT set_config('mnemon.whole', 'on', true);
UPDATE jobs SET state = 'waiting', token = NULL WHERE state = 'running' AND EXISTS (
  SELECT 1 FROM jobs o WHERE o.tenant = jobs.tenant AND o.call = jobs.call AND o.state = 'running'
  AND o.namespace IS NOT DISTINCT FROM jobs.namespace
  AND (o.due_at > jobs.due_at OR (o.due_at = jobs.due_at AND o.id > jobs.id))
);
SELECT set_config('mnemon.whole', 'off', true);
CREATE UNIQUE INDEX jobs_running ON jobs (tenant, call, coalesce(namespace, ''))
  WHERE state = 'running';
