"""PowerShell as a simulated host runs it: sessions, pipelines, parameter binding, cmdlets."""
