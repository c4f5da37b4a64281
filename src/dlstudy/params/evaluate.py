"""Parameters of the evaluate stages."""

from dlstudy.params.base import PositiveInt, Section


class EvaluateParams(Section):
    num_mistakes: PositiveInt  # images in a gallery of the most confident mistakes
