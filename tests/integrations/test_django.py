"""Uploads in a real Django: multipart by its test client, forms, models and storages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import pytest
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, InMemoryStorage, storages
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.db import models
from django.db.migrations.writer import MigrationWriter
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import Client, override_settings
from django.urls import path as route

import noai
from noai.algorithms import Algorithm
from noai.claim import Claim, Profile
from noai.errors import IdentityUnknown, TrustError, UsageError
from noai.identities import IdentityStore
from noai.integrations.django import (
    AdmittedAudio,
    AdmittedMixin,
    AdmittedStorage,
    MarkedMixin,
    MarkedStorage,
    UploadRefused,
)
from noai.integrations.gate import Gate
from noai.integrations.marking import Marking
from noai.policy import Admission, Policy
from noai.report import Depth
from noai.signing import now
from noai.verdict import Decision
from tests.audio import SAMPLES
from tests.integrations.thousand import Corpus
from tests.signers import Cert, signer

TUNE = (SAMPLES / "unmarked" / "tune.mp3").read_bytes()

if not settings.configured:
    settings.configure(
        DEBUG=False,
        ALLOWED_HOSTS=["testserver"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="for tests",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        LOGGING_CONFIG=None,
        USE_TZ=True,
    )
    django.setup()


class Track(models.Model):
    audio = models.FileField(validators=[])

    class Meta:
        app_label = "tests"


def validated(request: HttpRequest) -> HttpResponse:
    """An ingest: the form validates, the storage only stores."""

    class Ingest(forms.Form):
        audio = forms.FileField(validators=[AdmittedAudio()], allow_empty_file=True)

    form = Ingest(request.POST, request.FILES)
    if not form.is_valid():
        return JsonResponse(json.loads(form.errors.as_json()), status=422)
    name = storages["ingest"].save(form.cleaned_data["audio"].name, form.cleaned_data["audio"])
    return JsonResponse({"name": name})


def stored(request: HttpRequest) -> HttpResponse:
    """An ingest: the storage judges."""
    return JsonResponse({"name": storages["admitted"].save(None, request.FILES["audio"])})


urlpatterns = [route("validated", validated), route("stored", stored)]


@pytest.fixture(autouse=True)
def media(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where files are stored."""
    monkeypatch.setenv("NOAI_HOME", str(tmp_path / "home"))
    folder = tmp_path / "media"
    here = {"OPTIONS": {"location": str(folder)}}
    with override_settings(
        STORAGES={
            "ingest": {"BACKEND": "django.core.files.storage.FileSystemStorage", **here},
            "admitted": {"BACKEND": "noai.integrations.django.AdmittedStorage", **here},
        }
    ):
        yield folder


@pytest.mark.parametrize("view", ["validated", "stored"])
@pytest.mark.parametrize("in_memory", [2_500_000, 0])
def test_it_takes_what_verify_keeps(thousand: Corpus, media: Path, view: str, in_memory: int) -> None:
    # Every other one of the corpus in memory, and the others in temporary files, as Django has them.
    paths = thousand.paths[bool(in_memory) :: 2]
    client = Client()
    with override_settings(FILE_UPLOAD_MAX_MEMORY_SIZE=in_memory):
        for path in paths:
            with open(path, "rb") as file:
                answer = client.post(f"/{view}", {"audio": file})
            record = thousand.records[path]
            refused = 422 if view == "validated" else 400
            assert answer.status_code == (200 if record["admitted"] else refused), answer.content
            if not record["admitted"] and view == "validated":
                assert answer.json()["audio"][0]["message"].startswith(record["decision"])
    kept = sorted(path.read_bytes() for path in media.iterdir())
    assert kept == sorted(Path(path).read_bytes() for path in thousand.kept.intersection(paths))


def test_a_field_of_a_model_is_validated(media: Path) -> None:
    field = Track._meta.get_field("audio")
    storage = FileSystemStorage(location=str(media))
    field.storage, field.validators = storage, [AdmittedAudio()]
    marked = noai.mark(TUNE, signer=signer())
    Track(audio=SimpleUploadedFile("a.mp3", TUNE)).full_clean()
    with pytest.raises(ValidationError, match="denies"):
        Track(audio=SimpleUploadedFile("a.mp3", marked)).full_clean()
    # Those that are in the storage already: opened to be looked at, and closed.
    for data, is_valid in ((TUNE, True), (marked, False)):
        track = Track(audio=storage.save("b.mp3", ContentFile(data)))
        if is_valid:
            track.full_clean()
        else:
            with pytest.raises(ValidationError, match="denies"):
                track.full_clean()
        assert track.audio.closed
    with pytest.raises(ValidationError, match="undecided"):
        Track(audio="missing.mp3").full_clean()


def test_the_validator_leaves_the_file_at_its_start_and_says_why(tmp_path: Path) -> None:
    upload = SimpleUploadedFile("a.mp3", TUNE)
    upload.seek(9)
    AdmittedAudio()(upload)
    assert upload.tell() == 0
    with pytest.raises(ValidationError) as refused:
        AdmittedAudio(gate=Gate.of(Policy(admission=Admission.OPT_IN)))(upload)
    assert refused.value.code == "not_admitted"
    assert refused.value.params["verdict"].decision is Decision.UNRESERVED
    with pytest.raises(ValidationError) as refused:
        AdmittedAudio(limit=len(TUNE) - 1)(upload)
    assert refused.value.code == "too_large"
    AdmittedAudio(limit=len(TUNE))(upload)
    with open(tmp_path / "text", "w+") as text, pytest.raises(ValidationError, match="undecided"):
        AdmittedAudio()(File(text))


