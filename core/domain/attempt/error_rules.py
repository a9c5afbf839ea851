"""All rules, in the order in which they are looked for within one handle (number, error id, words)."""

from collections.abc import Mapping
from types import MappingProxyType

from core.domain.attempt.error_rule import Rule
from core.domain.attempt.host_rules import HOST_RULES
from core.domain.attempt.vm_rules import VM_RULES

RULES: tuple[Rule, ...] = (*HOST_RULES, *VM_RULES)

BY_CODE: Mapping[str, Rule] = MappingProxyType({rule.code: rule for rule in RULES})
