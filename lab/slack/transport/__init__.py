"""How the app and the workspace talk: Web API, Socket Mode, HTTP requests, response URLs."""