def test_migrations_can_name_the_validator(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate.of(Policy(admission=Admission.OPT_IN))
    text, imports = MigrationWriter.serialize(AdmittedAudio(gate=gate, limit=5))
    assert text == "noai.integrations.django.AdmittedAudio(limit=5)"
    assert imports == {"import noai.integrations.django"}


def test_a_storage_takes_what_is_admitted(media: Path) -> None:
    storage = AdmittedStorage(location=str(media), limit=len(TUNE))
    marked = noai.mark(TUNE, signer=signer())
    assert storage.save("a/b.mp3", ContentFile(TUNE)) == "a/b.mp3"
    for data, reason in (
        (marked[: len(TUNE)], "denies"),
        (b"garbage", "undecided"),
        (TUNE + b"\0", "larger"),
    ):
        with pytest.raises(UploadRefused, match=reason) as refused:
            storage.save("c.mp3", ContentFile(data))
        assert (refused.value.verdict is None) == (reason == "larger")
    assert [path.name for path in media.rglob("*") if path.is_file()] == ["b.mp3"]


class Memory(AdmittedMixin, MarkedMixin, InMemoryStorage):  # type: ignore[misc]
    """Any storage will do, and both at once: what may enter is marked."""


def test_a_storage_marks(media: Path) -> None:
    IdentityStore().create("ana", Algorithm.ES256, now())
    storage = MarkedStorage(location=str(media), identity="ana")
    with TemporaryUploadedFile("t.mp3", "audio/mpeg", len(TUNE), None) as temporary:
        temporary.write(TUNE)
        for name, content in (("memory.mp3", ContentFile(TUNE)), ("temporary.mp3", temporary)):
            assert storage.save(name, content) == name
            assert noai.verify(media / name).decision is Decision.REJECTED
    # The same name again is another file, and neither is marked twice.
    again = storage.save("memory.mp3", ContentFile((media / "memory.mp3").read_bytes()))
    assert (media / again).read_bytes() == (media / "memory.mp3").read_bytes()
    for data in (b"garbage", b""):
        with pytest.raises(UploadRefused) as refused:
            storage.save("c.mp3", ContentFile(data))
        assert str(media.parent) not in str(refused.value)
    with pytest.raises(UploadRefused, match="larger"):
        MarkedStorage(location=str(media), identity="ana", limit=9).save("c.mp3", ContentFile(TUNE))
    assert len(list(media.iterdir())) == 3


def test_mixins_go_in_front_of_any_storage() -> None:
    marking = Marking(signer(), Claim.from_profile(Profile.NO_GENERATIVE))
    storage = Memory(marking=marking)
    name = storage.save("a.mp3", ContentFile(TUNE))
    with storage.open(name) as file:
        marked = file.read()
    assert noai.verify(marked).decision is Decision.REJECTED
    with pytest.raises(UploadRefused, match="denies"):
        storage.save("b.mp3", ContentFile(marked))


def test_mixins_that_would_not_be_asked_are_no_classes() -> None:
    def saves(self: Any, name: str, content: File) -> str:
        return name

    for mixin, bases, body in (
        (AdmittedMixin, (FileSystemStorage, AdmittedMixin), {}),
        (MarkedMixin, (InMemoryStorage, MarkedMixin), {}),
        (MarkedMixin, (AdmittedMixin, InMemoryStorage, MarkedMixin), {}),
        (AdmittedMixin, (AdmittedStorage,), {"_save": saves}),
    ):
        with pytest.raises(UsageError, match="in front"):
            type(f"Behind{mixin.__name__}", bases, body)
    assert type("Both", (AdmittedStorage, MarkedStorage), {})


@pytest.mark.parametrize("name", ["100% Ana", "%(verdict)s", "%s"])
def test_a_signer_s_name_is_no_format(name: str) -> None:
    """Reasons quote the file, and Django formats messages."""
    marked = noai.mark(TUNE, signer=signer(leaf=Cert(name=name, key="es256")))

    class Ingest(forms.Form):
        audio = forms.FileField(validators=[AdmittedAudio(gate=Gate.of(depth=Depth.EVIDENCE))])

    form = Ingest({}, {"audio": SimpleUploadedFile("a.mp3", marked)})
    assert not form.is_valid()
    (message,) = form.errors["audio"]
    assert name in message
    assert message.startswith("rejected: ")


def test_what_is_configured_wrongly_says_so_at_the_start(tmp_path: Path) -> None:
    both: dict[str, Any] = {
        "identity": "ana",
        "marking": Marking(signer(), Claim.from_profile(Profile.NO_AI)),
    }
    for wrong in ({}, both):
        with pytest.raises(UsageError):
            MarkedStorage(**wrong)
    with pytest.raises(IdentityUnknown):
        MarkedStorage(identity="nobody")
    (tmp_path / "home").mkdir(exist_ok=True)
    (tmp_path / "home" / "trust.json").write_text("{")
    for made in (AdmittedAudio, AdmittedStorage):
        with pytest.raises(TrustError):
            made()
