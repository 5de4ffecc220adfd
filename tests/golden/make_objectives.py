"""Remake `objectives.json`: the scores that the GuacaMol package itself gives to some molecules.

Needs guacamol 0.5.5, whose own requirements no longer install:

    pip install --no-deps --target /tmp/guacamol guacamol==0.5.5 tqdm
    PYTHONPATH=/tmp/guacamol python tests/golden/make_objectives.py
"""

import json
from pathlib import Path

import numpy
import scipy

HERE = Path(__file__).parent

# PMO's names, in the order of GuacaMol's suite "v2".
SUITE = [
    *("celecoxib_rediscovery", "troglitazone_rediscovery", "thiothixene_rediscovery"),
    *("aripiprazole_similarity", "albuterol_similarity", "mestranol_similarity"),
    *("isomers_c11h24", "isomers_c9h10n2o2pf2cl", "median1", "median2"),
    *("osimertinib_mpo", "fexofenadine_mpo", "ranolazine_mpo", "perindopril_mpo", "amlodipine_mpo"),
    *("sitagliptin_mpo", "zaleplon_mpo", "valsartan_smarts", "deco_hop", "scaffold_hop"),
]

# The molecules that the tasks are about, others near them, and ordinary ones.
MOLECULES = [
    "CC1=CC=C(C=C1)C1=CC(=NN1C1=CC=C(C=C1)S(N)(=O)=O)C(F)(F)F",
    "Cc1c(C)c2OC(C)(COc3ccc(CC4SC(=O)NC4=O)cc3)CCc2c(C)c1O",
    "CC(C)(C)NCC(O)c1ccc(O)c(CO)c1",
    "C#C[C@]1(O)CC[C@H]2[C@@H]3CCc4cc(OC)ccc4[C@H]3CC[C@@]21C",
    "CCCCCCCCCCC",
    "CC(C)CCCCC(C)CC",
    "Nc1ccc(O)cc1O",
    "COc1cc(N)ncc1O",
    "O=P(F)(F)NC(=O)Nc1cc(CC)ccc1Cl",
    "CC1(C)C2CCC1(C)C(O)C2",
    "CCCc1nn(C)c2c1nc([nH]c2=O)-c1cc(ccc1OCC)S(=O)(=O)N1CCN(C)CC1",
    "COc1cc(N(C)CCN(C)C)c(NC(=O)C=C)cc1Nc2nccc(n2)c3cn(C)c4ccccc34",
    "OC(CCCN1CCC(CC1)C(O)(c1ccccc1)c1ccccc1)c1ccc(cc1)C(N)=O",
    "COc1cccc(F)c1OCC(O)CN2CCN(CC(=O)Nc3c(C)cccc3C)CC2",
    "O=C(OCC)C(NC(C(=O)N1C(C(=O)O)Cc2ccccc21)C)CCc1ccccc1",
    "CCOC(=O)C1=C(COCCN)NC(C)=C(C1c1ccccc1Cl)C(=O)OC",
    "NC(Cc1cc(F)c(F)cc1F)CC(=O)N1CCn2c(C1)nnc2C(F)(F)F",
    "CCN(C(C)=O)c1cccc(c1)-c1ccnc2c(cnn12)C#N",
    "CN(Cc1ccc(-c2ccccc2S(N)(=O)=O)cc1)C(=O)C1CC1",
    "CN(Cc1ccc(-c2cccc(NS(C)(=O)=O)c2)cc1)C(=O)CC#N",
    "CCCOc1cc2ncnc(Nc3ccc(F)c(Cl)c3)c2cc1S(=O)(=O)C(C)(C)C",
    "CCCOc1cc2ncnc(Nc3ccc4ncsc4c3)c2cc1C(=O)N(C)C",
    "CC(=O)Oc1ccccc1C(=O)O",
    "CN1CCC[C@H]1c1cccnc1",
]

if __name__ == "__main__":
    # guacamol asks SciPy for what is NumPy's today.
    scipy.histogram = numpy.histogram
    from guacamol.benchmark_suites import goal_directed_suite_v2
    from guacamol.standard_benchmarks import isomers_c7h8n2o2, qed_benchmark

    benchmarks = dict(zip(SUITE, goal_directed_suite_v2(), strict=True))
    benchmarks |= {"isomers_c7h8n2o2": isomers_c7h8n2o2(), "qed": qed_benchmark()}
    content = {
        "molecules": MOLECULES,
        "scores": {
            name: [float(score) for score in benchmark.objective.score_list(MOLECULES)]
            for name, benchmark in sorted(benchmarks.items())
        },
    }
    (HERE / "objectives.json").write_text(json.dumps(content, indent=1) + "\n")
