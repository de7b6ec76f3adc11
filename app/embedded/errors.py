"""What can go wrong with the embedded stack, in words for the person at the terminal."""


class StackFailed(Exception):
    """The stack cannot be started; the message says why and what to do."""


class ServiceFailed(StackFailed):
    """A process of the stack ended, or hung, before it was ready."""
