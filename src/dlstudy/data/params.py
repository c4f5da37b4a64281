"""Parameters of the prepare stages."""

from typing import Annotated, Final

from pydantic import Field, ValidationInfo, field_validator

from dlstudy.core.base.params import Fraction, Items, NumRows, Section, Seed

HOUSING_ROWS: Final = 2_930  # sales; the download's checksums make sure


class ImagesParams(Section):
    """Which images, and how those that are not the test split are divided; the test images stay as they are.

    The context of validation may say how many these are (`num_images`), or what is wrong with the set (`images_problem`).
    """  # noqa: E501, RUF100 - the schema has these very lines

    dataset: str  # a folder below datasets/, which says what the set is
    train_size: NumRows
    validation_size: NumRows
    seed: Seed

    @field_validator("dataset")
    @classmethod
    def _is_as_it_should_be(cls, name: str, info: ValidationInfo) -> str:
        if problem := (info.context or {}).get("images_problem"):
            raise ValueError(problem)
        return name

    @field_validator("validation_size")
    @classmethod
    def _within_the_pool(cls, size: int, info: ValidationInfo) -> int:
        pool, wanted = (info.context or {}).get("num_images"), info.data.get("train_size", 0) + size
        if pool is not None and wanted > pool:
            raise ValueError(f"expected train_size + validation_size <= {pool}, found {wanted}")
        return size


class HousingParams(Section):
    """Which shares of the sales are kept for validation and test; the rest is for training."""

    validation_fraction: Fraction
    test_fraction: Fraction
    seed: Seed

    @field_validator("validation_fraction", "test_fraction")
    @classmethod
    def _is_two_sales_at_least(cls, fraction: float) -> float:
        if round(fraction * HOUSING_ROWS) < 2:
            raise ValueError(f"expected a share of two sales of {HOUSING_ROWS} at least, found {fraction:g}")
        return fraction

    @field_validator("test_fraction")
    @classmethod
    def _leaves_training_rows(cls, fraction: float, info: ValidationInfo) -> float:
        kept = info.data.get("validation_fraction", 0) + fraction
        if kept >= 1:
            raise ValueError(f"expected validation_fraction + test_fraction < 1, found {kept:g}")
        rows = round(info.data.get("validation_fraction", 0) * HOUSING_ROWS) + round(fraction * HOUSING_ROWS)
        if rows > HOUSING_ROWS - 2:
            raise ValueError(f"expected fractions that leave sales for training, found {kept:g} taken")
        return fraction

    @property
    def validation_size(self) -> int:
        return round(self.validation_fraction * HOUSING_ROWS)

    @property
    def test_size(self) -> int:
        return round(self.test_fraction * HOUSING_ROWS)

    @property
    def train_size(self) -> int:
        return HOUSING_ROWS - self.validation_size - self.test_size


class SyntheticParams(Section):
    """The problem with a known answer: targets = features @ weights + bias + noise."""

    train_size: NumRows
    validation_size: NumRows
    test_size: NumRows
    weights: Annotated[Items[float], Field(min_length=1)]
    bias: float
    noise_std: Annotated[float, Field(ge=0)]
    seed: Seed


class PrepareParams(Section):
    images: ImagesParams
    housing: HousingParams
    synthetic: SyntheticParams
