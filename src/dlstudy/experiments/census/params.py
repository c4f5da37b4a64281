"""Parameters of the census of torchvision's image classifiers."""

from dlstudy.core.base.params import Items, Section


class CensusParams(Section):
    families: Items[str]  # of families.yaml beside this file; an empty list for all
