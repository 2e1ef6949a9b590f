-- What jobs are to read, in pieces, so that any machine may carry them out; gone with the job.
CREATE TABLE job_files (
  tenant   bigint NOT NULL,
  job      text COLLATE "C" NOT NULL,
  position bigint NOT NULL,
  piece    bytea NOT NULL,
  PRIMARY KEY (tenant, job, position),
  FOREIGN KEY (tenant, job) REFERENCES jobs (tenant, id)
);
ALTER TABLE job_files ALTER COLUMN piece SET STORAGE EXTERNAL;

ALTER TABLE job_files ENABLE ROW LEVEL SECURITY;
ALTER TABLE job_files FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON job_files
  USING (tenant = (SELECT nullif(current_setting('mnemon.tenant', true), '')::bigint));
CREATE POLICY whole ON job_files
  USING ((SELECT current_setting('mnemon.whole', true) = 'on'));
