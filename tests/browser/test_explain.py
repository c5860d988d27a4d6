"""The section of trained models: pictures, maps, and a token that is picked."""

import pytest


@pytest.fixture
def here(visit):
    found = visit()
    found.page.wait_for_selector(".maps canvas")
    found.page.wait_for_selector("#explain-picker")
    return found


def told(here):
    return here.page.locator("#explain-token").inner_text()


def pixels(here, selector, *places):
    """The colours at parts (across, down) of a canvas, three numbers each."""
    return here.page.locator(selector).evaluate(
        """(one, places) => {
          const { width, height } = one;
          const { data } = one.getContext("2d").getImageData(0, 0, width, height);
          return places.map(([across, down]) => {
            const at = 4 * (Math.floor(down * height) * width + Math.floor(across * width));
            return [...data.slice(at, at + 3)];
          });
        }""",
        places,
    )


def test_each_picture_stands_beside_the_map_of_each_model(here, hostile):
    assert here.page.locator(".maps canvas").count() == 2 * 3
    assert here.page.locator(".maps > span").count() == 3
    plain, mapped = (pixels(here, f".maps canvas >> nth={at}", (0.95, 0.95)) for at in (0, 1))
    assert plain != mapped
    text = here.page.locator("#explain").inner_text()
    assert hostile in text
    assert "50.0 % [25.0 – 75.0]" in text


def test_a_token_is_picked_by_click(here):
    assert told(here).startswith("Row 2, column 2 of 2 × 3 (each 2 × 2 tokens): pays most, 30.0 %")
    box = here.page.locator("#explain-picker").bounding_box()
    here.page.locator("#explain-picker").click(
        position={"x": box["width"] * 0.9, "y": box["height"] * 0.2}
    )
    assert told(here).startswith("Row 1, column 3 of 2 × 3")
    assert "40.0 %, to itself" in told(here)
    bright, dark = pixels(here, "#explain-pair canvas >> nth=1", (0.83, 0.25), (0.5, 0.25))
    assert sum(bright) > sum(dark)


def test_a_token_is_picked_by_keyboard_and_never_leaves_the_picture(here):
    here.page.locator("#explain-picker").focus()
    for key, place in (
        ("ArrowLeft", "Row 2, column 1"), ("ArrowLeft", "Row 2, column 1"),
        ("ArrowUp", "Row 1, column 1"), ("ArrowUp", "Row 1, column 1"),
        ("ArrowRight", "Row 1, column 2"), ("ArrowDown", "Row 2, column 2"),
    ):  # fmt: skip
        here.page.keyboard.press(key)
        here.page.wait_for_function(
            "(text) => document.getElementById('explain-token').textContent.startsWith(text)",
            arg=place,
        )
        assert here.page.evaluate("document.activeElement.id") == "explain-picker"


def test_layer_and_picture_are_chosen_and_a_link_keeps_them(here, visit):
    here.page.locator("#explain-controls button").first.click()
    here.page.locator("#explain-controls select").select_option("1")
    here.page.locator("#explain-picker").focus()
    here.page.keyboard.press("ArrowUp")
    assert "to row 1, column 3, and 9.0 % to itself" in told(here)
    there = visit("#" + here.page.url.partition("#")[2])
    there.page.wait_for_selector("#explain-picker")
    assert told(there) == told(here)
    assert there.page.locator("#explain-controls select").input_value() == "1"
