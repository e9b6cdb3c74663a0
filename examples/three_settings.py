"""Freeze, fine-tune or train from scratch: one network on the digits, in a minute on a CPU.

So few steps on images this small show how it goes and not which setting is best; the preset
``quick``, which is what stands where nothing is set, takes longer and says more.
"""

import penultimate as pn

budget = {"steps": 60, "batch_size": 32, "learning_rates": (0.02, 0.06), "weight_decays": (0.0,)}
study = pn.Study(
    backbones=[pn.Backbone(name="tf_efficientnet_lite0@package", image_size=32)],
    tasks=["digits"],
    methods=[pn.LinearProbe(), pn.FineTune(**budget), pn.FromScratch(**budget)],
)
results = pn.run(study, store="three-settings-store")
print(results.frame()[["method", "score", "ci_low", "ci_high", "learning_rate"]])
for candidate in results.results[1].selection:  # the grid of fine-tuning, as validation saw it
    print(candidate.settings, candidate.score)
