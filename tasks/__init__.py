"""What workers run. The rule for a task: ids in, nothing out; load, call one service, commit.

A task may run twice, late, or die in the middle: the state of the row decides what is left to do. What must happen is a row
that beat finds; a message in the broker only makes it happen sooner.
"""
