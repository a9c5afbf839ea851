"""The workspace in a browser: what one person sees, as data, and the page that draws it."""
