"""What deploy/ ships can be loaded, and names only what the program has."""

import json
import re
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot import health
from core.config import SECRETS, Settings, load_settings
from tests.docs import unit_security
from tests.support.markdown_pages import ROOT, read, section

DEPLOY = ROOT / "deploy"
_METRIC = re.compile(r"migrate_bot_\w+")
_LABELS = re.compile(r"\b(?:by|without) \(([^)]*)\)|\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}")


class Unit(RawConfigParser):
    """A systemd unit: keys have a case, and may stand there several times."""

    def __init__(self) -> None:
        super().__init__(strict=False, delimiters=("=",), comment_prefixes=("#",))
        lines = (DEPLOY / "migrate-bot.service").read_text(encoding="utf-8").splitlines()
        self.lines = [line for line in lines if "=" in line and not line.startswith("#")]

    def all(self, key: str) -> list[str]:
        return [line.partition("=")[2] for line in self.lines if line.startswith(f"{key}=")]


def documented() -> dict[str, set[str]]:
    """Return each metric of the page with its labels; of a histogram its series too."""
    row = r"^\| `(migrate_bot_\w+)(?:\{([\w,]+)\})?` \| (histogram)?"
    known = {}
    for name, labels, histogram in re.findall(row, read("docs/reference/metrics.md"), re.MULTILINE):
        known[name] = set(labels.split(",")) - {""}
        known |= {f"{name}_{part}": known[name] | {"le"} for part in ("bucket", "sum", "count") if histogram}
    return known


def expressions(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["expr"]] if isinstance(part.get("expr"), str) else []
        return own + [one for value in part.values() for one in expressions(value)]
    return [one for item in part for one in expressions(item)] if isinstance(part, list) else []


def documents(name: str) -> list[Any]:
    return [one for one in yaml.safe_load_all((DEPLOY / name).read_text(encoding="utf-8")) if one is not None]


@pytest.mark.parametrize("name", ["alerts.yml", "grafana.json"])
def test_every_metric_that_is_looked_at_exists(name: str) -> None:
    """Dashboard and alert rules load, and name metrics and labels of the metrics page only."""
    text = (DEPLOY / name).read_text(encoding="utf-8")
    loaded = json.loads(text) if name.endswith("json") else yaml.safe_load(text)
    asked = expressions(loaded)
    assert len(asked) > 5
    known = documented()
    for expression in asked:
        metrics = set(_METRIC.findall(expression))
        assert metrics, expression
        assert metrics <= set(known), expression
        grouped = {label.strip() for found in _LABELS.findall(expression) for label in found[0].split(",")} - {""}
        assert grouped <= set().union(*(known[metric] for metric in metrics)), expression


