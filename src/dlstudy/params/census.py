"""Parameters of the census of torchvision's image classifiers."""

from dlstudy.params.base import Items, Section


class CensusParams(Section):
    families: Items[str]  # of src/dlstudy/families.yaml; an empty list for all
