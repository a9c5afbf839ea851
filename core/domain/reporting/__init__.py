"""Decides who must hear what: pages, announcements, where a VM is."""
