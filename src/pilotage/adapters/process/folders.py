"""Artifacts that are files already: folders, copied; archives, unpacked. Nothing is believed unhashed."""

from __future__ import annotations

import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from pilotage.adapters.process.digests import NOT_CONTENT, directory_sha256, file_sha256
from pilotage.core.release import Archive, Directory
from pilotage.errors import PilotageError, Problem

Say = Callable[[str], None]

_BROKEN = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, RuntimeError)


def copy(artifact: Directory, root: Path, say: Say) -> str:
    """Copy it to ``root`` and return ``sha256:…``; PilotageError when it is not what it should be."""
    source = Path(artifact.path)
    if not source.is_dir():
        raise PilotageError(_missing(artifact.path, "folder"))
    say("copying")
    try:
        shutil.copytree(source, root, symlinks=True, ignore=_not_content)
        say("checking")
        found = directory_sha256(root)
    except (shutil.Error, ValueError) as error:
        raise PilotageError(_uncopied(artifact.path, error)) from error
    if found != artifact.sha256:
        raise PilotageError(_other_content(artifact.path, artifact.sha256, found))
    return f"sha256:{found}"


def unpack(artifact: Archive, folder: Path, root: Path, say: Say) -> str:
    """Unpack it to ``root`` and return ``sha256:…``; PilotageError when it is wrong, unsafe or broken."""
    if not Path(artifact.path).is_file():
        raise PilotageError(_missing(artifact.path, "archive"))
    say("copying")
    ours = folder / "archive"  # a copy, so that nobody changes it between the check and the unpacking
    shutil.copyfile(artifact.path, ours)
    try:
        if (found := file_sha256(ours)) != artifact.sha256:
            raise PilotageError(_other_content(artifact.path, artifact.sha256, found))
        say("unpacking")
        root.mkdir(mode=0o755)
        if zipfile.is_zipfile(ours):
            _unzip(ours, root)
        else:
            with tarfile.open(ours) as archive:
                archive.extractall(root, filter="data")
    except tarfile.FilterError as error:
        raise PilotageError(_unsafe(artifact.path, str(error))) from error
    except _Unsafe as error:
        raise PilotageError(_unsafe(artifact.path, str(error))) from error
    except _BROKEN as error:
        raise PilotageError(_broken(artifact.path, error)) from error
    finally:
        ours.unlink(missing_ok=True)
    return f"sha256:{artifact.sha256}"


class _Unsafe(Exception):
    """A member that would be written outside of the folder, or that is no file."""


def _unzip(path: Path, root: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            name, mode = PurePosixPath(member.filename), member.external_attr >> 16
            if name.is_absolute() or ".." in name.parts or "\\" in member.filename or ":" in name.parts[:1]:
                raise _Unsafe(f"{member.filename!r} would be written outside of the folder")
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _Unsafe(f"{member.filename!r} is neither a file nor a folder")
            written = Path(archive.extract(member, root))
            if mode & 0o111 and not member.is_dir():
                written.chmod(0o755)


def _not_content(_: str, names: list[str]) -> set[str]:
    return set(names) & NOT_CONTENT


def _missing(path: str, kind: str) -> Problem:
    return Problem(
        code="artifact.missing", what=f"there is no {kind} {path}", mend="build it, or correct its path"
    )


def _other_content(path: str, wanted: str, found: str) -> Problem:
    return Problem(
        code="artifact.other-content",
        what=f"{path} is not what was released",
        why=f"its sha256 is {found}, the release names {wanted}",
        mend="it was changed after the plan was made: plan the release again",
    )


def _uncopied(path: str, error: Exception) -> Problem:
    first = error.args[0][0][2] if isinstance(error, shutil.Error) and error.args[0] else error
    return Problem(
        code="artifact.uncopied",
        what=f"{path} could not be copied",
        why=str(first)[:500],
        mend="see that every file in it can be read, and that the disk has room",
    )


def _unsafe(path: str, why: str) -> Problem:
    return Problem(
        code="artifact.unsafe-archive",
        what=f"{path} was not unpacked, because it would write where it must not",
        why=why[:500],
        mend="make the archive again, with relative names and without links to the outside",
    )


def _broken(path: str, error: Exception) -> Problem:
    return Problem(
        code="artifact.broken-archive",
        what=f"{path} could not be unpacked",
        why=str(error)[:500] or type(error).__name__,
        mend="it must be a .tar, .tar.gz, .tar.xz or .zip without a password",
    )
