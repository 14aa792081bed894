"""Look at the files of a dataset and report what is wrong with them: `medshelf.audit.run.audit`."""
