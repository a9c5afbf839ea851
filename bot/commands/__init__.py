"""What people type: cleaned, cut into words, understood as a command or answered as a mistake. Pure."""
