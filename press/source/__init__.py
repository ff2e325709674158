"""A chapter's source: where it lies (`project`), woven into a notebook (`weave`), read cell by cell
(`cells`), and the parameters that a person gives it (`given`)."""
