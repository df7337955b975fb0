"""5xx: outputs."""

from __future__ import annotations

from edge_irdet.errors.base import EdgeIrdetError


class UnknownOutputError(EdgeIrdetError):
    """The output URI has a form that no sink answers to."""

    code = "E501"
    title = "unknown output"
    when = "`--output` has a form that no output accepts."
    check = "The suffix. The message lists every form."
    fix = "Use one of the listed forms."


class OutputFailedError(EdgeIrdetError):
    """An output could not be opened or written (full disk, no permission, folder missing)."""

    code = "E502"
    title = "output failed"
    when = (
        "An output cannot be created or written: the folder is missing, permission is denied, the disk is "
        "full, another process has the port or socket, or a broker or reader is gone."
    )
    check = "`df -h` and `ls -ld FOLDER` for files; `ss -ltnp` or `ss -xlp` for ports and sockets."
    fix = (
        "Free space or choose another place. A JSONL file ends with its last complete record, a video with "
        "its last complete group of frames; pictures appear only when they are complete."
    )


class RecordInvalidError(EdgeIrdetError):
    """A line is not a detection record, or was written by a newer edge-irdet."""

    code = "E503"
    title = "record invalid"
    when = "A line is not a detection record, or was written by a newer edge-irdet."
    check = "The message gives the field."
    fix = "Read files that `edge-irdet stream` wrote, with the same version or a newer one."


class RecordsLostError(EdgeIrdetError):
    """The stream came to its end, but an output missed records on the way."""

    code = "E504"
    title = "records lost"
    when = (
        "A stream ended normally, but an output lost records on the way: the disk was full, a peer was gone, "
        "or the network was slower than the stream."
    )
    check = "The message names each output, the number of lost records and the reason."
    fix = (
        "Remove the cause (`df -h`, the log of the peer). All other records are good. "
        "`--on-output-failure stop` ends the stream at the first loss instead."
    )


class OutputGoneError(EdgeIrdetError):
    """The reader of standard output or of a pipe has gone, and nothing can bring it back."""

    code = "E505"
    title = "output gone"
    when = "The program that read standard output or a pipe ended, and the stream ended with it."
    check = "Which program stands after the `|`, and why it ended."
    fix = "Start both again. For readers that come and go use `--output unix:///PATH`."


class OutputTakenError(EdgeIrdetError):
    """The file of an output is a link, holds something else, or is being written by somebody else."""

    code = "E506"
    title = "output taken"
    when = (
        "The file of an output holds something that is not its own, is a symbolic link, or is being written "
        "by another process. Nothing was changed."
    )
    check = "`ls -l FILE`, `head -1 FILE`, and `fuser -v FILE`."
    fix = (
        "Name another file. `--overwrite` replaces what a file holds; it does not follow links and does not "
        "take a file from another process."
    )
