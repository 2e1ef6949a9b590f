"""Every error Mnemon raises on purpose, in one tree.

    MnemonError
    ├── InvalidInput (also ValueError)      what the caller passed cannot be used
    │   ├── EmptyContent
    │   ├── InvalidText                     NUL bytes, lone surrogates
    │   ├── ContentTooLarge
    │   ├── InvalidNamespace
    │   ├── InvalidTime
    │   ├── InvalidMetadata
    │   ├── KeyReused                       an idempotency key that something else was added under
    │   ├── UnknownName                     a method, slot, format or option nobody knows
    │   └── WrongDevice                     a method does not run where the model is
    ├── NotFound (also LookupError)         no such cube, link or artifact in this namespace
    ├── VersionConflict                     compare-and-swap lost
    │   └── AliasMoved                      of adapters
    ├── AccessDenied (also PermissionError) the cube's policy or the API key forbids it
    │   ├── KeyRefused                      no API key or access token that is good
    │   ├── OnHold                          it must be kept: `mnemon retention release`
    │   └── NotForWeights                   it is withheld from them: `mnemon weights allow`
    ├── QuotaExceeded                       the namespace may not hold more
    ├── RateLimited                         a key, or all in a namespace, ask too often
    ├── StaleArtifact                       a source of the artifact has changed
    ├── StoreError                          the store cannot do its work
    │   ├── StoreBusy
    │   ├── StoreFull
    │   ├── StoreReadOnly
    │   ├── StoreCorrupt
    │   ├── StoreTooNew
    │   ├── StoreClosed
    │   └── PurgeIncomplete                 forgotten, but bytes may remain on disk
    ├── DamagedBlob                         kept keys and values are not what was written
    ├── PlaceFailed                         where they are kept cannot be read or written
    ├── EmbedderError                       an embedding model failed or answered nonsense
    │   ├── DimensionMismatch
    │   └── SpaceMoved                      the store was reindexed meanwhile
    ├── JobLost                             every process that worked on a job went away
    ├── ServerError                         a server cannot be reached, or gave no usable answer
    │   ├── UpstreamFailed                  a language model's API that was to answer
    │   └── IssuerFailed                    the issuer of access tokens does not give its keys
    ├── ImportFailed                        a history file as a whole cannot be read
    └── MissingExtra (also ImportError)     an optional package is not installed

A message says what failed, with which value, and what to do.
"""

from __future__ import annotations


class MnemonError(Exception):
    """Base of all of them: catch this one to catch every deliberate error."""


class InvalidInput(MnemonError, ValueError):
    """What the caller passed cannot be used as it is. Nothing was written."""


class EmptyContent(InvalidInput):
    """A cube needs some text that is not only white space."""


class InvalidText(InvalidInput):
    """Text that no store can hold faithfully: NUL characters or lone surrogates."""


class ContentTooLarge(InvalidInput):
    """One cube's text is over the limit; a `Document` is split into passages."""


class InvalidNamespace(InvalidInput):
    """A namespace that is not a plain path such as `acme/ana/assistant`."""


class InvalidTime(InvalidInput):
    """A point in time that cannot be read or represented."""


class InvalidMetadata(InvalidInput):
    """Metadata that is not a JSON object with text keys."""


class KeyReused(InvalidInput):
    """An idempotency key that something else was asked under. Nothing was written.

    Attributes:
        key, id: the key, and the cube or the job that it is of.
    """

    def __init__(self, key: str, id: str, other: str) -> None:
        super().__init__(
            f"the key {key!r} is that of {other}, {id}: use a new key, or send what it came with"
        )
        self.key, self.id = key, id


class UnknownName(InvalidInput):
    """A name that nothing answers to; the message lists the nearest ones."""


class WrongDevice(InvalidInput):
    """A method that does not run where the model is, or has nothing to do there.

    Attributes:
        method: its name.
        device: where the model is: `cpu`, `cuda` …
    """

    def __init__(self, method: str, device: str, why: str) -> None:
        super().__init__(
            f"{method} cannot be used on {device}: {why}; move the model, or take another method"
        )
        self.method, self.device = method, device


class NotFound(MnemonError, LookupError):
    """Nothing by that id in the namespace that was asked."""


class VersionConflict(MnemonError):
    """The cube changed since it was read.

    Attributes:
        id: the cube's id.
        expected: the version the caller had read.
        current: the version the store has now.
    """

    def __init__(self, id: str, expected: int, current: int) -> None:
        super().__init__(
            f"cube {id} is at version {current}, not {expected}: "
            "read it again with get() and repeat the update on what you find"
        )
        self.id, self.expected, self.current = id, expected, current


class AliasMoved(VersionConflict):
    """An alias of adapters was moved by someone else meanwhile. It stays where it was put.

    Attributes:
        id: the alias.
        expected: the number of the move that the caller had seen.
        current: that of the newest one.
    """

    def __init__(self, id: str, expected: int, current: int) -> None:
        told = f"the alias {id!r} was moved meanwhile: look at its history, and judge again"
        MnemonError.__init__(self, told)
        self.id, self.expected, self.current = id, expected, current


class AccessDenied(MnemonError, PermissionError):
    """The cube's policy does not let this actor do that, or the API key does not."""


class KeyRefused(AccessDenied):
    """No API key or access token where one is needed, or one that is not good, or no longer."""


