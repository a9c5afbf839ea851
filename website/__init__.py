"""Builds the pages of the repository into a site that is served or opened as it lies there."""
