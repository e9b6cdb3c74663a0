"""What is known of the networks' accuracy on their source task when a study begins."""

from __future__ import annotations

from penultimate.backbones.built import Published
from penultimate.execution.plan import Planned
from penultimate.store import Accuracy, CheckpointName, ImageNetTable, ResultStore
from penultimate.store.imagenet import STUDY, SourceAccuracy


def note_accuracies(
    planned: list[Planned], store: ResultStore, table: ImageNetTable | None = None
) -> None:
    """Keep what is known of a study's networks on ImageNet, or on what they were trained on.

    Nothing is computed.

    Raises
    ------
    StoreError : the store cannot be written.
    """
    backbones = {item.run.weights: item.backbone for item in planned}
    for weights, backbone in backbones.items():
        given, published = backbone.spec.imagenet_top1, backbone.published
        if given is not None:
            store.imagenet.write(weights, "study", Accuracy(top1=given, source=STUDY))
        if published is not None and published.model:
            name = CheckpointName(model=published.model, image_size=published.image_size)
            store.imagenet.write_name(weights, name)
            accuracy = table.find(name.model, name.image_size) if table else None
            if accuracy is not None:
                store.imagenet.write(weights, "table", accuracy)
        if published is not None and published.top1 is not None:
            _note_published(store, weights, published, published.top1)


def _note_published(store: ResultStore, weights: str, published: Published, score: float) -> None:
    if published.task:
        store.imagenet.write_source(
            weights,
            SourceAccuracy(
                task=published.task,
                measure=published.measure,
                score=score,
                source=published.source,
            ),
        )
    else:
        accuracy = Accuracy(top1=score, source=published.source, images=published.images)
        store.imagenet.write(weights, "published", accuracy)
