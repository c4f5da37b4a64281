"""The data sets that params.yaml may name: torchvision's, of 60,000 + 10,000 grey images, 28 x 28, in ten classes.

All that the study knows of one stands here, so that another is a name and an entry more; with them go its checksums,
datasets/<name in params.yaml>/SHA256SUMS, and a page on it, datasets/<`slug`>.md. torchvision is not imported, since
parameters are checked and reports are written without it.
"""

from dataclasses import dataclass
from typing import Final, Literal

ImageSetName = Literal["FashionMNIST", "MNIST", "KMNIST"]
"""In params.yaml, in torchvision.datasets, and below datasets/: dvc.yaml can name the folder by a parameter alone."""


@dataclass(frozen=True)
class ImageSet:
    dataset: ImageSetName
    name: str  # as readers know it
    class_names: tuple[str, ...]
    thing: str  # what one image shows: "each of ..."
    kinds: str  # what the classes are: "ten ..."
    origin: str  # who made it, its licence, its paper
    debian_package: str = ""  # that has the files, if one has
    debian_folder: str = ""  # where it puts them

    @property
    def slug(self) -> str:
        """The name in lower case, as part of other names."""
        return self.name.lower().replace("-", "_")

    @property
    def variable(self) -> str:
        """The environment variable that names a folder with its files."""
        return f"DLSTUDY_{self.slug.upper()}"

    @property
    def layouts(self) -> tuple[str, ...]:
        """Where below such a folder torchvision would have put the files."""
        return "raw", f"{self.dataset}/raw"

    @property
    def page(self) -> str:
        """What tells more of it, seen from the root of the checkout."""
        return f"datasets/{self.slug}.md"

    @property
    def anchor(self) -> str:
        """Its section in the data sheet."""
        return self.name.lower()


_ALL: Final = (
    ImageSet(
        dataset="FashionMNIST",
        name="Fashion-MNIST",
        class_names=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        thing="an item of clothing",
        kinds="kinds of clothing",
        origin="Zalando Research, MIT licence (Xiao, Rasul and Vollgraf 2017, arXiv 1708.07747)",
        debian_package="dataset-fashion-mnist",
        debian_folder="usr/share/datasets/fashion-mnist",
    ),
    ImageSet(
        dataset="MNIST",
        name="MNIST",
        class_names=("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
        thing="a handwritten digit",
        kinds="digits",
        origin="LeCun, Cortes and Burges, made of NIST's Special Databases 1 and 3 "
        "(LeCun, Bottou, Bengio and Haffner, Proceedings of the IEEE 86(11), 1998)",
    ),
    ImageSet(
        dataset="KMNIST",
        name="KMNIST",
        class_names=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        thing="a hiragana in the cursive hand of old Japanese books",
        kinds="hiragana",
        origin="CODH, adapted from the Kuzushiji Dataset, CC BY-SA 4.0, doi:10.20676/00000341 "
        "(Clanuwat et al. 2018, arXiv 1812.01718)",
    ),
)

IMAGE_SETS: Final[dict[str, ImageSet]] = {each.dataset: each for each in _ALL}
"""Each by its name in params.yaml."""
