"""Changes a text of C in one place, looked for whatever the white space between its words."""
import re


def bend(text, old, new):
    pattern = r"\s*".join(re.escape(word) for word in re.findall(r"\w+|[^\w\s]", old))
    changed, times = re.subn(pattern, lambda _: new, text)
    if times != 1:
        raise ValueError(f"{old!r} is there {times} times")
    return changed
