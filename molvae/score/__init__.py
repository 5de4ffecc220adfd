"""The score stage: generated molecules against reference molecules, by the definitions of the MOSES benchmark.

Nothing is imported here: the processes that describe molecules need neither the model nor the charts.
"""
