"""beets plugin ``noai``: marks what beets writes, says what files reserve (``noai[beets]``).

It marks only where its configuration names an identity; see ``docs/integrations/beets.md``.
"""

from __future__ import annotations

import math
import os
import sys
from functools import cached_property
from optparse import Values

import confuse
from beets import importer, library, ui
from beets.plugins import BeetsPlugin
from beets.util import displayable_path

from noai.claim import TRAINING_USES
from noai.errors import NoaiError
from noai.integrations.gate import Gate, why
from noai.integrations.marking import Marking
from noai.outcomes import Outcome
from noai.policy import Admission
from noai.verdict import Decision


class NoaiPlugin(BeetsPlugin):
    """Marks on ``after_write`` and ``import_task_files``; commands ``noai-mark`` and ``noai-verify``."""

    def __init__(self) -> None:
        super().__init__()
        self.config.add(
            {
                "auto": True,
                "check": False,
                "identity": "",
                "profile": "no-ai",
                "deny": [],
                "holder": "",
                "c2pa": True,
                "use": [],
                "policy": "opt-out",
            }
        )
        self.register_listener("import_begin", self.import_begin)
        self.register_listener("import_task_created", self.import_task_created)
        self.register_listener("import_task_files", self.import_task_files)
        self.register_listener("after_write", self.after_write)

    # Made when they are first needed, and once: most commands of beets need neither.

    @cached_property
    def gate(self) -> Gate:
        policy = self.config["policy"].as_choice([admission.value for admission in Admission])
        return Gate.in_words(policy, self.config["use"].as_str_seq() or TRAINING_USES)

    @cached_property
    def marking(self) -> Marking:
        holder = self.config["holder"].get(str)
        return Marking.of(
            self.config["identity"].get(str),
            profile=self.config["profile"].get(str),
            deny=self.config["deny"].as_str_seq(),
            holder=holder or None,
            c2pa=self.config["c2pa"].get(bool),
        )

    @property
    def _marks(self) -> bool:
        return bool(self.config["auto"].get(bool) and self.config["identity"].get(str))

    # -- while beets works ------------------------------------------------------------------------------

    def import_begin(self, session: importer.ImportSession) -> None:
        """Stop an import that could not be marked or checked as configured before it touches a file."""
        self._require(*["marking"] * self._marks, *["gate"] * self.config["check"].get(bool))

    def import_task_created(self, session: importer.ImportSession, task: importer.ImportTask) -> None:
        """Say what comes in reserved: later the plugin's own marks would be all that it sees."""
        if not self.config["check"].get(bool):
            return
        for item in task.items or ():
            verdict = self.gate.verdict(os.fsdecode(item.path))
            if not verdict.admitted:
                self._log.warning("{}: {}", displayable_path(item.path), why(verdict))

    def import_task_files(self, session: importer.ImportSession, task: importer.ImportTask) -> None:
        """Mark what is imported as it is, which beets itself does not write to."""
        if self._marks and ui.should_write():
            for item in task.imported_items():
                self._mark(item, item.path)
                item.store(["mtime"])

    def after_write(self, item: library.Item, path: bytes) -> None:
        """Mark what beets has written to; whoever has it written stores the item."""
        if self._marks:
            self._mark(item, path)

    def _mark(self, item: library.Item, path: bytes) -> Outcome | None:
        """Mark one file; log it where that fails, and give None then."""
        # What changed behind the back of beets stays for ``beet update`` to see.
        was_known = path == item.path and item.mtime >= _mtime(item)
        try:
            marked = self.marking.mark(os.fsdecode(path))
        except (NoaiError, confuse.ConfigError) as error:
            self._log.error("not marked: {}: {}", displayable_path(path), error)
            return None
        if marked.error is not None:
            self._log.error("not marked: {}: {}", displayable_path(path), marked.error)
        else:
            self._log.info("{}: {}", marked.outcome, displayable_path(path))
        if marked.changed and was_known:
            item.mtime = item.current_mtime()
        return marked.outcome

    def _require(self, *names: str) -> None:
        """Make what is named now, so that a wrong setting or a damaged trust list stops everything."""
        try:
            for name in names:
                getattr(self, name)
        except NoaiError as error:
            raise ui.UserError(f"noai: {error}") from error

    # -- commands ---------------------------------------------------------------------------------------

    def commands(self) -> list[ui.Subcommand]:
        mark = ui.Subcommand("noai-mark", help="mark files: no AI training")
        mark.func = self.mark_command
        verify = ui.Subcommand("noai-verify", help="check whether files may be used for AI training")
        verify.parser.add_option(
            "-a", "--admitted", action="store_true", help="print only paths of what is admitted"
        )
        verify.func = self.verify_command
        return [mark, verify]

    def mark_command(self, lib: library.Library, opts: Values, args: list[str]) -> None:
        """``beet noai-mark QUERY``; exit code 1 where a file could not be marked."""
        if not self.config["identity"].get(str):
            raise ui.UserError("noai: no identity is configured; make one with: noai keygen NAME")
        self._require("marking")
        outcomes: list[Outcome | None] = []
        for item in lib.items(args):
            outcome = self._mark(item, item.path)
            item.store(["mtime"])
            ui.print_(f"{displayable_path(item.path)}: {outcome or 'not marked'}")
            outcomes.append(outcome)
        if None in outcomes:
            sys.exit(1)

    def verify_command(self, lib: library.Library, opts: Values, args: list[str]) -> None:
        """``beet noai-verify QUERY``; exit codes are those of ``noai verify``."""
        self._require("gate")
        decisions = set()
        refused = False
        for item in lib.items(args):
            verdict = self.gate.verdict(os.fsdecode(item.path))
            decisions.add(verdict.decision)
            refused |= not verdict.admitted and verdict.decision is not Decision.UNDECIDED
            if not opts.admitted:
                ui.print_(f"{displayable_path(item.path)}: {why(verdict)}")
            elif verdict.admitted:
                ui.print_(displayable_path(item.path))
        if not decisions:
            raise ui.UserError("noai: no track in the library matches")
        if refused:
            sys.exit(1)
        if Decision.UNDECIDED in decisions:
            sys.exit(3)


def _mtime(item: library.Item) -> float:
    """Later than anything where there is no file."""
    try:
        return item.current_mtime()
    except OSError:
        return math.inf
