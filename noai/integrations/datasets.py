"""Hugging Face datasets: the rows whose audio may enter (``noai[datasets]``).

:func:`only_admitted` does it all; :class:`Admitted` is for ``filter``, :class:`Verdicts` for ``map``. Both
take audio as ``Audio(decode=False)`` gives it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any, Final

from noai.errors import UsageError
from noai.integrations.datasets_rows import Admitted, Verdicts
from noai.integrations.gate import Gate

__all__ = ["Admitted", "Verdicts", "only_admitted"]

#: Rows with audio that are in memory at a time.
_ROWS: Final = 16
#: Options by which a dataset finds an answer whatever was asked.
_BLIND: Final = ("cache_file_name", "new_fingerprint")


def only_admitted(
    dataset: Any, column: str | Sequence[str] = "audio", gate: Gate | None = None, **options: Any
) -> Any:
    """The rows of ``dataset`` whose audio may enter, as they are: bytes, columns, features and format.

    Args:
        dataset: A ``Dataset``, an ``IterableDataset``, or a dictionary of such.
        column: The column with the audio, or all of those with some: a row needs each of them admitted.
            An ``Audio`` may decode: it is judged undecoded.
        gate: The question; as :meth:`Gate.of` has it by default.
        options: For ``filter``: ``num_proc``, ``batch_size``, … Where rows name files, which may change, no
            cache answers, here or later on, unless ``load_from_cache_file=True`` says so.

    Raises:
        UsageError: if there is no such column, it holds no audio, another ``Audio`` would go unasked, or an
            option would have the cache answer whatever is asked.
        TrustError, KeyFileError: if the configuration folder's trust list is damaged.
    """
    if blind := [name for name in _BLIND if name in options]:
        raise UsageError(f"{blind[0]} would have the cache answer whatever is asked")
    columns = (column,) if isinstance(column, str) else tuple(column)
    gate = Gate.of() if gate is None else gate
    if isinstance(dataset, dict):
        kept = {name: only_admitted(split, columns, gate, **options) for name, split in dataset.items()}
        return type(dataset)(kept)
    _check(dataset.features, columns)
    return _only_admitted(dataset, columns, gate, {"batch_size": _ROWS, **options})


def _check(features: Mapping[str, Any] | None, columns: tuple[str, ...]) -> None:
    if not columns:
        raise UsageError("no column is to be asked about")
    if features is None:
        return
    if missing := [name for name in columns if name not in features]:
        raise UsageError(f"there is no column {missing[0]!r} among: {', '.join(features)}")
    if unasked := [name for name in features if name not in columns and _has_audio(features[name])]:
        raise UsageError(f"the column {unasked[0]!r} has audio, too: name it beside {columns[0]!r}")


def _has_audio(feature: Any) -> bool:
    from datasets import Audio

    if isinstance(feature, Mapping):
        return any(map(_has_audio, feature.values()))
    if isinstance(feature, (list, tuple)):
        return any(map(_has_audio, feature))
    return isinstance(feature, Audio) or _has_audio(getattr(feature, "feature", ()))


def _only_admitted(dataset: Any, columns: tuple[str, ...], gate: Gate, options: dict[str, Any]) -> Any:
    from datasets import Dataset

    features = dataset.features or {}
    decoding = {name: features[name] for name in columns if getattr(features.get(name), "decode", False)}
    rows = dataset
    for name, feature in decoding.items():
        undecoded = copy(feature)
        undecoded.decode = False
        rows = rows.cast_column(name, undecoded)
    is_table = isinstance(dataset, Dataset)
    # Streams say of their format only whether they have one.
    formatting = None if is_table else getattr(dataset, "_formatting", None)
    if is_table or formatting is not None:
        rows = rows.with_format(None)
    for name in columns:
        how = options
        if is_table and _names_files(rows.data.column(name)) and not options.get("load_from_cache_file"):
            how = {**_fresh(), **options}
        rows = rows.filter(Admitted(name, gate, batched=True), batched=True, **how)
    for name, feature in decoding.items():
        rows = rows.cast_column(name, feature)
    if is_table:
        form = dataset.format
        rows = rows.with_format(
            form["type"], form["columns"], form["output_all_columns"], **form["format_kwargs"]
        )
    return rows if formatting is None else rows.with_format(formatting.format_type)


def _fresh() -> dict[str, Any]:
    """Options by which nothing finds an old answer, nor what was made of one by ``map`` or ``filter``."""
    from datasets.fingerprint import generate_random_fingerprint

    # In memory, since a file of this name would never be asked for again.
    return {"new_fingerprint": generate_random_fingerprint(), "keep_in_memory": True}


def _names_files(stored: Any) -> bool:
    """Whether an Arrow column has rows whose bytes are elsewhere."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_struct(stored.type):
        return not (pa.types.is_binary(stored.type) or pa.types.is_large_binary(stored.type))
    if "bytes" not in stored.type.names:
        return True
    return bool(pc.any(pc.and_(pc.is_valid(stored), pc.is_null(pc.struct_field(stored, "bytes")))).as_py())
