"""The table of weights: how much each kind of evidence moves the confidence that a place is the right one."""

from __future__ import annotations

from typing import Final

CERTAIN: Final = 0.9
"""From here on a setting is proposed without a question."""

# -- the name ---------------------------------------------------------------------------------------
SAME_NAME: Final = 0.80
"""A name or a label that the system itself gives it."""
SAME_WORDS: Final = 0.70
"""The same words beside others that say nothing."""
ACTIVE_IN_CONTEXT: Final = 0.66
"""A mere *active* in a list that is about web stores."""
TWO_HEADS: Final = 0.60
"""Two words that belong to it, in no known order."""
HOLDS_NAME: Final = 0.42
"""The name, and words that say more."""
ONE_HEAD: Final = 0.36
OTHER_MEANING: Final = -0.60
"""A word that shows that it is something else."""

# -- where it is ------------------------------------------------------------------------------------
USUAL_PLACE: Final = 0.30
"""Where the product as it is sold keeps it."""
LATER_WAY: Final = -0.40
"""Where a setting can be found in several ways: each that is less usual than another."""
EXPECTED_PART: Final = 0.06
OUTSIDE: Final = 0.0
"""Outside of the contract, or in a list: that switches are kept there is usual."""

# -- what it holds ----------------------------------------------------------------------------------
FITTING_KIND: Final = 0.05
WRONG_KIND: Final = -0.50
FITTING_VALUES: Final = 0.15
WRONG_VALUES: Final = -0.40
EXPECTED_VALUE: Final = 0.30
"""A value that only the right place has reason to hold."""
EXPECTED_VALUE_MISSING: Final = -0.50
"""None of these, although there are others."""
NO_VALUES: Final = -0.20

# -- limits of the confidence -----------------------------------------------------------------------
LEAST: Final = 0.45
"""Below this a place is not proposed."""
RIVAL: Final = 0.50
"""From here on another place makes a question."""
MOST: Final = 0.99
WITH_RIVALS: Final = 0.75
NAME_ALONE: Final = 0.85
"""Where only values could prove it, and none were seen."""
EMPTY_COLUMN: Final = 0.80
CONTRADICTED: Final = 0.60
UNREADABLE: Final = 0.50
NOTHING_FOUND: Final = 0.30
NONE_BY_DESIGN: Final = 0.92
"""That there is none, where everything was looked at."""
NONE_UNSEEN: Final = 0.80
"""That there is none, where not everything could be looked at."""
DEFAULT: Final = 0.95
"""A default that is a choice and no fact."""
