"""Use cases, as verbs. Services change the session and flush; they never commit. Every query lives here, as a named function."""
