# SPDX-License-Identifier: Apache-2.0
"""Picard plugin noai: marks files as reserved from AI training, and says which are.

It runs the program ``noai``, since Picard comes with a Python of its own that takes no packages. Picard's one
thread for saving runs it, so that no file is marked while Picard writes to it.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from PyQt6 import QtWidgets

from picard.plugin3.api import BaseAction, File, OptionsPage, PluginApi
from picard.util import iter_files_from_objects
from picard.util.thread import run_task

#: The variable that says what a file came to: ``%_noai%`` in scripts and columns.
VARIABLE = "~noai"
#: Windows takes command lines of 32,767 characters.
_CHARS = 20_000
_PROFILES = ("no-ai", "no-training", "no-generative")
_OPTIONS = {"command": "noai", "identity": "", "profile": "no-ai", "holder": "", "mark_after_save": False}


def enable(api: PluginApi) -> None:
    for name, default in _OPTIONS.items():
        api.plugin_config.register_option(name, default)
    for register in (
        api.register_file_action,
        api.register_track_action,
        api.register_album_action,
        api.register_cluster_action,
    ):
        register(MarkAction)
        register(CheckAction)
    api.register_file_post_save_processor(_after_save)
    api.register_options_page(NoaiOptionsPage)


class MarkAction(BaseAction):
    TITLE = "Mark as no AI training"

    def callback(self, objs: Iterable[Any]) -> None:
        _start(self.api, mark, list(iter_files_from_objects(objs)))


class CheckAction(BaseAction):
    TITLE = "Check AI reservations"

    def callback(self, objs: Iterable[Any]) -> None:
        _start(self.api, check, list(iter_files_from_objects(objs)))


def _after_save(api: PluginApi, file: File) -> None:
    _remember(file, None)
    if api.plugin_config["mark_after_save"]:
        _start(api, mark, [file])


def _start(api: PluginApi, work: Any, files: list[File]) -> None:
    paths = [file.filename for file in files]
    shown = partial(_show, api, files)
    run_task(partial(work, api, paths), shown, thread_pool=api.tagger.save_thread_pool, traceback=False)


def _show(api: PluginApi, files: list[File], result: Any = None, error: BaseException | None = None) -> None:
    if result is None:
        for file in files:
            _remember(file, None)
        _say(api, f"noai: {error}")
        return
    for file in files:
        if file.filename not in result:  # renamed meanwhile: nothing is known of it under this name
            _remember(file, None)
            continue
        said, why = result[file.filename]
        api.logger.info("%s: %s%s", file.filename, said, f": {why}" if why else "")
        _remember(file, said)
    counts = Counter(said for said, _ in result.values())
    message = ", ".join(f"{count} {said}" for said, count in sorted(counts.items()))
    reasons = {why for _, why in result.values() if why}
    _say(api, f"noai: {message}" + (f" ({reasons.pop()})" if len(reasons) == 1 else ""))


def _remember(file: File, said: str | None) -> None:
    """What a file came to; no answer outlives a change of the file, or a question that failed."""
    # In both, so that Picard does not take it for a change that has to be saved.
    for metadata in (file.metadata, file.orig_metadata):
        metadata.unset(VARIABLE)
        if said is not None:
            metadata[VARIABLE] = said
    file.update()


def _say(api: PluginApi, message: str) -> None:
    api.tagger.window.set_statusbar_message("%s", message, translate=None)


# -- the program ----------------------------------------------------------------------------------------


def mark(api: PluginApi, paths: list[str]) -> dict[str, tuple[str, str]]:
    """Mark files; by path what became of each, and why where it was not marked."""
    config = api.plugin_config
    if not config["identity"]:
        raise RuntimeError("nothing was marked: name your identity in Options > Plugins > noai")
    options = [
        "mark",
        "--in-place",
        "--json",
        "--identity",
        config["identity"],
        "--profile",
        config["profile"],
    ]
    if config["holder"]:
        options += ["--holder", config["holder"]]
    result: dict[str, tuple[str, str]] = {}
    for some in _batches(paths):
        records, said = _run(api, [*options, "--", *some])
        for path in some:
            record = records.get(_escaped(path), {"outcome": "failed", "error": {"message": said}})
            why = record["error"]["message"] if record["error"] else ""
            result[path] = ("not marked" if record["outcome"] == "failed" else record["outcome"], why)
    return result


def check(api: PluginApi, paths: list[str]) -> dict[str, tuple[str, str]]:
    """Check files; by path the decision and why. Where there is no answer, a file is undecided."""
    options = ["verify", "--depth", "decision", "--format", "jsonl", "--files-from", "-", "-0"]
    records, said = _run(api, options, b"".join(os.fsencode(path) + b"\0" for path in paths))
    result = {}
    for path in paths:
        record = records.get(_escaped(path), {"decision": "undecided", "reasons": [{"message": said}]})
        result[path] = (record["decision"], "; ".join(reason["message"] for reason in record["reasons"]))
    return result


def _run(api: PluginApi, arguments: list[str], given: bytes = b"") -> tuple[dict[str, dict[str, Any]], str]:
    """Records by path, and what else the program has said."""
    done = subprocess.run(
        [api.plugin_config["command"], *arguments],
        input=given,
        capture_output=True,
        check=False,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    records = {}
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        record = json.loads(line)
        records[record["path"]] = record
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return records, said[-1] if said else f"noai ended with {done.returncode} and gave no answer"


def _escaped(path: str) -> str:
    """As records have paths."""
    path = path.replace("\\", "\\\\")
    return "".join(f"\\x{ord(c) - 0xDC00:02x}" if 0xDC80 <= ord(c) <= 0xDCFF else c for c in path)


def _batches(paths: Iterable[str]) -> Iterator[list[str]]:
    some: list[str] = []
    for path in paths:
        if some and sum(map(len, some)) + 3 * len(some) + len(path) > _CHARS:
            yield some
            some = []
        some.append(path)
    if some:
        yield some


class NoaiOptionsPage(OptionsPage):
    NAME = "noai"
    TITLE = "noai"

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.texts = {name: QtWidgets.QLineEdit(self) for name in ("command", "identity", "holder")}
        self.profile = QtWidgets.QComboBox(self)
        self.profile.addItems(_PROFILES)
        self.after_save = QtWidgets.QCheckBox("Mark each file after it was saved", self)
        form = QtWidgets.QFormLayout(self)
        form.addRow("Your identity (noai keygen NAME)", self.texts["identity"])
        form.addRow("Who holds the rights", self.texts["holder"])
        form.addRow("What is denied", self.profile)
        form.addRow(self.after_save)
        form.addRow("The program noai", self.texts["command"])

    def load(self) -> None:
        config = self.api.plugin_config
        for name, field in self.texts.items():
            field.setText(config[name])
        self.profile.setCurrentText(config["profile"])
        self.after_save.setChecked(config["mark_after_save"])

    def save(self) -> None:
        config = self.api.plugin_config
        for name, field in self.texts.items():
            config[name] = field.text().strip()
        config["profile"] = self.profile.currentText()
        config["mark_after_save"] = self.after_save.isChecked()
