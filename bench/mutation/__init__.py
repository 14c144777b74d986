"""Would a test notice? Mutation testing of the modules that decide what may be written."""
