"""What all sections of a connector file have in common."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

# YAML reads a bare 30 as a number; codes of a source are always text.
Code = Annotated[
    str, BeforeValidator(lambda value: str(value) if isinstance(value, int) and not isinstance(value, bool) else value)
]


class Section(BaseModel):
    """A part of the file: unknown keys are refused, values never change."""

    # Built when first used: a section that is only a part of another one is built with that one.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
