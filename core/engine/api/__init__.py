"""What the bot may ask of the engine: requests, controls and queries."""
