"""One label per image: the output holds one score per class."""

from pipeline.tasks.image_classification.task import TASK as TASK
