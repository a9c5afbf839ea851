"""The async shell around the decisions: poll, dispatch, move, verify, tell."""
