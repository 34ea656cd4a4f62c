"""The page of the faults is what the table says, and every test that it names is there."""

from hack.faults import page
from hack.faults.rows import ROWS


def test_the_page_is_what_the_table_says() -> None:
    written = page.ROOT / "docs" / "faults.md"
    assert written.read_text() == page.page(), "run: python -m hack.faults > docs/faults.md"


def test_every_test_that_the_table_names_is_there() -> None:
    assert page.absent() == []


def test_what_is_said_to_be_shown_says_by_what() -> None:
    for row in ROWS:
        assert row.tests or row.note, row.fault
