"""How far apart are the perceptual hashes of copies, and of different pictures?

    python benchmarks/near_duplicates.py folder:DIR

Under two minutes for a thousand pictures on two cores. Its figures for one collection of clip art
and photographs are in docs/decisions/near-duplicates.md, where the default distance is chosen.
It then times the comparison of all pairs of 50,000 hashes.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance

from penultimate.data import load_dataset
from penultimate.data.duplicates import find_duplicates, near_pairs, perceptual_hash
from penultimate.spec import Task

DISTANCES = (4, 8, 10, 12, 16, 20, 24, 32, 48, 64)


def jpeg(quality: int) -> Callable[[Image.Image], Image.Image]:
    def change(picture: Image.Image) -> Image.Image:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality)
        return Image.open(file).convert("RGB")

    return change


def cropped(share: float) -> Callable[[Image.Image], Image.Image]:
    """Without ``share`` of the width and height, half of it at each edge."""

    def change(picture: Image.Image) -> Image.Image:
        x, y = round(picture.width * share / 2), round(picture.height * share / 2)
        return picture.crop((x, y, picture.width - x, picture.height - y))

    return change


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG, quality 50": jpeg(50),
    "half size": lambda p: p.resize((max(1, p.width // 2), max(1, p.height // 2))),
    "half size, JPEG 50": lambda p: jpeg(50)(
        p.resize((max(1, p.width // 2), max(1, p.height // 2)))
    ),
    "brighter by 20 %": lambda p: ImageEnhance.Brightness(p).enhance(1.2),
    "cropped by 1 %": cropped(0.01),
    "cropped by 2 %": cropped(0.02),
    "cropped by 5 %": cropped(0.05),
    "mirrored": lambda p: p.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
}


def bits(hashes: list[str]) -> np.ndarray:
    return np.frombuffer(bytes.fromhex("".join(hashes)), np.uint64).reshape(len(hashes), -1)


def row(name: str, distances: np.ndarray) -> str:
    within = " ".join(f"{100 * np.mean(distances <= d):6.1f}" for d in DISTANCES)
    return f"{name:22s} {np.median(distances):6.0f} {np.quantile(distances, 0.95):5.0f} {within}"


def main(source: str) -> None:
    data = load_dataset(Task(source=source))
    _, distinct = np.unique(data.digests, return_index=True)
    pictures = [data.image(i) for i in distinct.tolist()]
    hashes = [perceptual_hash(picture) for picture in pictures]
    kept = [i for i, text in enumerate(hashes) if text]
    print(f"{len(pictures)} pictures, {len(pictures) - len(kept)} too plain to have a hash")
    own = bits([hashes[i] for i in kept])

    print(f"\nper cent within distance {'':11s}" + " ".join(f"{d:6d}" for d in DISTANCES))
    for name, change in CHANGES.items():
        copies = [perceptual_hash(change(pictures[i])) for i in kept]
        both = [(a, copy) for a, copy in zip(own, copies, strict=True) if copy]
        theirs = bits([copy for _, copy in both])
        mine = np.stack([a for a, _ in both])
        print(row(name, np.bitwise_count(mine ^ theirs).sum(axis=1, dtype=int)))

    pairs = np.bitwise_count(own[:, None] ^ own[None]).sum(axis=2, dtype=int)
    left, right = np.triu_indices(len(own), 1)
    apart = pairs[left, right]
    print(f"\n{len(apart):,} pairs of different pictures: smallest {np.sort(apart)[:12]}")
    print("distance, pairs, pictures in groups, largest group")
    for d in DISTANCES:
        groups = find_duplicates([str(i) for i in kept], [hashes[i] for i in kept], None, d).groups
        sizes = np.bincount(groups)
        print(f"{d:4d} {np.sum(apart <= d):8d} {sizes[sizes > 1].sum():6d} {sizes.max():6d}")
    print("\nnearest pairs:")
    for k in np.argsort(apart, kind="stable")[:25]:
        a, b = (data.ids[distinct[kept[i]]] for i in (left[k], right[k]))
        print(f"{apart[k]:4d} {a} | {b}")

    random = np.random.default_rng(0)
    many = [random.bytes(32).hex() for _ in range(50_000)]
    start = time.perf_counter()
    near_pairs(many, 12)
    print(f"\n50,000 hashes, all pairs: {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main(sys.argv[1])
