"""WS-Management, PSRP, CLIXML and authentication of the simulated hosts."""
