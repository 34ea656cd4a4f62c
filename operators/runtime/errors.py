"""What can go wrong between us and the API server, one type for each thing to do about it."""

# ruff: noqa: N818 - these name what was answered; nothing but errors is called so here


class GatewayError(Exception):
    """A call to the API server did not do what it was meant to do."""


class NotFound(GatewayError):
    """There is no such object, or the API server does not serve its kind."""


class Conflict(GatewayError):
    """The object is not what it was when it was read, or exists already."""


class Invalid(GatewayError):
    """The API server refuses the content; the message names the field."""


class Forbidden(GatewayError):
    """Our account lacks the right."""


class Gone(GatewayError):
    """A watch asked for history that the API server no longer keeps."""


class Unavailable(GatewayError):
    """No answer, or none that says more than "not now"."""

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds that the API server asks to be left alone."""


class Fenced(GatewayError):
    """The write was not sent: the lease might end before the write does."""
