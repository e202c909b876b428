"""An interval as two numbers says the same as the interval itself."""

import math

from hypothesis import example, given
from hypothesis import strategies as st

from models.safety.condition import Band

ENDS = st.sampled_from([0.0, 0.5, 10.0, 37.8, 1e308]) | st.floats(allow_nan=False)


@example(low=math.inf, high=math.inf, value=0.0, low_open=True, high_open=False)
@example(low=-math.inf, high=-math.inf, value=0.0, low_open=False, high_open=True)
@given(low=ENDS, high=ENDS, value=ENDS | st.floats(), low_open=st.booleans(), high_open=st.booleans())
def test_its_closed_ends_hold_what_the_band_holds(low, high, value, low_open, high_open):
    band = Band(low, high, low_open, high_open)
    for one in (value, low, high):
        first, last = band.closed
        assert (first <= one <= last) is band.holds(one)
