"""The one exception for what a user can mend."""


class InputError(ValueError):
    """Wrong input: the message says what was wrong, what was found and what to do.

    The command line prints the message and exits with 2, a page shows it in place of its content;
    any other exception is a defect of ours and keeps its traceback.
    """
