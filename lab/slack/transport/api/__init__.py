"""The Web API: one module per family of methods, a table of all of them, and the gate every call passes."""
