import pytest

from mnemon.errors import InvalidInput
from mnemon.text.person import Person

ANA = Person(("Ana",))
SILVA = Person(("Ana Silva",))


@pytest.mark.parametrize(
    "text", ["Ana moved.", "ask ANA's sister", "@ana_silva92 wrote", "Aná!", "mail ana.s@x.com"]
)
def test_a_name_is_found_as_people_write_it(text):
    assert ANA.named(text)


@pytest.mark.parametrize(
    "text", ["banana", "Anabel came", "she moved to Lisbon", "", "Hanna", "A na", "Annie came"]
)
def test_what_is_not_the_name_is_not(text):
    assert not ANA.named(text)


def test_a_whole_name_means_its_words_side_by_side():
    for text in ("Ana Silva left", "ana.silva@x.com", "AnaSilva", "@anasilva", "Ana\nSilva's"):
        assert SILVA.named(text), text
    for text in ("Ana left", "Silva left", "Silva and Ana", "Ana Maria Silva"):
        assert not SILVA.named(text), text
    assert SILVA.perhaps("Then Ana left.") == {"ana"}
    assert ANA.perhaps("Anna came. And then? Ane too.") == {"anna", "ane"}


def test_several_names_of_one_person():
    both = Person(("Robert Ek", "Bobby"))
    assert both.named("Bobby called") and both.named("Robert Ek called")
    assert "bob" in both.perhaps("Then Bob called") and not both.named("Bob called")


def test_speakers_bear_the_name():
    assert all(
        ANA.speaks(name) for name in ("Ana", "ana", "Ana Silva", "@ana_92", "ana.silva@x.pt")
    )
    assert not any(ANA.speaks(name) for name in ("Anabel", "Ben", None, ""))
    assert SILVA.speaks("ana_silva") and not SILVA.speaks("Ana")


def test_scripts_without_spaces():
    person = Person(("田中",))
    assert person.named("昨日田中さんに会った") and person.speaks("田中")
    assert not person.named("昨日山田さんに会った")


@pytest.mark.parametrize("names", [(), ("",), ("...",), ("Ana", " ")])
def test_a_name_of_nobody_is_refused(names):
    with pytest.raises(InvalidInput):
        Person(names)
