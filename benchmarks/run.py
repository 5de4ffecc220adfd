"""Measure speed relative to a hardware limit or a reference implementation that is measured in the same run.

    make bench                                  # all -> results/bench.json; see speed_table.py
    python benchmarks/run.py train sample       # some
    python benchmarks/run.py prepare=train.csv.gz   # on a library of your own
    python benchmarks/run.py moses=data/raw/moses   # scoring, compared with the MOSES package, on the benchmark's data

On shared machines timings are noisy: the ratios are more meaningful than the rates.
"""

import os
import sys

# As in the workflow: idle threads sleep.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Worker processes import this file again, and do not need what follows, such as torch.
if __name__ == "__main__":
    from suite import main

    main(sys.argv[1:])
