"""What the checkers know about C: finding files, and blanking out comments and literals."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent

_NOT_CODE = re.compile(
    r"""//[^\n]*            # a comment to the end of its line
      | /\*.*?\*/           # a comment
      | "(?:\\.|[^"\\\n])*" # a string
      | '(?:\\.|[^'\\\n])*' # a character
    """,
    re.DOTALL | re.VERBOSE,
)


def files(root, *patterns):
    """All files of the tree that match, in a stable order, as paths relative to root."""
    found = {path for pattern in patterns for path in root.glob(pattern)}
    return sorted(path.relative_to(root) for path in found)


def code_only(text):
    """The text with comments, strings and characters blanked; every line keeps its number."""
    return _NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def without_comments(text):
    """The text with comments blanked; strings stay (an #include needs its name)."""
    def blank(match):
        is_comment = match.group().startswith("/")
        return re.sub(r"[^\n]", " ", match.group()) if is_comment else match.group()

    return _NOT_CODE.sub(blank, text)
