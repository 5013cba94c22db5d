"""The doctor: examines everything from the configuration to the last task, and says what to do about each fault."""
