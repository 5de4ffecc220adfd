"""Measure how fast the parts are, each against a limit or a peer that is measured in the same run.

    make bench                                  # all
    python benchmarks/run.py train sample       # some
    python benchmarks/run.py prepare=train.csv.gz   # on a library of your own
    python benchmarks/run.py moses=data/raw/moses   # scoring, beside the MOSES package, on the benchmark's own sets

Machines are shared and noisy: the ratios mean more than the figures.
"""

import os
import sys

# As in the workflow: threads that wait sleep.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Processes that take a share of the work read this file anew, and need nothing of what follows, such as torch.
if __name__ == "__main__":
    from suite import main

    main(sys.argv[1:])
