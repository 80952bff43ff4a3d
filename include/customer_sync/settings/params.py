"""Params of a run, validated: a wrong one gives a sentence that names it and what is accepted. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from customer_sync.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)


def read_params(model: type[Model], params: Mapping[str, Any]) -> Model:
    """Validate a run's params.

    Raises:
        ConfigError: A param is wrong; the message names it and what is accepted.
    """
    try:
        return model.model_validate(dict(params))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in item['loc']) or 'params'}: {item['msg'].removeprefix('Value error, ')}"
            for item in error.errors(include_url=False)
        )
        raise ConfigError(
            f"The run's params do not fit: {problems}. Correct them and start again.", setting="params"
        ) from error
