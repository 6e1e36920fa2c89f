"""Parts of a run: nothing twice, nothing left out, what belongs together in one, and as even as can be."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import UsageError
from harness.core.sharding import Share, part_of

ITEMS = st.lists(st.tuples(st.integers(0, 12), st.integers()), min_size=1, unique=True)
"""Items by the image that they need, and a number."""


def image(item: tuple[int, int]) -> int:
    return item[0]


@given(items=ITEMS, data=st.data())
def test_parts_are_all_items_once_and_keep_what_belongs_together(
    items: list[tuple[int, int]], data: st.DataObject
) -> None:
    sizes = Counter(map(image, items))
    of = data.draw(st.integers(1, len(sizes)))
    parts = [part_of(items, Share(number, of), together=image) for number in range(1, of + 1)]
    assert sorted(item for part in parts for item in part) == sorted(items)
    assert sum(len(set(map(image, part))) for part in parts) == len(sizes)
    assert all(list(part) == [item for item in items if item in part] for part in parts)
    lengths = [len(part) for part in parts]
    assert min(lengths) > 0
    assert max(lengths) - min(lengths) <= max(sizes.values())
    assert part_of(items, Share(1, of), together=image) == parts[0]


@given(images=st.integers(1, 40), questions=st.integers(1, 5), of=st.integers(1, 40))
def test_images_of_one_size_are_spread_to_within_one(images: int, questions: int, of: int) -> None:
    items = [(one, asked) for one in range(images) for asked in range(questions)]
    if of > images:
        with pytest.raises(UsageError, match="parts are too many"):
            part_of(items, Share(1, of), together=image)
        return
    lengths = [len(part_of(items, Share(number, of), together=image)) for number in range(1, of + 1)]
    assert max(lengths) - min(lengths) in (0, questions)


def test_a_part_is_read_as_it_is_written() -> None:
    assert Share.parse("2/3") == Share(2, 3)
    assert str(Share.parse("2/3")) == "2/3"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0/3", "the parts of 3 are 1/3 to 3/3"),
        ("4/3", "the parts of 3 are 1/3 to 3/3"),
        ("1/0", "one part at least"),
        ("x", "'x' is not a part"),
        ("1", "'1' is not a part"),
        ("-1/3", "is not a part"),
        ("1/3/5", "is not a part"),
        ("\u0661/\u0663", "is not a part"),
        ("", "is not a part"),
    ],
)
def test_what_is_no_part_is_refused(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as refused:
        Share.parse(text)
    assert "1/3, 2/3 and 3/3" in refused.value.remedy
