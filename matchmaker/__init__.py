"""La Croisée: needs and offers of a territory cross here.

declare → match per territory → propose → answer → job dating at a third place → invite → meet → observe.

app wires · web, api and cli speak · tasks run · services decide · mail and ics go out · models remember · engine computes.
A module imports only what stands below it. The whole picture: README.md and CONTRIBUTING.md.
"""
