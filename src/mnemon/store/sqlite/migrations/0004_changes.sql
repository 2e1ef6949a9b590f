-- What ends versions: a cache of one namespace looks for it among all that was added elsewhere since.
CREATE INDEX journal_changes ON journal (seq)
  WHERE verb IN ('update', 'restore', 'forget', 'purge', 'reindex');
