"""How well a place fits a setting: evidence added up by the table of weights, and the best place chosen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from customer_sync.discovery import weights
from customer_sync.discovery.columns import agree, is_flag, look, texts
from customer_sync.discovery.description import Concept, Place, Wanted
from customer_sync.discovery.words import meant, words_of

_ACTIVE = frozenset({"active", "enabled", "enable", "selected", "sync"})
_PREFERRED = {"plain": 0, "linked": 1, "detail": 2, "custom": 3}
_TWO = 2


class Score(NamedTuple):
    """A place, its points, and what they are for; by ``rank`` it stands among others, found in more usual ways."""

    place: Place
    points: float
    reasons: tuple[str, ...]
    rank: float


class Choice(NamedTuple):
    """What a setting's place is taken to be.

    Attributes:
        place: The best one; ``None`` where none is good enough.
        confidence: From 0 to 1.
        why: The evidence, in words.
        others: Further places that a person may mean, the better ones first.
        has_rivals: Whether one of them is as likely in kind.
    """

    place: Place | None
    confidence: float
    why: str
    others: tuple[Place, ...] = ()
    has_rivals: bool = False


def choose(concept: Concept, ways: Sequence[Wanted], places: Sequence[Place]) -> Choice:
    """Find the best place for one element of a setting.

    Args:
        concept: The setting.
        ways: To find it, the usual one first.
        places: All places of the kind of record.
    """
    scores = [
        each._replace(rank=each.points + step * weights.LATER_WAY)
        for step, wanted in enumerate(ways)
        for each in ranked(concept, wanted, places)
    ]
    scores.sort(key=_order)
    if not scores or scores[0].points < weights.LEAST:
        found = tuple(each.place for each in scores)
        return Choice(None, weights.NOTHING_FOUND, "no field of such a name was found", found)
    return _judged(concept, scores)


def ranked(concept: Concept, wanted: Wanted, places: Iterable[Place]) -> list[Score]:
    """Places with points, the best first; of equal ones that of the contract."""
    scores = [score for place in places if (score := _score(concept, wanted, place)) is not None]
    return sorted(scores, key=_order)


def _order(score: Score) -> tuple[float, int, str]:
    return -score.rank, _PREFERRED[score.place.standing], str(score.place.value)


def _judged(concept: Concept, scores: Sequence[Score]) -> Choice:
    best = scores[0]
    equal = [each for each in scores if agree(each.place, best.place)]
    if equal:
        # Several places that hold the same: the one of the contract is read with the fewest questions.
        best = min(equal, key=lambda each: (_PREFERRED[each.place.standing], -each.rank))
    others = [each for each in scores if each.place is not best.place]
    rivals = [each for each in others if each.points >= weights.RIVAL and _is_rival(concept, each.place, best.place)]
    limits = [(weights.MOST, ""), *_limits(concept, best.place)]
    if rivals:
        names = ", ".join(shown(each.place) for each in rivals[:3])
        limits.append((weights.WITH_RIVALS, f"it could be {names} as well"))
    confidence, limit = min([(best.points, ""), *limits], key=lambda each: each[0])
    why = "; ".join([*best.reasons, *([limit] if limit else [])])
    return Choice(best.place, round(confidence, 2), why, tuple(each.place for each in others), bool(rivals))


def _is_rival(concept: Concept, place: Place, best: Place) -> bool:
    """Whether a person may mean another place than the best one."""
    if place.is_known or agree(place, best) or (place.standing == "linked" and best.standing != "linked"):
        return False
    # A record's own field of the product's name sums up the rows of a list; that is what it is for.
    # A custom field that is as empty as it may be the same one outside of the contract.
    is_summed_up = place.standing == "detail" or (place.standing == "custom" and not texts(place.column))
    is_usual = best.standing == "plain" and _is_usual(concept, best)
    return not (is_usual and is_summed_up and (concept.may_be_empty or texts(best.column)))


def _is_usual(concept: Concept, place: Place) -> bool:
    return any(place.value == way.default for element in concept.elements for way in element)


def _limits(concept: Concept, place: Place) -> list[tuple[float, str]]:
    """What keeps the confidence down whatever speaks for the place."""
    limits: list[tuple[float, str]] = []
    is_usual = _is_usual(concept, place)
    values = texts(place.column)
    if not place.is_readable:
        limits.append(
            (weights.UNREADABLE, "a field of this name cannot be read: its name needs letters and digits only")
        )
    if concept.must_be_seen and not values and not (is_usual and place.standing == "plain" and not place.is_known):
        limits.append((weights.NAME_ALONE, "no value of it was seen"))
    if place.column and not values and not concept.may_be_empty:
        limits.append((weights.EMPTY_COLUMN, "it is empty in every record that was looked at"))
    if place.column and concept.looks and look(place.column, concept.looks) < 0:
        limits.append((weights.CONTRADICTED, "its values are not of this kind"))
    if concept.holds and values and not _holds(concept, place):
        limits.append((weights.WITH_RIVALS, f"no record holds {' or '.join(sorted(concept.holds)).upper()} in it"))
    return limits


def _score(concept: Concept, wanted: Wanted, place: Place) -> Score | None:
    is_usual = wanted.default is not None and place.value == wanted.default
    if place.is_known and not is_usual:
        return None
    if not _is_in(place, wanted):
        return None
    named, reason = _name_points(concept, wanted, place)
    expected = _holds(concept, place)
    if named <= 0 and not expected:
        return None
    points, reasons = named, [reason] if reason else []
    if is_usual:
        points += weights.USUAL_PLACE
        reasons.append("it is where the product keeps it")
    points += weights.EXPECTED_PART if place.standing in {"plain", "linked"} else weights.OUTSIDE
    if concept.kinds and place.kind:
        points += weights.FITTING_KIND if place.kind in concept.kinds else weights.WRONG_KIND
    points += _value_points(concept, place, reasons, expected=expected)
    return Score(place, points, tuple(reasons), points)


def _is_in(place: Place, wanted: Wanted) -> bool:
    """Whether a place is in the record where it is looked for; lists and custom fields belong to the record itself."""
    if not wanted.parts:
        return place.standing != "linked"
    words = " ".join(words_of(place.part))
    return place.standing == "linked" and words in wanted.parts


def _name_points(concept: Concept, wanted: Wanted, place: Place) -> tuple[float, str]:
    best, reason = 0.0, ""
    for text, what in ((place.name, "name"), (place.label, "label")):
        points = _text_points(concept, wanted, place, text) if text else 0.0
        if points > best or (points < 0 and not reason):
            best, reason = points, f"its {what} is {text}"
    return best, reason


def _text_points(concept: Concept, wanted: Wanted, place: Place, text: str) -> float:
    known = concept.heads | concept.others | frozenset(word for each in wanted.phrases for word in each.split())
    words = words_of(text, known)
    said = meant(words)
    phrases = [tuple(each.split()) for each in wanted.phrases]
    joined = "".join(words)
    if any(joined == "".join(phrase) for phrase in phrases):
        return weights.SAME_NAME
    penalty = weights.OTHER_MEANING if said & concept.others else 0.0
    if any(said == meant(phrase) for phrase in phrases):
        return weights.SAME_WORDS + penalty
    if place.standing == "detail" and said & _ACTIVE and meant(words_of(place.part, known)) & concept.context:
        return weights.ACTIVE_IN_CONTEXT + penalty
    if any(meant(phrase) and meant(phrase) <= said for phrase in phrases):
        return weights.HOLDS_NAME + penalty
    found = len(said & concept.heads)
    return (weights.TWO_HEADS if found >= _TWO else weights.ONE_HEAD if found else 0.0) + (penalty if found else 0.0)


def _value_points(concept: Concept, place: Place, reasons: list[str], *, expected: bool) -> float:
    if place.column is None:
        return 0.0
    if not texts(place.column):
        return 0.0 if concept.may_be_empty else weights.NO_VALUES
    points = 0.0
    fit = look(place.column, concept.looks)
    if concept.looks == "flag" and place.kind == "text" and not is_flag(place.column):
        fit = -1.0
    if fit > 0:
        points += weights.FITTING_VALUES
        reasons.append(f"{len(texts(place.column))} of {len(place.column)} records hold a value that fits")
    elif fit < 0:
        points += weights.WRONG_VALUES
        reasons.append("its values look like something else")
    if expected:
        points += weights.EXPECTED_VALUE
        reasons.append(f"records hold {' or '.join(sorted(concept.holds)).upper()} in it")
    elif concept.holds:
        points += weights.EXPECTED_VALUE_MISSING
    return points


def _holds(concept: Concept, place: Place) -> bool:
    if not concept.holds or place.column is None:
        return False
    return bool(concept.holds & {text.casefold() for text in texts(place.column)})


def shown(place: Place) -> str:
    """A place in words, for people."""
    value: Any = place.value
    if isinstance(value, str):
        return value
    if "custom" in value:
        return f"the custom field {value['custom']}"
    where = " and ".join(f"{name} {text}" for name, text in value.get("where", {}).items())
    return f"{value['field']} of {value['detail']}" + (f" where {where}" if where else "")
