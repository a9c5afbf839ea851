"""The people of the workspace: what they type, click and see."""
