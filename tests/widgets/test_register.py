"""The panel that registers, without a browser."""

from __future__ import annotations

import copy
from typing import Any

import ipywidgets as w
import pytest
from ipywidgets.widgets.widget import _instances
from sklearn.linear_model import LogisticRegression

from nbregistry import Registry
from nbregistry.capture.environment import FRONT_END
from nbregistry.domain.lifecycle import Status
from nbregistry.registry import registering
from nbregistry.verbs import table
from nbregistry.verbs.asking import Ask, Session
from nbregistry.verbs.grammar import Place
from nbregistry.verbs.parsing import parse
from nbregistry.verbs.words import split
from nbregistry.widgets import opening, register_panel
from nbregistry.widgets.register import RegisterPanel
from nbregistry.widgets.registering import Steps
from tests.display.hostile import TEXTS, faults
from tests.display.seen import Seen
from tests.widgets.conftest import click, find, html, read, send


@pytest.fixture
def space(model: Any, iris: tuple[Any, Any]) -> dict[str, Any]:
    """A notebook with a model, data, results and other things."""
    X, y = iris
    return {
        "clf": model, "X": X, "y": y, "X_train": X[:90], "y_train": y[:90], "wide": X.assign(more=1), "auc": 0.93,
        "scores": {"f1": 0.8, "note": "x"}, "threshold": 0.5, "epochs": 7, "name": "text", "_hidden": 0.1,
    }  # fmt: skip


@pytest.fixture
def panel(r: Registry, space: dict[str, Any]) -> RegisterPanel:
    return register_panel(r, space)


def options(widget: w.Dropdown) -> list[str]:
    return [str(label).partition(" · ")[0] for label, _ in widget.options]


def test_what_is_offered(panel: RegisterPanel) -> None:
    """Models, data of fitting shape first, results called like metrics first; nothing is ticked for the user."""
    assert ["clf"] == options(panel.model)
    assert "clf · Pipeline · not registered" == panel.model.label
    assert ["none", "X_train", "X", "wide"] == options(panel.data.X)
    assert ("X_train", "y_train") == (panel.data.X.value, panel.data.y.value)
    assert ["auc = 0.93", "f1 = 0.8", "threshold = 0.5"] == [box.description for box in panel.results.ticks.children]
    assert not any(box.value for box in panel.results.ticks.children)
    told = read(panel.foresight)
    for words in ("names and types of 4 columns of X_train", "figures of each column, of 90 rows", "the first 5 rows"):
        assert words in told
    send(panel.data.X, index=0)
    assert "pick the data it was trained on as X" in read(panel.foresight)
    assert ["none"] == options(panel.data.y)
    send(panel.data.X, index=2)
    assert "y" == panel.data.y.value


def test_registering(panel: RegisterPanel, r: Registry, space: dict[str, Any]) -> None:
    """What was picked and typed is in the version; the card, the equal line and the next step are shown."""
    send(find(panel, "Name"), value="churn")
    send(find(panel, "auc = 0.93"), value=True)
    send(find(panel, "f1 = 0.8"), value=True)
    send(find(panel, "Further metrics"), value="recall=0.7")
    send(find(panel, "Note"), value="it's the first\ntry")
    send(find(panel, "More options"), value=True)
    send(find(panel, "Tags"), value='team=risk why="two words"')
    send(find(panel, "Alias"), value="champion")
    send(find(panel, "Stage"), index=1)
    click(find(panel, "Register"))
    assert [] == panel.faults
    version = r.version("churn/1")
    assert {"auc": 0.93, "f1": 0.8, "recall": 0.7} == dict(version.metrics)
    assert {"team": "risk", "why": "two words"} == dict(version.tags)
    assert ("it's the first\ntry", ("champion",), "Staging") == (version.note, version.aliases, version.stage.value)
    assert 90 == version.details("profile")["rows"]
    assert "churn/1 was registered." in read(panel.strip)
    assert panel.line in Seen(html(panel)).text
    assert "%promote churn/1 Staging --panel" in read(panel.outcome)
    words = split(panel.line.removeprefix("%register "))
    values = parse(table.find("register", Place.LINE), words, Place.LINE)
    assert ("churn", "clf", ("X_train", "y_train")) == (values["name"], values["model"], values["data"])
    assert ["auc", 'f1=scores["f1"]', "recall=0.7"] == [word.text for word in values["metric"]]
    assert ("it's the first try", "Staging", "champion") == (values["note"], values["stage"], values["alias"])


