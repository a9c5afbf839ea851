"""What is copied to where it is needed: settings, the app's manifest, the systemd unit, the hosts' endpoint.

The program reads its own copies from here, and ``migrate-bot init`` writes them: each exists once.
"""
