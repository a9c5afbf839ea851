"""Reads settings from environment variables, whose names have no upper and lower case."""

from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource


class EnvironmentSource(PydanticBaseSettingsSource):
    """The environment's values; without case, so a host or link in them is the file's that is spelled alike."""

    def __init__(self, settings_cls: type[BaseSettings], found: dict[str, Any], file: dict[str, Any]) -> None:
        super().__init__(settings_cls)
        self._found = dict(found)
        for section in ("hosts", "links"):
            named, known = found.get(section), file.get(section)
            if isinstance(named, dict) and isinstance(known, dict):
                spelled = {name.casefold(): name for name in known}
                self._found[section] = {spelled.get(k.casefold(), k): v for k, v in named.items()}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        return self._found.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self._found
