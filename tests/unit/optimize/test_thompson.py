import torch

from molvae.optimize.thompson import fit_gp, length_scales, thompson_sample


def points(n=60):
    torch.manual_seed(0)
    inputs = torch.rand(n, 3, dtype=torch.float64)
    # The last dimension has no effect.
    return inputs, torch.sin(5.0 * inputs[:, 0]) + inputs[:, 1]


def test_it_predicts_and_tells_which_dimensions_matter():
    inputs, values = points()
    model = fit_gp(inputs[:50], values[:50])
    predicted = model.posterior(inputs[50:]).mean[:, 0].detach()
    assert (predicted - values[50:]).abs().max() < 0.1
    scales = length_scales(model)
    assert scales.shape == (3,)
    assert scales.argmax() == 2


def test_samples_are_distinct_and_mostly_good():
    inputs, values = points()
    model = fit_gp(inputs, values)
    candidates = torch.rand(200, 3, dtype=torch.float64)
    samples = thompson_sample(model, candidates, 20)
    assert len(samples.unique(dim=0)) == 20
    true = torch.sin(5.0 * samples[:, 0]) + samples[:, 1]
    assert true.mean() > torch.sin(5.0 * candidates[:, 0]).add(candidates[:, 1]).quantile(0.8)


def test_constant_scores_still_give_a_model():
    inputs, _ = points(10)
    assert len(thompson_sample(fit_gp(inputs, torch.zeros(10, dtype=torch.float64)), inputs, 3)) == 3
