"""Models learned from a measured column, with calibrated intervals and an applicability domain.

measurements = read_measurements(Path("measured.csv"), "pIC50")
learned = fit(measurements, seed=1)
learned.predict(["CCO"]).mean
learned.save(Path("potency"))
"""

# Each is imported for its entry in the registry, in the order of lists.
# isort: off
from molvae.learned import gaussian_process as gaussian_process
from molvae.learned import forest as forest

# isort: on
from molvae.learned.folder import load
from molvae.learned.measurements import Measurements, Rejected, read_measurements
from molvae.learned.model import LearnedModel, Prediction, fit

__all__ = ["LearnedModel", "Measurements", "Prediction", "Rejected", "fit", "load", "read_measurements"]
