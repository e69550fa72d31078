"""Wording: forbidden words are found behind spaces, wide letters, signs and traditional characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.pricing.guards import FORBIDDEN_AUTO_WORDS
from domain.pricing.wording import ForbiddenWord, find_forbidden

TRICKS = {
    "plain": "新车以租代购零首付",
    "spaces": "新车 以 租 代 购",
    "wide spaces": "以\u3000租\u3000代\u3000购",
    "line breaks": "以租\n代购",
    "dots": "以·租·代·购",
    "brackets": "以【租】代（购）",
    "zero width": "以\u200b租\u200d代\ufeff购",
    "soft hyphen": "以\u00ad租代购",
    "combining": "以\u0301租代\u20dd购",
    "variation": "以租\ufe0f代购",
    "traditional": "以租代購",
    "emoji": "以🚗租🚗代🚗购",
    "radical": "\u2f9e抵贷",
    "simplified radical": "\u2ecb抵貸",
    "traditional mixed": "車抵貸，秒批",
    "auto credit": "汽 車 信 貸",
    "vehicle loan": "車輛貸款",
    "compatibility": "\uf902辆贷款",
    "hangul fillers": "以\u3164租\u115f代\uffa0购",
    "invisible signs": "以\u2060租\u180e代\U000e0020购",
    "strokes": "以丨租丶代丿购",
    "dashes that are letters": "以ー租ㄧ代〡购",
    "latin letters": "以x租X代z购",
    "digits": "车1抵2贷",
    "kana": "汽の車の信の貸",
    "japanese": "車両貸款",
    "old forms": "㠯租代購",
    "mirrored variant": "车牴贷",
    "squared": "🅰以🅱租代购",
    "tags and joiners": "以\u200c租\u034f代\u2063购",
}


@pytest.mark.parametrize("text", TRICKS.values(), ids=TRICKS)
def test_tricks_do_not_help(text: str) -> None:
    assert len(find_forbidden(text, FORBIDDEN_AUTO_WORDS)) == 1


@pytest.mark.parametrize(
    "text", ["", "汽车融资租赁", "以租金代替购车款", "租代购以", "车辆抵押登记", "贷款买车", "汽车信用贷", "car loan"]
)
def test_other_words_pass(text: str) -> None:
    assert find_forbidden(text, FORBIDDEN_AUTO_WORDS) == ()


def test_place_is_that_of_the_original_text() -> None:
    text = "零首付！以 租-代 購，当天提车"
    assert find_forbidden(text, FORBIDDEN_AUTO_WORDS) == (ForbiddenWord("以租代购", 4, 11),)
    assert text[4:11] == "以 租-代 購"


def test_every_word_is_found_once() -> None:
    text = "车辆贷款、汽车信贷、车抵贷、以租代购、以租代购"
    assert [found.word for found in find_forbidden(text, FORBIDDEN_AUTO_WORDS)] == list(FORBIDDEN_AUTO_WORDS)


def test_latin_words_are_compared_without_case_and_width() -> None:
    assert find_forbidden("ＣＡＲ　Loan", ["car loan"]) == (ForbiddenWord("car loan", 0, 8),)


def test_word_without_letters_is_never_found() -> None:
    assert find_forbidden("！！", ["！", ""]) == ()


NOISE = st.text(st.sampled_from(" \t\n\u3000·.-—_/|*，。！【】（）\u200b\u200d\ufeff🚗"), max_size=3)


@given(st.sampled_from(FORBIDDEN_AUTO_WORDS), st.data(), st.text(max_size=20), st.text(max_size=20))
def test_noise_between_letters_changes_nothing(word: str, data: st.DataObject, before: str, after: str) -> None:
    hidden = "".join(letter + data.draw(NOISE) for letter in word)
    found = find_forbidden(before + hidden + after, [word])
    assert [one.word for one in found] == [word]


def test_letters_between_latin_words_still_count() -> None:
    assert find_forbidden("scar loaned", ["car loan"])
    assert not find_forbidden("car-x-loan", ["car loan"])
    assert find_forbidden("car—loan", ["car loan"])


def test_mixed_words_are_compared_with_all_letters() -> None:
    assert find_forbidden("ETC 贷", ["etc贷"]) == (ForbiddenWord("etc贷", 0, 5),)
    assert find_forbidden("e车t车c贷", ["etc贷"]) == ()


LATIN = st.text(st.sampled_from("abcXYZ0189のアㄅㄧ\u3164\u115f丨 .-"), max_size=4)


@given(st.sampled_from(FORBIDDEN_AUTO_WORDS), st.data())
def test_what_is_not_chinese_between_chinese_changes_nothing(word: str, data: st.DataObject) -> None:
    hidden = "".join(letter + data.draw(LATIN) for letter in word)
    assert [one.word for one in find_forbidden(hidden, [word])] == [word]


@given(st.text(max_size=60))
def test_places_are_inside_the_text(text: str) -> None:
    for found in find_forbidden(text + "以租代购", FORBIDDEN_AUTO_WORDS):
        assert 0 <= found.start < found.end <= len(text) + 4
