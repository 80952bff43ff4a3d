"""What all sections of a connector file have in common."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

# YAML reads a bare 30 as a number; codes of a source are always text.
Code = Annotated[
    str, BeforeValidator(lambda value: str(value) if isinstance(value, int) and not isinstance(value, bool) else value)
]


class Section(BaseModel):
    """A part of the file: unknown keys are refused, values never change."""

    # Built when first used: a section that is only a part of another one is built with that one.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


def setting(default: Any, says: str, example: Any, *, accepted: str = "", **rules: Any) -> Any:
    """A setting with the texts that people read of it, in docs/connector-file.md and in a discovered file.

    Args:
        default: What holds where the file says nothing; ``...``: the file must say it.
        says: What it means, as one or two sentences of Markdown; links are those of the page.
        example: A value that is accepted.
        accepted: What is accepted, where its type and its rules do not say it.
        **rules: As for pydantic's ``Field``.
    """
    more: dict[str, Any] = {"json_schema_extra": {"accepted": accepted}} if accepted else {}
    made: Any = Field(default, description=says, examples=[example], **more, **rules)
    return made
