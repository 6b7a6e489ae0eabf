"""What the figures store: predictions for moved images, embeddings."""

import numpy as np
import torch

from holder import embedding, perturbation
from holder.extraction import Encoder
from holder.head import Head

WHITE = torch.full((4, 3, 2, 2), 255, dtype=torch.uint8)


def brightness(x):
    """Two classes: 0 if an image is brighter than .6 on average."""
    mean = x.mean((1, 2, 3))
    return torch.stack([mean - 0.6, 0.6 - mean], 1) * 50


def test_a_step_leads_away_from_the_prediction_and_its_size_is_in_grey_levels():
    counts, target = perturbation.predictions(brightness, WHITE, [0, 100, 104, 255], target_label=1)
    assert counts.tolist() == [[4, 0], [4, 0], [0, 4], [0, 4]], "255 · .4 = 102"
    assert target[0] < 1e-6
    assert target[3] > 1 - 1e-6
    assert (target.diff() >= 0).all()


def test_extractor_and_classifier_are_one_function_with_a_gradient():
    encoder = Encoder(lambda x: x.flatten(1), 2, (0.5,) * 3, (0.5,) * 3)
    bounds = torch.full((12,), -1.0), torch.full((12,), 1.5)
    head = Head(*bounds, torch.ones(1, 12), torch.tensor([-6.0]), torch.tensor([[1.0], [-1.0]]), torch.zeros(2))
    forward = perturbation.with_head(encoder, head)
    torch.testing.assert_close(forward(WHITE / 255), torch.tensor([[3.6, -3.6]]).repeat(4, 1))
    counts, _ = perturbation.predictions(lambda x: forward(x) + torch.tensor([0, 4.0]), WHITE, [0, 255], 0)
    assert counts.tolist() == [[4, 0], [0, 4]]


def test_pruned_neurons_are_silent_in_the_last_layer():
    head = Head(torch.zeros(2), torch.ones(2), torch.eye(2), torch.zeros(2), torch.eye(2), torch.zeros(2))
    z = torch.tensor([[0.2, 0.7]])
    assert embedding.last_layer(head, z, torch.tensor([1])).tolist() == [[np.float32(0.2), 0]]


def test_groups_stay_apart_in_the_picture_and_it_repeats():
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.normal(size=(20, 8)), rng.normal(20, size=(20, 8))])
    points = embedding.tsne(rows, 2**62 + 1)
    assert np.array_equal(points, embedding.tsne(rows, 2**62 + 1))
    within = np.linalg.norm(points[:20] - points[:20].mean(0), axis=1).max()
    assert np.linalg.norm(points[:20].mean(0) - points[20:].mean(0)) > within


def test_marks_tell_clean_from_triggered():
    found = embedding.marks(np.array([3, 4], np.uint8), np.array([5], np.uint8))
    assert found["labels"].tolist() == [3, 4, 5]
    assert found["triggered"].tolist() == [0, 0, 1]