def test_the_name_is_judged_as_it_is_typed(panel: RegisterPanel, churn: Registry) -> None:
    """A name there is tells the next number, a near one what may be meant, an impossible one why; none is refused."""
    click(panel.refresh)
    assert ("churn",) == panel.name.options
    for text, told in (("churn", "churn/4 comes after churn/3"), ("chrun", "Did you mean 'churn'?"),
                       ("fraud", "the first of a new model"), ("a/b", "cannot be a model's name")):  # fmt: skip
        send(panel.name, value=text)
        assert told in read(panel.judged)
    click(panel.register)
    assert "cannot be a model's name" in read(panel.strip)
    send(panel.name, value=" ")
    assert "" == html(panel.judged)
    click(panel.register)
    assert "has no name yet" in read(panel.strip)
    assert 3 == len(churn.versions("churn"))


def test_the_same_again_is_told(panel: RegisterPanel, r: Registry, space: dict[str, Any]) -> None:
    """A double click makes one version; one of equal content is announced before, made when asked and told after."""
    send(panel.name, value="churn")
    click(panel.register)
    click(panel.register)
    assert "churn/1 was made by the press before this one: nothing was registered again." in read(panel.strip)
    assert "Press Register another first" in read(panel.strip)
    assert 1 == len(r.versions("churn"))
    click(panel.again)
    assert "clf is churn/1 already and has not changed since" in " ".join(read(panel.standing).split())
    assert "churn" == panel.name.value
    click(panel.register)
    assert "churn/2 was registered; its content is that of churn/1." in read(panel.strip)
    assert "%compare churn/1 churn/2" in read(panel.outcome)


def test_a_refit_is_no_repeat(r: Registry, iris: tuple[Any, Any]) -> None:
    """The same variables and words about a model that has learned something else make a new version."""
    X, y = iris
    clf = LogisticRegression(max_iter=300).fit(X, y)
    panel = register_panel(r, {"clf": clf, "X": X, "y": y})
    send(panel.name, value="churn")
    click(panel.register)
    clf.fit(X[:120], y[:120])
    click(panel.again)
    assert "changed since churn/1" in panel.model.label
    click(panel.register)
    assert 2 == len(r.versions("churn"))


def test_other_data_in_the_same_variables_is_no_repeat(r: Registry, iris: tuple[Any, Any]) -> None:
    """Data that was changed in place is other data, of X as of y, also for the press right after."""
    X, y = iris[0].copy(), iris[1].copy()
    panel = register_panel(r, {"clf": LogisticRegression(max_iter=300).fit(X, y), "X": X, "y": y})
    send(panel.name, value="churn")
    for number in (1, 2, 3):
        click(panel.register)
        assert number == len(r.versions("churn"))
        if number == 1:
            X[X.columns[0]] *= 100
        else:
            y += 1
    click(panel.register)
    click(panel.register)
    assert 4 == len(r.versions("churn"))


def test_what_was_deleted_can_be_registered_again(panel: RegisterPanel, r: Registry) -> None:
    """A version in the trash, or purged, keeps nothing from being registered; one of a renamed model does."""
    send(panel.name, value="churn")
    click(panel.register)
    r.delete("churn/1", because="x")
    click(panel.register)
    assert "churn/2 was registered" in read(panel.strip)
    r.delete("churn/2", because="x")
    r.purge("churn/2", because="x")
    click(panel.register)
    assert "churn/3 was registered" in read(panel.strip)
    r.rename("churn", "attrition")
    click(panel.register)
    assert "attrition/3 was made by the press before" in read(panel.strip)


