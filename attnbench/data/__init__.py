"""The table of the data sets known by name. Any other name is a folder."""

from __future__ import annotations

from attnbench.registry import Entry

DATASETS: tuple[Entry, ...] = (
    Entry(
        kind="dataset",
        name="digits",
        target="attnbench.data.digits:open_digits",
        family="scikit-learn",
        summary="1,797 real handwritten digits of 8×8 pixels, embedded: no download",
        link="https://archive.ics.uci.edu/dataset/80",
    ),
    Entry(
        kind="dataset",
        name="digit-scenes",
        target="attnbench.data.digit_scenes:open_digit_scenes",
        family="scikit-learn",
        summary="1,000 scenes composed of real digits, with boxes and label maps: no download",
        link="https://archive.ics.uci.edu/dataset/80",
    ),
    Entry(
        kind="dataset",
        name="cifar10",
        target="attnbench.data.cifar:open_cifar10",
        family="torchvision",
        summary="60,000 photographs of 32×32 pixels in 10 classes; downloaded to ./data",
        link="https://www.cs.toronto.edu/~kriz/cifar.html",
    ),
    Entry(
        kind="dataset",
        name="cifar100",
        target="attnbench.data.cifar:open_cifar100",
        family="torchvision",
        summary="60,000 photographs of 32×32 pixels in 100 classes; downloaded to ./data",
        link="https://www.cs.toronto.edu/~kriz/cifar.html",
    ),
    Entry(
        kind="dataset",
        name="synthetic",
        target="attnbench.data.synthetic:open_synthetic",
        family="generated",
        summary="random images with random labels, for speed work",
    ),
)