class OnHold(AccessDenied):
    """A cube that must be kept was to be forgotten. Nothing was.

    Attributes:
        id: the cube.
        what: what is on hold: the cube, or a namespace above it.
    """

    def __init__(self, id: str, what: str) -> None:
        super().__init__(
            f"cube {id} is on hold ({what!r}) and stays: leave it out, or lift the hold with "
            "`mnemon retention release`"
        )
        self.id, self.what = id, what


class NotForWeights(AccessDenied):
    """A cube that is withheld from weights was to be compiled to them. Nothing was kept.

    Attributes:
        id: the cube.
        path: the namespace prefix that is withheld; None: the cube's own policy forbids it.
    """

    def __init__(self, id: str, path: str | None) -> None:
        why = "its policy forbids it" if path is None else f"namespace {path!r} is withheld"
        super().__init__(f"cube {id} may not be compiled to weights, {why}: leave it out")
        self.id, self.path = id, path


class QuotaExceeded(MnemonError):
    """The namespace would hold more than its quota. Nothing of this write was kept.

    Attributes:
        namespace: the prefix that the quota is for.
        of: "cubes" or "bytes".
        most: how many it may hold.
    """

    def __init__(self, namespace: str, of: str, most: int) -> None:
        super().__init__(
            f"namespace {namespace!r} may hold {most:,} {of}, and this would be more: forget "
            f"{'what is not needed' if of == 'cubes' else 'with purge'}, or have the quota raised"
        )
        self.namespace, self.of, self.most = namespace, of, most


class RateLimited(MnemonError):
    """A key, or all in a namespace together, ask too often. Nothing was done: ask again later.

    Attributes:
        retry_after: seconds until the next request will be let in.
        namespace: where all together ask too often; None: it is the key alone.
    """

    def __init__(self, rate: str, retry_after: float, namespace: str | None = None) -> None:
        who = "the key" if namespace is None else f"in namespace {namespace!r} all keys together"
        super().__init__(f"{who} may ask {rate}: wait {retry_after:.3g} s, or have the rate raised")
        self.retry_after, self.namespace = retry_after, namespace


class StaleArtifact(MnemonError):
    """An artifact whose sources changed or were forgotten was opened.

    Attributes:
        key: the artifact's digest key.
        stale_sources: ids of the cubes that changed.
    """

    def __init__(self, key: str, stale_sources: tuple[str, ...]) -> None:
        shown = ", ".join(stale_sources[:5]) + (" …" if len(stale_sources) > 5 else "")
        super().__init__(
            f"artifact {key[:16]} is stale: {len(stale_sources)} of its sources changed or were "
            f"forgotten ({shown}); derive it again from the current cubes"
        )
        self.key, self.stale_sources = key, stale_sources


class StoreError(MnemonError):
    """The store could not do its work."""


class StoreBusy(StoreError):
    """Another process held the store for longer than the timeout."""


class StoreFull(StoreError):
    """The disk is full. What was acknowledged before is safe; this write was not made."""


class StoreReadOnly(StoreError):
    """A write was asked of a store that is read-only."""


class StoreCorrupt(StoreError):
    """The file is damaged, truncated, or no Mnemon store."""


class StoreTooNew(StoreError):
    """The store was made by a newer Mnemon than this one."""


class StoreClosed(StoreError):
    """The memory was closed and then used."""


class PurgeIncomplete(StoreError):
    """The cubes are gone from every answer, but their bytes may still be on disk.

    Attributes:
        receipt: what was forgotten (see `mnemon.cube.Receipt`).
    """

    def __init__(self, message: str, receipt: object = None) -> None:
        super().__init__(message)
        self.receipt = receipt


class DamagedBlob(MnemonError):
    """The bytes are not what was written under this key: they must be computed again."""


class PlaceFailed(MnemonError):
    """A folder, bucket or server that keeps keys and values could not do what was asked."""


class EmbedderError(MnemonError):
    """An embedding model failed, or answered with something that is no embedding."""


class DimensionMismatch(EmbedderError):
    """A vector has another length than its embedding space.

    Attributes:
        expected: the dimension of the space.
        got: the dimension of the vector.
    """

    def __init__(self, space: str, expected: int, got: int) -> None:
        super().__init__(
            f"embedding space {space!r} has {expected} dimensions, the vector has {got}: "
            "check the embedder, or run reindex() to move the store to another one"
        )
        self.expected, self.got = expected, got


class SpaceMoved(EmbedderError):
    """Another process moved the store to a new embedder meanwhile: embed again and repeat."""

    def __init__(self, space: str) -> None:
        super().__init__(f"the store was reindexed, {space!r} is no longer in use: open it again")


class JobLost(MnemonError):
    """Every process that worked on the job went away."""


class ServerError(MnemonError):
    """A server cannot be reached, took too long, or answered with what is no answer of Mnemon's."""


class UpstreamFailed(ServerError):
    """A language model's API, the proxy's upstream or one that was asked, gave no whole answer."""


class IssuerFailed(ServerError):
    """The issuer of access tokens cannot be asked for the keys that they are checked by."""


class ImportFailed(MnemonError):
    """A history as a whole cannot be read (single bad entries are reported and skipped)."""


class MissingExtra(MnemonError, ImportError):
    """An optional package is needed for this and is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"this needs the package {package!r}, which is not installed: "
            f"pip install 'mnemon[{extra}]'"
        )
        self.package, self.extra = package, extra