def test_a_failed_version_is_told(panel: RegisterPanel, r: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that does not come back as it was is kept, and nobody could take that for success."""
    monkeypatch.setattr(registering, "same", lambda *a, **k: False)
    found = iter((False, True))
    monkeypatch.setattr(registering, "same", lambda *a, **k: next(found))
    send(panel.name, value="churn")
    click(panel.register)
    assert Status.FAILED is r.version("churn/1").status
    assert "FAILED and cannot be loaded: loaded back, it predicts differently" in read(panel.strip)
    assert 'role="alert"' in panel.strip.value
    monkeypatch.undo()
    click(find(panel, "Register"))
    assert "Press Refresh first" in read(panel.strip)
    click(find(panel, "Refresh"))
    click(find(panel, "Register"))
    assert Status.READY is r.version("churn/2").status


def test_progress_is_a_bar(panel: RegisterPanel, capsys: pytest.CaptureFixture[str]) -> None:
    """The steps of registering reach the bar and are told in words; nothing goes to the error stream."""
    seen: list[tuple[int, str]] = []
    panel.steps.words.observe(lambda change: seen.append((panel.steps.bar.value, change["new"])), "value")
    send(panel.name, value="churn")
    click(panel.register)
    assert ["Looking", "Storing", "Loading it back"] == [t for _, t in seen if "MB" not in t and "data" not in t]
    assert [step for step, _ in seen] == sorted(step for step, _ in seen)
    assert "nbr-hidden" in panel.steps._dom_classes
    assert "" == capsys.readouterr().err
    steps = Steps()
    for size in range(100):
        steps.hear(f"{size} MB stored")
    assert steps.words.value in ("0 MB stored", "1 MB stored")


def test_refresh_follows_the_notebook(panel: RegisterPanel, space: dict[str, Any], iris: tuple[Any, Any]) -> None:
    """New models and results appear, gone ones disappear, and what was picked and ticked stays."""
    send(find(panel, "auc = 0.93"), value=True)
    space["other"] = LogisticRegression(max_iter=300).fit(*iris)
    space["auc"], space["loss"] = 0.95, 0.1
    click(find(panel, "Refresh"))
    assert ["clf", "other"] == options(panel.model)
    assert "clf" == panel.model.value
    assert find(panel, "auc = 0.95").value
    assert find(panel, "loss = 0.1")
    del space["clf"], space["auc"]
    click(find(panel, "Refresh"))
    assert ["other"] == options(panel.model)
    space.pop("other")
    click(find(panel, "Refresh"))
    assert "There is no fitted estimator" in read(panel)
    assert [] == [x for x in ("Name", "Register") if x in read(panel).split()[4:]]


def test_refreshing_keeps_no_widgets(panel: RegisterPanel) -> None:
    """Looking again leaves as many widgets behind as there were, however often it is done."""
    click(panel.refresh)
    before = len(_instances)
    for _ in range(5):
        click(panel.refresh)
    assert before == len(_instances)


def test_the_panel_is_no_part_of_the_environment(panel: RegisterPanel, r: Registry, space: dict[str, Any]) -> None:
    """What draws the panel is not captured with a model, unless the model holds something of it."""
    send(panel.name, value="churn")
    click(panel.register)
    packages = r.version("churn/1").details("environment")["packages"]
    assert "scikit-learn" in packages
    assert FRONT_END.isdisjoint(packages)
    space["clf"] = copy.deepcopy(space["clf"])
    space["clf"].shown_as = w.Text
    click(panel.again)
    send(panel.name, value="churn")
    click(panel.register)
    packages = r.version("churn/2").details("environment")["packages"]
    assert {"ipywidgets"} == FRONT_END & packages.keys()


def test_without_a_notebook(r: Registry) -> None:
    """Where there is no shell there are no variables, and the panel says what to do."""
    panel = register_panel(r)
    assert "There are no variables here" in read(panel)
    click(panel.register)
    assert "There are no variables here" in read(panel.strip)


def asked(r: Registry, space: dict[str, Any], line: str) -> RegisterPanel:
    session = Session()
    session._opened = r
    ask = Ask(session, Place.LINE, space)
    verb = table.find("register", Place.LINE)
    found = opening.panel(ask, verb, parse(verb, split(line), Place.LINE))
    assert isinstance(found, RegisterPanel)
    return found


def test_what_was_typed_is_filled_in(r: Registry, space: dict[str, Any]) -> None:
    """`%register churn clf ... --panel` opens with all of it; what names nothing is told and the rest stands."""
    space["models"] = {"m": space["clf"]}
    line = 'churn models["m"] --data X[:50] y[:50] --metric acc=0.5 --note words --tag a=1 --alias best --format skops'
    panel = asked(r, space, f"{line} --panel")
    assert [] == panel.faults
    assert ("churn", 'models["m"]', "X[:50]") == (panel.name.value, panel.model.value, panel.data.X.value)
    click(panel.register)
    version = r.version("churn@best")
    assert ({"acc": 0.5}, {"a": 1}, "skops", "words") == (
        dict(version.metrics), dict(version.tags), version.format, version.note,
    )  # fmt: skip
    assert 50 == version.details("profile")["rows"]
    assert panel.line.startswith("%register " + line.partition(" --note")[0])
    assert "There is no variable 'nope'" in read(asked(r, space, "churn nope --panel").strip)
    assert [] == asked(r, space, "--panel").faults


def test_errors_of_the_model_are_told(r: Registry, iris: tuple[Any, Any]) -> None:
    """What cannot be stored is told in the strip, nothing is registered, and the form can be used again."""
    clf = LogisticRegression(max_iter=300).fit(*iris)
    clf.stream_ = (i for i in "ab")
    panel = register_panel(r, {"clf": clf})
    assert "clf · LogisticRegression · not known" == panel.model.label
    send(panel.name, value="churn")
    click(panel.register)
    assert "cannot be stored as cloudpickle" in read(panel.strip)
    assert not panel.register.disabled
    assert "nbr-hidden" in panel.steps._dom_classes
    assert [] == list(r.models())


class Odd:
    def fit(self, X: object = None) -> Odd:
        self.coef_ = 1.0
        return self

    def predict(self, X: object) -> object:
        raise ValueError(self.text)

    def __repr__(self) -> str:
        return self.text

    text = ""


def test_hostile_text_stays_text(r: Registry) -> None:
    """Class names, keys, notes, tags, typed names and errors never become markup, in the panel or in its picture."""
    for text in TEXTS:
        name = text.replace("\ud800", "").replace("\udfff", "")[:400]
        kind = type("Odd", (Odd,), {"__module__": "m", "__qualname__": name, "text": text})
        panel = register_panel(r, {"clf": kind().fit(), "scores": {name: 0.5, "f1": 0.5}, "X": [[1.0], [2.0]]})
        for field in (panel.name, panel.note, panel.tags, panel.alias, panel.results.typed):
            send(field, value=text)
        click(panel.register)
        send(panel.name, value="odd")
        for field in (panel.tags, panel.alias, panel.results.typed):
            send(field, value="")
        send(panel.data.X, index=1)
        click(panel.register)
        shown = html(panel)
        assert [] == faults(shown.replace(panel.children[0].value, "")), text
        assert [] == faults(panel._bundle()["text/html"].partition("</style>")[2]), text
        assert "\n" not in panel.model.label
    assert r.versions("odd")


def test_it_leaves_a_picture(panel: RegisterPanel, outputs: list[Any]) -> None:
    """What is kept in the notebook is what could be registered, then what was, with its line."""
    panel._ipython_display_()
    assert "%register clf clf --data X_train y_train" in Seen(outputs[-1][0]["text/html"]).text
    send(panel.name, value="churn")
    click(panel.register)
    told = Seen(outputs[-1][0]["text/html"]).text
    assert "churn/1" in told
    assert "%register churn clf --data X_train y_train" in told
