from __future__ import annotations

import subprocess
import sys
import warnings
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from nbregistry.capture.signature import Contract, infer
from nbregistry.errors import BadRows, InvalidInput
from nbregistry.serving.intake import Intake
from nbregistry.serving.table import join
from tests.capture.frames import MAKERS

TEXTS = (
    "2020-01-01", "2020-02-30", "2020-01-01T00:00:00", "2020-01-01 10:11:12", "2020-01-01T10:11:12.5", "2020-W01-1",
    "2020-01-01T10:11:12.123456", "2020-01-01T10:11:12.1234567", "2020-01-01T10:11", "2020-01-01T24:00:00", "20200101",
    "1600-01-01", "2300-01-01", "1677-01-01T00:00:00Z", "2020-01-01T00:00:00Z", "2020-07-01T00:00:00+02:00", "",
    "2020-07-01 00:00:00+02:00", "2020-07-01T00:00:00.25-03:30", "2020-07-01T00:00:00+25:00",
    "2020-07-01T00:00:00+00:99", "2020-03-29T02:30:00", "2020-03-29T02:30:00+01:00", "2020-10-25T02:30:00+01:00",
    "2020-10-25T02:30:00+02:00", "9999-12-31", "2020-01-01T23:59:60", "\uff12020-01-01",
)  # fmt: skip
KINDS = [name for name in MAKERS if name.startswith("datetime64")]
FRAMES = [pd.DataFrame({"x": MAKERS[name]([1, 2], [False, gone])}) for name in KINDS for gone in (False, True)]
PREPARED = [(Intake(infer(frame)), Contract(infer(frame))) for frame in FRAMES]


@settings(max_examples=500)
@given(
    prepared=st.sampled_from(PREPARED),
    values=st.lists(st.one_of(st.sampled_from(TEXTS), st.sampled_from((None, 1, True))), min_size=1, max_size=2),
)
def test_moments_are_read_as_pandas_reads_them(prepared: tuple[Intake, Contract], values: list[Any]) -> None:
    """Of texts in any spelling and any unit and zone, the quick way takes what pandas takes, as the same moments."""
    intake, contract = prepared
    complete, ours = None, None
    rows = [[value] for value in values]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas, on casts that are then refused
        try:
            complete = contract.apply(rows)
        except InvalidInput:
            with pytest.raises(BadRows):
                intake.from_rows(rows)
        else:
            table = intake.from_rows(rows)
            ours = intake.to_model(table)
            assert_frame_equal(complete, ours, check_index_type=False)
            assert_frame_equal(pd.concat([ours, ours], ignore_index=True), intake.to_model(join([table, table])))


def test_both_ways_can_be_joined() -> None:
    """What was read quickly and what pandas read make one column, in the zone of training."""
    trained = pd.DataFrame({"x": pd.to_datetime(["2020-01-01"]).tz_localize("Europe/Paris")})
    intake = Intake(infer(trained))
    both = [intake.from_rows([[text]]) for text in ("2020-07-01T00:00:00+02:00", "2020-07-01 00:00:00+02:00")]
    found = intake.to_model(join(both))["x"]
    assert trained["x"].dtype == found.dtype
    assert 1 == found.nunique()


def test_pandas_is_not_loaded_for_plain_moments() -> None:
    """The usual spellings are read without pandas."""
    code = """
import sys
from nbregistry.domain.signature import Column, Signature
from nbregistry.serving.intake import Intake
columns = Column("a", "datetime64[us]"), Column("b", "datetime64[ns, UTC]", True, extra={"unit": "ns", "tz": "UTC"})
intake = Intake(Signature(columns))
print(intake.from_rows([["2020-01-01", "2020-01-01T10:00:00+01:00"], ["2020-01-01 10:00:00.5", None]]).values)
print("pandas" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.endswith("False\n")
    assert "datetime.datetime(2020, 1, 1, 9, 0, tzinfo=datetime.timezone.utc)" in done.stdout
