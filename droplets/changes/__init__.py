"""The time line: what has changed between one reading of a team's droplets and the next, in any team.

`store.changes_since(user, id)` is the way to new changes: those that the user may see, the oldest first. `Change.id`
grows in the order in which changes are committed, so whoever remembers the highest id that was read misses none. No
message says that there are new ones: a scheduled task asks. A change is stored once for all users whose connections
share the team, so remember an id for each user, and begin with `store.latest_id()` where the past is of no interest.
"""