def test_an_alert_speaks_of_labels_that_it_has() -> None:
    """A label in a sentence is one of the metric's, or the sentence would have a hole."""
    (groups,) = documents("alerts.yml")
    known = documented()
    rules = [rule for group in groups["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        labels = set().union(*(known[metric] for metric in _METRIC.findall(rule["expr"])))
        words = " ".join(rule["annotations"].values())
        assert set(re.findall(r"\$labels\.(\w+)", words)) <= labels, rule["alert"]
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}


def test_no_metric_of_the_page_is_looked_at_by_nobody() -> None:
    """Whatever the bot tells is in the dashboard or in an alert."""
    seen = set(_METRIC.findall((DEPLOY / "alerts.yml").read_text() + (DEPLOY / "grafana.json").read_text()))
    whole = re.compile(r"_(bucket|sum|count)$")
    assert {name for name in documented() if not whole.search(name)} - {whole.sub("", one) for one in seen} == set()


def test_each_alert_says_what_to_do() -> None:
    """Its runbook is a heading of docs/guide/alerts.md of its own name, with words below, and no other is there."""
    page = read("docs/guide/alerts.md")
    (groups,) = documents("alerts.yml")
    rules = [rule for group in groups["groups"] for rule in group["rules"]]
    for rule in rules:
        assert rule["annotations"]["runbook"] == f"docs/guide/alerts.md#{rule['alert'].lower()}"
        assert len(section(page, rule["alert"]).split()) > 15, rule["alert"]
    assert set(re.findall(r"^### (\w+)$", page, re.MULTILINE)) == {rule["alert"] for rule in rules}


def test_the_manifests_ask_what_the_bot_answers() -> None:
    """Probes and variables of the Kubernetes manifests exist; the settings in them load."""
    kinds = {one["kind"]: one for one in documents("kubernetes.yml")}
    assert set(kinds) == {"ConfigMap", "Secret", "Deployment", "PodDisruptionBudget"}
    assert kinds["Deployment"]["spec"]["replicas"] == 2
    pod = kinds["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    paths = {container[probe]["httpGet"]["path"] for probe in ("readinessProbe", "livenessProbe", "startupProbe")}
    assert paths == {health.READY, health.LIVE}
    variables = {one["name"] for one in container["env"]}
    assert variables - set(SECRETS) == {"MIGRATE_BOT_SLACK__HEALTH", "MIGRATE_BOT_STORE__URL"}
    keys = {one["valueFrom"]["secretKeyRef"]["key"] for one in container["env"] if "valueFrom" in one}
    optional = {"slack-signing-secret"}
    assert keys - optional == set(kinds["Secret"]["stringData"])
    mounts = {one["name"] for one in container["volumeMounts"]}
    assert mounts == {one["name"] for one in pod["volumes"]}


def test_the_settings_in_the_manifests_are_settings(tmp_path: Path) -> None:
    """What the ConfigMap holds is read without a complaint."""
    config = next(one for one in documents("kubernetes.yml") if one["kind"] == "ConfigMap")
    file = tmp_path / "migrate-bot.toml"
    file.write_text(config["data"]["migrate-bot.toml"], encoding="utf-8")
    assert isinstance(load_settings(file), Settings)


def test_compose_has_two_bots_and_their_database() -> None:
    """Both on one database, with the health address that their health check asks."""
    (compose,) = documents("compose.yml")
    assert set(compose["services"]) == {"db", "bot-one", "bot-two"}
    for name in ("bot-one", "bot-two"):
        bot = compose["services"][name]
        assert bot["environment"]["MIGRATE_BOT_STORE__URL"].startswith("postgresql+psycopg://migratebot@db/")
        assert bot["environment"]["MIGRATE_BOT_SLACK__HEALTH"] == "0.0.0.0:8080"
        assert bot["healthcheck"]["test"][1:3] == ["migrate-bot", "health"]
        assert bot["depends_on"]["db"]["condition"] == "service_healthy"


def test_the_unit_works_in_both_modes() -> None:
    """Each secret is handed over as a file; what one of the modes does not need may be missing."""
    unit = Unit()
    loaded = {one.partition(":")[0] for one in unit.all("LoadCredential")}
    may_be_missing = {one.partition(":")[0] for one in unit.all("SetCredential")}
    assert loaded == {name.lower() for name in SECRETS} | {"pgpass"}
    assert loaded - may_be_missing == {"slack_bot_token"}
    variables = dict(one.split("=", 1) for one in unit.all("Environment"))
    files = {f"{name}_FILE": f"%d/{name.lower()}" for name in SECRETS}
    assert variables == files | {"PGPASSFILE": "%d/pgpass"}
    assert unit.all("WatchdogSec")
    assert unit.all("RestartPreventExitStatus") == ["2"]


def test_a_secret_without_a_file_of_its_own_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default credential of the unit is an empty line: it counts as not set. (systemd refuses an empty text.)"""
    settings, empty, token = tmp_path / "migrate-bot.toml", tmp_path / "empty", tmp_path / "token"
    settings.write_text("", encoding="utf-8")
    [default] = {one.partition(":")[2] for one in Unit().all("SetCredential")}
    empty.write_text(default.encode().decode("unicode_escape"), encoding="utf-8")
    assert empty.stat().st_size
    token.write_text("xoxb-1\n", encoding="utf-8")
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv(f"{name}_FILE", str(token if name == "SLACK_BOT_TOKEN" else empty))
    read_settings = load_settings(settings)
    assert read_settings.slack_bot_token.get_secret_value() == "xoxb-1"
    assert read_settings.slack_signing_secret.get_secret_value() == ""


def test_systemd_thinks_well_of_the_unit() -> None:
    """Its own judge understands each line of it and gives an exposure of OK, without a running systemd."""
    if not unit_security.version():
        pytest.skip("no systemd-analyze")
    told = unit_security.judged()
    assert (told.returncode, told.stderr) == (0, ""), told.stdout[-300:]


def test_what_systemd_says_of_the_unit_is_written_down() -> None:
    """docs/generated/unit-security.md is what its command writes with that version; each version judges otherwise."""
    shown = read("docs/generated/unit-security.md")
    if f"with systemd\n{unit_security.version()}." not in shown:
        pytest.skip("the systemd of docs/generated/unit-security.md")
    assert shown == unit_security.page()
