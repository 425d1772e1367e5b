"""What a test says when something is not as it should be."""


LONGEST = 2000


class Failure(Exception):
    """What should hold does not."""

    def __init__(self, text):
        text = str(text)
        if len(text) > LONGEST:
            text = text[:LONGEST] + " ... (%d more)" % (len(text) - LONGEST)
        super().__init__(text)


class Skip(Exception):
    """The test can't run here."""


def check(condition, text):
    if not condition:
        raise Failure(text)


def same(got, want, what):
    if got != want:
        raise Failure("%s: got %r, expected %r" % (what, got, want))


def status(reply, want, what=""):
    """The reply has the status that is named."""
    got = "CLOSED" if reply is None else reply.status_name
    if got != want:
        raise Failure("%s: got %s, expected %s" % (what or reply, got, want))
    return reply


def show(text):
    print(text, flush=True)
