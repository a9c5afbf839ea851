"""The engine's front door: requests, controls and queries."""
