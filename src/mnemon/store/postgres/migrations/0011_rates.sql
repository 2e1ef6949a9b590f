-- How often servers may be asked in a namespace, with all below it, such as '500/s'. NULL is no limit.
ALTER TABLE quotas ADD COLUMN rate text;
