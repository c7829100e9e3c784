"""Real Picard without a screen: load files, do what is asked, and tell what came of it.

Run as a program of its own, since there is one Picard a process. Standard input is JSON: ``plugin``,
``config_file``, ``config``, ``paths``, and ``steps``: the title of an action, ``save``, or ``options``.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from typing import Any

from picard import log, tagger
from picard.config import get_config
from picard.extension_points.item_actions import ext_point_file_actions
from picard.extension_points.options_pages import ext_point_options_pages
from picard.file import File
from PyQt6.QtCore import QEventLoop


class _Ear(logging.Handler):
    """Hears what the plugin says in the status bar."""

    def __init__(self, said: list[str]) -> None:
        super().__init__()
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage().startswith("noai: "):
            self._said.append(record.getMessage())


class Picard:
    def __init__(self, config_file: str) -> None:
        sys.argv = ["picard", "--config-file", config_file, "--no-restore", "--no-player"]
        log.enable_default_handlers()
        tagger.setup_application()
        self.app = tagger.Tagger(tagger.process_cmdline_args(), None, False)
        # What would ask the user something at the first start.
        config = get_config()
        config.setting["show_new_user_dialog"] = False
        config.persist["setup_wizard_completed"] = True
        config.persist["tutorial_disabled"] = True
        self.app.window.show()
        self.app.startTimer(1000)  # as Picard itself has it
        self.said: list[str] = []

    def until(self, done: Callable[[], bool]) -> None:
        """Let it work. Whoever runs this limits the time."""
        while not done():
            self.app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)

    def enable(self, name: str, config: dict[str, Any]) -> Any:
        manager = self.app.get_plugin_manager()
        plugin = next(plugin for plugin in manager.plugins if plugin.plugin_id == name)
        manager.enable_plugin(plugin)
        module = sys.modules[plugin.module_name]
        section = module.MarkAction.api.plugin_config
        for key, value in config.items():
            section[key] = value
        # The status bar itself does not tell of a message that it shows already.
        log.history_logger.addHandler(_Ear(self.said))
        return module

    def load(self, paths: list[str]) -> list[File]:
        self.app.add_files(paths)
        files = list(self.app.files.values())
        ended = (File.State.NORMAL, File.State.ERROR, File.State.CHANGED)
        self.until(lambda: all(file.state in ended for file in files))
        return files

    def act(self, title: str, files: list[File]) -> None:
        before = len(self.said)
        self.app.window.selected_objects = files
        action = next(action for action in ext_point_file_actions if title == action.TITLE)
        action().trigger()
        self.until(lambda: len(self.said) > before)

    def save(self, files: list[File]) -> None:
        before = len(self.said)
        for file in files:
            file.metadata["comment"] = "saved by Picard"
        self.app.save(files)
        self.until(lambda: len(self.said) >= before + len(files))


def main() -> None:
    asked = json.load(sys.stdin)
    picard = Picard(asked["config_file"])
    picard.enable(asked["plugin"], asked["config"])
    files = picard.load(asked["paths"])
    for step in asked["steps"]:
        if step == "save":
            picard.save(files)
        elif step == "options":
            page = next(page for page in ext_point_options_pages if page.NAME == "noai")()
            page.load()
            page.texts["holder"].setText(" Ana Lima ")
            page.save()
        else:
            picard.act(step, files)
    told = {file.filename: file.metadata["~noai"] for file in files}
    changed = [file.filename for file in files if file.state == File.State.CHANGED]
    print(json.dumps({"said": picard.said, "files": told, "changed": changed}))
    sys.stdout.flush()
    picard.app.quit()


if __name__ == "__main__":
    main()
