"""`python3 -B -s -m loom_worker`: started by Loom's daemon, with its end of a socket as descriptor 3."""
from .serve import main

main()
