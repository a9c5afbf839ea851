"""The lab's second engine: a real PowerShell behind the lab's WS-Management, with stand-ins for the Hyper-V cmdlets."""
