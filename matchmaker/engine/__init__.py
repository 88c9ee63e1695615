"""The engine: candidates, scores, exact assignment with its proof, rounds and tables of a job dating.

Plain functions and frozen dataclasses over numpy arrays. It knows nothing of the application: ids are opaque numbers,
there is no clock, no log, no network, no hidden randomness, and arguments are never changed.
``python -m matchmaker.engine COMMAND INPUT.json OUTPUT.json`` uses it from files.
"""
