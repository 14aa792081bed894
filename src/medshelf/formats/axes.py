"""What the axes of an array are taken for, where its file says nothing of them.

An array says nothing of its axes. They are taken by their number; a layout that knows better says so:

====  =====================================================
axes  taken for
====  =====================================================
1     ``n``, one value for each item
2     ``yx``, a picture
3     ``yxc`` where the last axis has 3 or 4, else ``ijk``
4     ``nyxc``, many pictures, channels last
5     ``ijktc``, as in NIfTI
====  =====================================================
"""

from __future__ import annotations

from medshelf.errors import Unsupported

_AXES = {1: "n", 2: "yx", 4: "nyxc", 5: "ijktc"}


def axes_by_number(shape: tuple[int, ...], name: str) -> str:
    """Return the axes of an array of this shape, by the table above.

    Parameters
    ----------
    shape : tuple of int
        Of the array.
    name : str
        The file, for the message.

    Raises
    ------
    Unsupported
        No axis, or more than five.
    """
    count = len(shape)
    if not 1 <= count <= 5:
        raise Unsupported(f"an array of {count} axes is not read as an image", where=name, why=f"shape {shape[:16]}")
    return ("yxc" if shape[-1] in (3, 4) else "ijk") if count == 3 else _AXES[count]


def only_name(held: list[str], name: str) -> str:
    """Return the only array of a container.

    Parameters
    ----------
    held : list of str
        Names of its arrays.
    name : str
        The file, for the message.

    Raises
    ------
    Unsupported
        It holds none or several; `why` names them.
    """
    if len(held) == 1:
        return held[0]
    raise Unsupported(
        f"the file holds {len(held)} arrays, and nothing says which is the image",
        where=name,
        why=", ".join(held[:20]) or "no array of numbers",
        hint="Name one: read(blob, key=...)" if held else "Look at what it holds instead",
    )
