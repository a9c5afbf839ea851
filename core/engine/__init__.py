"""The async shell around the decisions: observe, dispatch, move, settle, tell."""
